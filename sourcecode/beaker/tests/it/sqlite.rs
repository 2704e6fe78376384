//! SQLite: the contract, several handles, and files that are not as they should be.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use beaker::key::{Key, Namespace};
use beaker::store::{DatabaseStore, Store, When};
use beaker::{Backend, Error, ErrorKind, ManualClock, Sessions};

const DEADLINE: Duration = Duration::from_secs(20);

fn open(file: &Path) -> Result<DatabaseStore, Error> {
    DatabaseStore::open(file.to_str().unwrap(), DatabaseStore::TABLE_NAME, DEADLINE)
}

fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("new/sessions.db");
    (folder, file)
}

fn key(name: &str) -> Key {
    Namespace::default().key(name)
}

#[cfg(feature = "conformance")]
#[test]
fn the_contract() {
    use beaker::store::conformance::{Subject, check};
    let (_folder, file) = place();
    let clock = Arc::new(ManualClock::default());
    let store = open(&file).unwrap().with_clock(clock.clone());
    check(&Subject::new(&store, |time| clock.advance(time)));
    assert_eq!(store.damaged(), 0);
}

#[test]
fn two_handles_made_at_once_see_the_same() {
    let (_folder, file) = place();
    let start = std::sync::Barrier::new(8);
    let stores: Vec<_> = std::thread::scope(|scope| {
        let open = || {
            start.wait();
            open(&file).unwrap()
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let version = stores[0].put(&key("k"), b"one", None, When::Absent).unwrap().unwrap();
    assert!(stores[1].put(&key("k"), b"two", None, When::Absent).unwrap().is_none());
    assert_eq!(stores[2].get(&key("k")).unwrap().unwrap().version, version);
    assert!(stores[3].put(&key("k"), b"two", None, When::Unchanged(version)).unwrap().is_some());
    assert_eq!(&*stores[0].get(&key("k")).unwrap().unwrap().bytes, b"two");
}

#[test]
fn a_sweep_goes_in_steps_and_leaves_what_lives() {
    let (_folder, file) = place();
    let clock = Arc::new(ManualClock::default());
    let store = open(&file).unwrap().with_clock(clock.clone());
    for number in 0..250 {
        let ttl = (number % 5 != 0).then_some(Duration::from_secs(10));
        store.put(&key(&number.to_string()), b"x", ttl, When::Always).unwrap();
    }
    clock.advance(Duration::from_secs(11));
    let steps: Vec<_> = (0..3).map(|_| store.sweep(80).unwrap()).collect();
    assert_eq!(steps.iter().map(|step| step.removed).collect::<Vec<_>>(), [80, 80, 40]);
    assert!(steps[2].is_done && !steps[1].is_done);
    assert!((0..50).all(|number| store.get(&key(&(number * 5).to_string())).unwrap().is_some()));
}

#[test]
fn many_rows_are_cleared_in_steps() {
    let (_folder, file) = place();
    let store = open(&file).unwrap();
    let (cleared, kept) = (Namespace::new("cleared"), Namespace::new("kept").key("k"));
    store.put(&kept, b"x", None, When::Always).unwrap();
    for number in 0..2500 {
        store.put(&cleared.key(number.to_string()), b"x", None, When::Always).unwrap();
    }
    store.clear(&cleared).unwrap();
    let bare = rusqlite::Connection::open(&file).unwrap();
    let count = "select count(*) from beaker_cache";
    let rows: i64 = bare.query_row(count, [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 1);
}

#[test]
fn a_folder_removed_under_a_running_program_is_made_again() {
    let (_folder, file) = place();
    let clock = Arc::new(ManualClock::default());
    let open = || open(&file).unwrap().with_clock(clock.clone());
    let (store, other) = (open(), open());
    for _ in 0..2 {
        store.put(&key("k"), b"x", None, When::Always).unwrap();
    }
    assert!(other.get(&key("k")).unwrap().is_some() && store.get(&key("k")).unwrap().is_some());
    fs::remove_dir_all(file.parent().unwrap()).unwrap();
    // A write notices within 10 ms, and so do the reads of the same handle; others within 0.1 s.
    clock.advance(Duration::from_millis(10));
    store.put(&key("k"), b"y", None, When::Absent).unwrap().unwrap();
    assert_eq!(&*store.get(&key("k")).unwrap().unwrap().bytes, b"y");
    clock.advance(Duration::from_millis(100));
    assert_eq!(&*other.get(&key("k")).unwrap().unwrap().bytes, b"y");
}

#[track_caller]
fn refused(error: Error, kind: ErrorKind, file: &Path, hint: &str) {
    println!("{error:?}");
    assert_eq!(error.kind(), kind, "{error:?}");
    let message = error.to_string();
    assert!(message.contains(file.to_str().unwrap()) && message.contains(hint), "{message}");
}

#[test]
fn a_file_of_something_else() {
    let (_folder, file) = place();
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, "This is the diary of Kimi Räikkönen. ".repeat(500)).unwrap();
    refused(open(&file).unwrap_err(), ErrorKind::Storage, &file, "no SQLite database");
}

#[test]
fn a_place_that_cannot_be_written() {
    let (_folder, file) = place();
    fs::create_dir_all(&file).unwrap();
    refused(open(&file).unwrap_err(), ErrorKind::Storage, &file, "writable");
    let below = file.join("a.db");
    fs::remove_dir(&file).unwrap();
    fs::write(&file, "").unwrap();
    refused(open(&below).unwrap_err(), ErrorKind::Storage, &below, "writable");
}

#[test]
fn a_file_that_is_read_only() {
    let (_folder, file) = place();
    open(&file).unwrap().put(&key("k"), b"x", None, When::Always).unwrap();
    // Even root cannot write a file whose header asks for a later SQLite.
    let mut bytes = fs::read(&file).unwrap();
    bytes[18] = 9;
    fs::write(&file, bytes).unwrap();
    let Ok(store) = open(&file) else { return };
    let error = store.put(&key("k"), b"y", None, When::Always).unwrap_err();
    refused(error, ErrorKind::Storage, &file, "writable");
}

#[test]
fn a_table_of_somebody_else() {
    let (_folder, file) = place();
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let bare = rusqlite::Connection::open(&file).unwrap();
    bare.execute_batch("create table beaker_cache (id integer, data blob)").unwrap();
    refused(open(&file).unwrap_err(), ErrorKind::Config, &file, "table_name");
}

#[test]
fn a_file_that_is_locked_is_an_error_within_the_deadline_and_then_well() {
    let (_folder, file) = place();
    let table = DatabaseStore::TABLE_NAME;
    let deadline = Duration::from_millis(300);
    let store = DatabaseStore::open(file.to_str().unwrap(), table, deadline).unwrap();
    store.put(&key("k"), b"x", None, When::Always).unwrap();
    let bare = rusqlite::Connection::open(&file).unwrap();
    bare.execute_batch("begin immediate").unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let begun = Instant::now();
                let error = store.put(&key("k"), b"y", None, When::Always).unwrap_err();
                assert!(begun.elapsed() < deadline * 2, "it took {:?}", begun.elapsed());
                assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
            });
        }
    });
    assert_eq!(&*store.get(&key("k")).unwrap().unwrap().bytes, b"x", "readers are not held up");
    bare.execute_batch("commit").unwrap();
    assert!(store.put(&key("k"), b"y", None, When::Always).unwrap().is_some());
}

/// Each page of the file damaged in turn: an error, a missing record or the right one, and never a
/// wrong one.
#[test]
fn damaged_bytes() {
    let (_folder, file) = place();
    let url = file.to_str().unwrap();
    let backend = Backend::open("ext:database", &[("url", url)]).unwrap();
    let sessions = Sessions::new(backend);
    let mut session = sessions.create();
    session.set("Suomi", "Kimi Räikkönen");
    session.save().unwrap();
    let id = *session.id();
    drop((session, sessions));
    // The last connection has gone, and the log with it.
    let whole = fs::read(&file).unwrap();
    let (mut errors, mut right) = (0, 0);
    for at in (0..whole.len()).step_by(37) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        fs::write(&file, bytes).unwrap();
        let opened = Backend::open("ext:database", &[("url", url)]);
        match opened.and_then(|backend| Sessions::new(backend).open(&id)) {
            Ok(session) => {
                let driver = session.get("Suomi").and_then(beaker::Value::as_str);
                assert_eq!(driver, Some("Kimi Räikkönen"), "byte {at}");
                right += 1;
            }
            Err(_) => errors += 1,
        }
        for log in ["-wal", "-shm"] {
            let _ = fs::remove_file(format!("{url}{log}"));
        }
    }
    println!("{errors} errors; {right} times the damage was elsewhere");
    assert!(errors > 0 && right > 0);
}
