//! Requests of one visitor that overlap lose nothing.

use std::sync::Barrier;
use std::thread;

use beaker::{Backend, Sessions, Value};

const THREADS: usize = 16;
const TURNS: usize = 100;

pub(crate) fn check(backend: Backend) {
    let sessions = Sessions::new(backend);
    let mut session = sessions.create();
    session.save().unwrap();
    let (id, start) = (*session.id(), Barrier::new(THREADS));
    thread::scope(|scope| {
        for number in 0..THREADS {
            let (sessions, start) = (&sessions, &start);
            scope.spawn(move || {
                start.wait();
                for turn in 0..TURNS {
                    let mut session = sessions.open(&id).unwrap();
                    session.update("counter", |old| old.and_then(Value::as_int).unwrap_or(0) + 1);
                    session.set(format!("thread {number}"), turn as i64);
                    session.save().unwrap();
                }
            });
        }
    });
    let session = sessions.open(&id).unwrap();
    assert_eq!(session.get("counter"), Some(&Value::Int((THREADS * TURNS) as i64)));
    for number in 0..THREADS {
        let last = session.get(&format!("thread {number}")).and_then(Value::as_int);
        assert_eq!(last, Some(TURNS as i64 - 1), "thread {number}");
    }
}

#[test]
fn in_memory() {
    check(Backend::memory());
}

#[test]
fn in_files() {
    let folder = tempfile::tempdir().unwrap();
    check(Backend::open("file", &[("data_dir", folder.path().to_str().unwrap())]).unwrap());
    let left: Vec<_> = std::fs::read_dir(folder.path().join("container_file_lock"))
        .map(|entries| entries.map(|entry| entry.unwrap().path()).collect())
        .unwrap_or_default();
    assert!(left.is_empty(), "lock files are left: {left:?}");
}

#[cfg(feature = "memcached")]
#[test]
fn in_memcached() {
    let memcached = servers::Memcached::for_programs().unwrap();
    check(Backend::open("ext:memcached", &[("url", &memcached.url())]).unwrap());
}

#[cfg(feature = "dbm")]
#[test]
fn in_dbm() {
    // In memory where there is such a folder: each write waits for the disk.
    let memory = std::path::Path::new("/dev/shm");
    let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    let folder = tempfile::tempdir_in(parent).unwrap();
    check(Backend::open("dbm", &[("data_dir", folder.path().to_str().unwrap())]).unwrap());
}

#[cfg(feature = "sqlite")]
#[test]
fn in_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:///{}/sessions.db", folder.path().display());
    check(Backend::open("ext:database", &[("url", &url), ("deadline", "20000")]).unwrap());
}
