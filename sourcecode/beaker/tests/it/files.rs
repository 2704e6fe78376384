//! The file store on a disk that does not behave.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use beaker::key::Namespace;
use beaker::store::{FileStore, Store, Version, When};
use beaker::{Backend, ErrorKind, ManualClock, Sessions};

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let folder = file.path().join("data");
    let error = FileStore::open(&folder).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage);
    let message = error.to_string();
    assert!(message.contains(folder.to_str().unwrap()), "{message}");
    assert!(message.contains("make it writable"), "{message}");
}

#[test]
fn a_folder_removed_under_a_running_program_is_made_again() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("data");
    let backend = Backend::open("file", &[("data_dir", folder.to_str().unwrap())]).unwrap();
    let sessions = Sessions::new(backend);
    let mut session = sessions.create();
    session.save().unwrap();
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(sessions.open(session.id()).unwrap_err().kind(), ErrorKind::UnknownSession);
    assert_eq!(session.save().unwrap_err().kind(), ErrorKind::SessionGone);
    let mut next = sessions.create();
    next.set("a", 1);
    next.save().unwrap();
    assert_eq!(sessions.open(next.id()).unwrap().get("a"), Some(&1.into()));
    next.delete().unwrap();
}

#[test]
fn a_folder_in_the_place_of_a_file_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let store = FileStore::open(folder.path()).unwrap();
    fs::create_dir_all(folder.path().join("container_file/k/k/k.cache")).unwrap();
    let key = Namespace::default().key("k");
    for failed in [
        store.get(&key).map(drop),
        store.put(&key, b"x", None, When::Always).map(drop),
        store.put(&key, b"x", None, When::Absent).map(drop),
    ] {
        assert_eq!(failed.unwrap_err().kind(), ErrorKind::Storage);
    }
}

#[test]
fn a_sweep_removes_the_files_of_what_has_expired() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::default());
    let store = FileStore::open(folder.path()).unwrap().with_clock(clock.clone());
    for number in 0..1000 {
        let ttl = (number % 4 > 0).then_some(Duration::from_secs(60));
        let namespace = Namespace::new(if number % 2 == 0 { "" } else { "n" });
        store.put(&namespace.key(format!("k{number}")), b"x", ttl, When::Always).unwrap();
    }
    clock.advance(Duration::from_secs(60));
    let (mut removed, mut steps) = (0, 0);
    loop {
        let swept = store.sweep(100).unwrap();
        (removed, steps) = (removed + swept.removed, steps + 1);
        if swept.is_done {
            break;
        }
    }
    assert_eq!(removed, 750);
    assert!(steps >= 5, "{steps} steps are no small ones");
    assert_eq!(store.sweep(10_000).unwrap().removed, 0);
    assert!(store.get(&Namespace::default().key("k0")).unwrap().is_some());
}

#[test]
fn a_sweep_removes_what_killed_writers_left() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::new(beaker::Clock::now(&beaker::SystemClock)));
    let store = FileStore::open(folder.path()).unwrap().with_clock(clock.clone());
    let key = Namespace::default().key("kk");
    store.put(&key, b"x", None, When::Always).unwrap();
    let leaf = folder.path().join("container_file/k/kk");
    fs::copy(leaf.join("kk.cache"), leaf.join(".abc.tmp")).unwrap();
    fs::create_dir_all(folder.path().join("container_file-n.gone-1f/k/kk")).unwrap();
    assert!(store.sweep(100).unwrap().is_done);
    assert!(leaf.join(".abc.tmp").exists(), "its writer may be at work");
    assert!(!folder.path().join("container_file-n.gone-1f").exists());
    clock.advance(Duration::from_secs(3601));
    store.sweep(100).unwrap();
    assert!(!leaf.join(".abc.tmp").exists());
    assert!(store.get(&key).unwrap().is_some());
}

/// Deleters whose condition is never met, while records come and go: nothing may be lost.
#[test]
fn an_unmet_condition_removes_nothing_that_comes_meanwhile() {
    const ROUNDS: usize = 3000;
    let folder = tempfile::tempdir().unwrap();
    let store = FileStore::open(folder.path()).unwrap();
    let (key, never) = (Namespace::default().key("abc"), Version::new(7));
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    assert!(!store.delete(&key, When::Unchanged(never)).unwrap());
                }
            });
        }
        for round in 0..ROUNDS {
            let version =
                store.put(&key, b"x", None, When::Absent).unwrap().expect("nobody else writes");
            let lives = store.get(&key).unwrap().is_some();
            let removed = store.delete(&key, When::Unchanged(version)).unwrap();
            if !(lives && removed) {
                done.store(true, Ordering::Relaxed);
                panic!("lost in round {round}: lives {lives}, removed {removed}");
            }
        }
        done.store(true, Ordering::Relaxed);
    });
}

/// A writer with a condition and a `clear`, while another key brings the folder back at once.
#[test]
fn what_was_cleared_is_not_written_again() {
    const ROUNDS: u32 = 1500;
    let folder = tempfile::tempdir().unwrap();
    let store = FileStore::open(folder.path()).unwrap();
    let namespace = Namespace::default();
    let (key, neighbour) = (namespace.key("abc"), namespace.key("abd"));
    for round in 0..ROUNDS {
        let mut version = store.put(&key, b"old", None, When::Always).unwrap().unwrap();
        let start = Barrier::new(2);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                start.wait();
                while let Some(next) =
                    store.put(&key, b"old", None, When::Unchanged(version)).unwrap()
                {
                    version = next;
                }
            });
            start.wait();
            (0..round % 97).for_each(|_| std::hint::spin_loop());
            store.clear(&namespace).unwrap();
            store.put(&neighbour, b"new", None, When::Always).unwrap();
        });
        assert!(store.get(&key).unwrap().is_none(), "it is back in round {round}");
        assert!(store.get(&neighbour).unwrap().is_some(), "lost in round {round}");
    }
}
