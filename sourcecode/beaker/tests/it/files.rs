//! The file store on a disk that does not behave.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use beaker::key::Namespace;
use beaker::store::{FileStore, Precondition, Store, Version};
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
        store.put(&key, b"x", None, Precondition::Always).map(drop),
        store.put(&key, b"x", None, Precondition::Absent).map(drop),
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
        store.put(&namespace.key(format!("k{number}")), b"x", ttl, Precondition::Always).unwrap();
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
    store.put(&key, b"x", None, Precondition::Always).unwrap();
    let leaf = folder.path().join("container_file/k/kk");
    let whole = fs::read(leaf.join("kk.cache")).unwrap();
    let ours =
        [(".beaker-a.tmp", &whole[..]), (".beaker-b.tmp", &whole[..9]), (".beaker-c.tmp", b"")];
    let theirs = [(".a.tmp", &whole[..]), ("a.tmp", b""), (".beaker-d.tmp", b"a pickle")];
    for (name, content) in ours.iter().chain(&theirs) {
        fs::write(leaf.join(name), content).unwrap();
    }
    assert!(store.sweep(100).unwrap().is_done);
    assert!(ours.iter().all(|(name, _)| leaf.join(name).exists()), "their writers may be at work");
    clock.advance(Duration::from_secs(3601));
    store.sweep(100).unwrap();
    assert!(!ours.iter().any(|(name, _)| leaf.join(name).exists()));
    assert!(theirs.iter().all(|(name, _)| leaf.join(name).exists()), "not ours to remove");
    assert!(store.get(&key).unwrap().is_some());
}

/// What Python's Beaker, or anybody, keeps in the same tree is not touched, whatever is done with ours.
#[test]
fn files_of_others_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::default());
    let store = FileStore::open(folder.path()).unwrap().with_clock(clock.clone());
    let key = |name: &str| Namespace::default().key(name);
    let ttl = Some(Duration::from_secs(60));
    store.put(&key("abc"), b"ours", ttl, Precondition::Always).unwrap();
    let leaf = folder.path().join("container_file/a/ab");
    let pickle = b"\x80\x04\x95\x1a\x00\x00\x00\x00\x00\x00\x00}\x94\x8c\x07session\x94}\x94s.";
    let files = ["abd.cache", "abe.cache", "notes.txt", "container_file.gone-1f.cache"];
    let files = files.map(|name| leaf.join(name));
    let other = folder.path().join("container_file-n.gone-1f/k/kk/k.cache");
    fs::create_dir_all(other.parent().unwrap()).unwrap();
    fs::create_dir_all(leaf.join("folder.cache")).unwrap();
    let all_there = |after: &str| {
        let there = files.iter().chain([&other]).all(|file| fs::read(file).unwrap() == pickle);
        assert!(there && leaf.join("folder.cache").is_dir(), "after {after}");
    };
    files.iter().chain([&other]).for_each(|file| fs::write(file, pickle).unwrap());
    #[cfg(unix)]
    std::os::unix::fs::symlink(leaf.join("abd.cache"), leaf.join("link.cache")).unwrap();

    assert!(store.get(&key("abd")).unwrap().is_none());
    assert!(!store.delete(&key("abd"), Precondition::Always).unwrap());
    assert!(
        store
            .put(&key("abd"), b"x", None, Precondition::Unchanged(Version::new(1)))
            .unwrap()
            .is_none()
    );
    let error = store.put(&key("abd"), b"x", None, Precondition::Absent).unwrap_err();
    assert!(
        error.to_string().contains("abd.cache") && error.to_string().contains("another `data_dir`")
    );
    all_there("single operations");
    clock.advance(Duration::from_secs(1_000_000_000));
    assert_eq!(store.sweep(10_000).unwrap().removed, 1, "ours");
    all_there("a sweep");
    store.put(&key("abc"), b"ours", None, Precondition::Always).unwrap();
    store.clear(&Namespace::default()).unwrap();
    assert!(!leaf.join("abc.cache").exists());
    all_there("a clear");
    #[cfg(unix)]
    assert!(leaf.join("link.cache").is_symlink());
}

#[test]
fn a_clear_leaves_no_empty_folders() {
    let folder = tempfile::tempdir().unwrap();
    let store = FileStore::open(folder.path()).unwrap();
    for (number, namespace) in ["", "n"].map(Namespace::new).iter().enumerate() {
        store.put(&namespace.key(format!("k{number}")), b"x", None, Precondition::Always).unwrap();
        store.clear(namespace).unwrap();
    }
    let left: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(left, ["container_file_lock"]);
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
                    assert!(!store.delete(&key, Precondition::Unchanged(never)).unwrap());
                }
            });
        }
        for round in 0..ROUNDS {
            let version = store
                .put(&key, b"x", None, Precondition::Absent)
                .unwrap()
                .expect("nobody else writes");
            let lives = store.get(&key).unwrap().is_some();
            let removed = store.delete(&key, Precondition::Unchanged(version)).unwrap();
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
        let mut version = store.put(&key, b"old", None, Precondition::Always).unwrap().unwrap();
        let start = Barrier::new(2);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                start.wait();
                while let Some(next) =
                    store.put(&key, b"old", None, Precondition::Unchanged(version)).unwrap()
                {
                    version = next;
                }
            });
            start.wait();
            (0..round % 97).for_each(|_| std::hint::spin_loop());
            store.clear(&namespace).unwrap();
            store.put(&neighbour, b"new", None, Precondition::Always).unwrap();
        });
        assert!(store.get(&key).unwrap().is_none(), "it is back in round {round}");
        assert!(store.get(&neighbour).unwrap().is_some(), "lost in round {round}");
    }
}
