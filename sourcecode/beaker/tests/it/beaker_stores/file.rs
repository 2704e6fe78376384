//! Beaker's files.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use beaker::key::Namespace;
use beaker::store::python::BeakerFile;
use beaker::store::{Precondition, Store};
use beaker::{Backend, ErrorKind};
use tempfile::TempDir;

use super::{
    DICTIONARY, ID, TEXT, check_left_alone, check_races, check_sessions, foreign, id, unhex,
};

const FILE: &str = "container_file/0/00/00112233445566778899aabbccddeeff.cache";
const LOCK: &str = "container_file_lock/2/2a/2ab31b2b0c25d5f6cbc9e082f80ab7cd27ec6315.lock";

fn open() -> (TempDir, BeakerFile) {
    let folder = tempfile::tempdir().unwrap();
    let store = BeakerFile::open(folder.path()).unwrap();
    (folder, store)
}

/// Writes a file as Beaker does.
fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn bytes() -> Vec<u8> {
    [vec![0x80, 4], unhex(DICTIONARY)].concat()
}

#[cfg(feature = "conformance")]
#[test]
fn the_contract() {
    super::sessions::check_contract(open().1);
}

#[test]
fn sessions() {
    let (_folder, store) = open();
    check_sessions(&store);
    check_races(&store);
}

#[test]
fn the_very_bytes() {
    let (folder, store) = open();
    store.put(&id(), TEXT.as_bytes(), None, Precondition::Absent).unwrap().unwrap();
    let path = folder.path().join(FILE);
    assert_eq!(fs::read(&path).unwrap(), bytes());
    assert_eq!(bytes().len(), 148);
    assert!(folder.path().join(LOCK).exists());
    let version = store.get(&id()).unwrap().unwrap().version;

    // Python writes another session in its place.
    write(&path, &unhex("80047d948c0773657373696f6e948c036e6577942e"));
    assert_eq!(store.get(&id()).unwrap_err().kind(), ErrorKind::Codec, "it has no end");
    write(&path, &unhex("80047d948c0773657373696f6e948c036e657794732e"));
    assert_eq!(&*store.get(&id()).unwrap().unwrap().bytes, b"new");
    assert!(store.put(&id(), b"x", None, Precondition::Unchanged(version)).unwrap().is_none());
    // The same content is the same version.
    write(&path, &bytes());
    assert!(store.put(&id(), b"x", None, Precondition::Unchanged(version)).unwrap().is_some());
}

#[cfg(unix)]
#[test]
fn modes_and_what_is_left_behind() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, store) = open();
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    // A session that is not there leaves nothing behind.
    assert_eq!(store.get(&id()).unwrap(), None);
    assert!(!store.delete(&id(), Precondition::Always).unwrap());
    let nobody = Precondition::Unchanged(beaker::store::Version::new(7));
    assert_eq!(store.put(&id(), b"x", None, nobody).unwrap(), None);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    // Whoever was killed left a draft, or somebody a link.
    let (path, precious) = (folder.path().join(FILE), folder.path().join("precious"));
    let draft = path.with_extension("cache.temp");
    fs::write(&precious, "precious").unwrap();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(&precious, &draft).unwrap();
    store.put(&id(), b"x", None, Precondition::Absent).unwrap().unwrap();
    assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
    assert!(!draft.exists());
    assert_eq!((mode(path), mode(folder.path().join(LOCK))), (0o600, 0o600));
    assert_eq!(mode(folder.path().join("container_file_lock/2")), 0o700);
    assert!(store.delete(&id(), Precondition::Always).unwrap());
    assert!(folder.path().join(LOCK).exists(), "Beaker would wait on the one that it has open");
}

#[test]
fn what_cannot_be_read_stays() {
    for bytes in foreign() {
        let (folder, store) = open();
        let path = folder.path().join(FILE);
        write(&path, &bytes);
        check_left_alone(&store, || fs::read(&path).unwrap() == bytes);
        store.clear(&Namespace::default()).unwrap();
        assert_eq!(store.keys(&Namespace::default(), None, 10).unwrap().keys, []);
        assert!(path.exists());
        // Unless somebody says so.
        store.put(&id(), b"new", None, Precondition::Always).unwrap().unwrap();
        assert_eq!(&*store.get(&id()).unwrap().unwrap().bytes, b"new");
        write(&path, &bytes);
        assert!(store.delete(&id(), Precondition::Always).unwrap() && !path.exists());
    }
    // A dictionary without a session, as `session.lock()` leaves it, is no session.
    let (folder, store) = open();
    write(&folder.path().join(FILE), &unhex("80047d942e"));
    assert_eq!(store.get(&id()).unwrap(), None);
    assert!(!store.delete(&id(), Precondition::Always).unwrap());
    assert!(store.put(&id(), b"new", None, Precondition::Absent).unwrap().is_some());
}

#[test]
fn other_entries_stay() {
    let (folder, store) = open();
    let path = folder.path().join(FILE);
    // {'a': {1, 2}, 'session': 'text', b'k': 1.5}
    let mixed = "8004952f000000000000007d94288c0161948f94284b014b02908c0773657373696f6e948c04746578749443016b9447\
                 3ff8000000000000752e";
    write(&path, &unhex(mixed));
    let stored = store.get(&id()).unwrap().unwrap();
    assert_eq!(&*stored.bytes, b"text");
    let unchanged = Precondition::Unchanged(stored.version);
    let version = store.put(&id(), b"new", None, unchanged).unwrap().unwrap();
    assert_eq!(store.get(&id()).unwrap().unwrap().version, version);
    assert!(store.delete(&id(), Precondition::Unchanged(version)).unwrap());
    assert_eq!(store.get(&id()).unwrap(), None);
    let left = fs::read(&path).unwrap();
    assert!(left.contains(&b'k') && left.len() < mixed.len() / 2, "{left:?}");
}

#[test]
fn sessions_are_listed_and_cleared_and_caches_stay() {
    let (folder, store) = open();
    let sessions = Namespace::default();
    // A cache of Beaker's, whose name has been hashed, and one whose name is as long as an id.
    let cache =
        folder.path().join("container_file/f/f7/f7a047195ca347056b92a6817c50bf8a4182af78.cache");
    let alike = folder.path().join("container_file/f/ff/ffffffffffffffffffffffffffffffff.cache");
    let entries = "80049546000000000000007d942843026b31944741d954fc401000004d100e8c02763194879443026b32944741d954fc40\
                   1000004e7d948c0161945d94284b014740040000000000004e8865738794752e";
    write(&cache, &unhex(entries));
    write(&alike, &unhex(entries));
    let mut ids: Vec<_> = (0..40_u128)
        .map(|number| sessions.key(format!("{:032x}", number.wrapping_mul(u128::MAX / 39))))
        .collect();
    for id in &ids {
        store.put(id, b"text", None, Precondition::Always).unwrap();
    }
    ids.sort();
    for most in [1, 7, 1000] {
        let (mut found, mut from) = (Vec::new(), None);
        loop {
            let page = store.keys(&sessions, from.as_ref(), most).unwrap();
            found.extend(page.keys);
            from = page.next;
            if from.is_none() {
                break;
            }
        }
        found.sort();
        assert_eq!(found, ids);
    }
    store.clear(&sessions).unwrap();
    assert!(ids.iter().all(|id| store.get(id).unwrap().is_none()));
    assert!(cache.exists() && alike.exists());
}

/// Whoever holds Beaker's lock is waited for.
#[test]
fn a_lock_is_waited_for() {
    let (folder, store) = open();
    store.put(&id(), b"text", None, Precondition::Absent).unwrap();
    let lock = fs::File::open(folder.path().join(LOCK)).unwrap();
    // Readers share it.
    lock.lock_shared().unwrap();
    assert!(store.get(&id()).unwrap().is_some());
    for exclusive in [false, true] {
        lock.unlock().unwrap();
        if exclusive {
            lock.lock().unwrap();
        } else {
            lock.lock_shared().unwrap();
        }
        thread::scope(|scope| {
            let (done, is_done) = mpsc::channel();
            let store = &store;
            scope.spawn(move || {
                let result = if exclusive {
                    store.get(&id()).map(|found| found.is_some())
                } else {
                    store.put(&id(), b"new", None, Precondition::Always).map(|it| it.is_some())
                };
                done.send(result.unwrap()).unwrap();
            });
            assert!(is_done.recv_timeout(Duration::from_millis(200)).is_err(), "it did not wait");
            lock.unlock().unwrap();
            assert!(is_done.recv().unwrap());
        });
    }
}

#[test]
fn by_name() {
    let folder = tempfile::tempdir().unwrap();
    let (data, locks) = (folder.path().join("data"), folder.path().join("locks"));
    let options = [("data_dir", data.to_str().unwrap()), ("lock_dir", locks.to_str().unwrap())];
    let backend = Backend::open_beaker("file", &options).unwrap();
    backend.ping().unwrap();
    backend.store().put(&id(), b"text", None, Precondition::Absent).unwrap();
    assert!(data.join(FILE).exists());
    assert!(locks.join(LOCK.trim_start_matches("container_file_lock/")).exists());
    for name in ["memory", "dbm", "null"] {
        let options: &[_] = if name == "dbm" { &options } else { &[] };
        let error = Backend::open_beaker(name, options).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    }
    assert_eq!(ID.len(), 32);
}
