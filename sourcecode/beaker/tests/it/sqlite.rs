//! SQLite: the contract, several handles, and files that are not as they should be.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use beaker::key::{Key, Namespace};
use beaker::store::{DatabaseStore, Precondition, Store};
use beaker::{Backend, Error, ErrorKind, ManualClock, Sessions};

use crate::length::length;

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
    let version = stores[0].put(&key("k"), b"one", None, Precondition::Absent).unwrap().unwrap();
    assert!(stores[1].put(&key("k"), b"two", None, Precondition::Absent).unwrap().is_none());
    assert_eq!(stores[2].get(&key("k")).unwrap().unwrap().version, version);
    assert!(
        stores[3].put(&key("k"), b"two", None, Precondition::Unchanged(version)).unwrap().is_some()
    );
    assert_eq!(&*stores[0].get(&key("k")).unwrap().unwrap().bytes, b"two");
}

#[test]
fn a_sweep_goes_in_steps_and_leaves_what_lives() {
    let (_folder, file) = place();
    let clock = Arc::new(ManualClock::default());
    let store = open(&file).unwrap().with_clock(clock.clone());
    for number in 0..250 {
        let ttl = (number % 5 != 0).then_some(Duration::from_secs(10));
        store.put(&key(&number.to_string()), b"x", ttl, Precondition::Always).unwrap();
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
    store.put(&kept, b"x", None, Precondition::Always).unwrap();
    for number in 0..2500 {
        store.put(&cleared.key(number.to_string()), b"x", None, Precondition::Always).unwrap();
    }
    store.clear(&cleared).unwrap();
    let bare = rusqlite::Connection::open(&file).unwrap();
    let count = "select count(*) from beaker_values";
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
        store.put(&key("k"), b"x", None, Precondition::Always).unwrap();
    }
    assert!(other.get(&key("k")).unwrap().is_some() && store.get(&key("k")).unwrap().is_some());
    fs::remove_dir_all(file.parent().unwrap()).unwrap();
    // A write notices within 10 ms, and so do the reads of the same handle; others within 0.1 s.
    clock.advance(Duration::from_millis(10));
    store.put(&key("k"), b"y", None, Precondition::Absent).unwrap().unwrap();
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
    open(&file).unwrap().put(&key("k"), b"x", None, Precondition::Always).unwrap();
    // Even root cannot write a file whose header asks for a later SQLite.
    let mut bytes = fs::read(&file).unwrap();
    bytes[18] = 9;
    fs::write(&file, bytes).unwrap();
    let written =
        open(&file).and_then(|store| store.put(&key("k"), b"y", None, Precondition::Always));
    let error = written.unwrap_err();
    refused(error, ErrorKind::Storage, &file, "writable");
}

/// Python's Beaker, in one database with us: in another table by default, and refused in the same one,
/// which is left as it was.
#[test]
fn a_table_of_somebody_else() {
    const PYTHONS: &str = "create table beaker_cache (id integer primary key, namespace varchar(255) \
         not null unique, accessed datetime not null, created datetime not null, data blob not null);
         insert into beaker_cache values (1, 'a session', 'now', 'then', x'80049500')";
    let (_folder, file) = place();
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    rusqlite::Connection::open(&file).unwrap().execute_batch(PYTHONS).unwrap();
    let whole = fs::read(&file).unwrap();
    let url = file.to_str().unwrap();
    let theirs = DatabaseStore::open(url, "Beaker_Cache", DEADLINE).unwrap_err();
    assert!(!theirs.to_string().contains("remove"), "{theirs}");
    refused(theirs, ErrorKind::Config, &file, "another `table_name`");
    assert!(fs::read(&file).unwrap() == whole, "nothing was changed");

    let store = open(&file).unwrap();
    store.put(&key("k"), b"ours", None, Precondition::Always).unwrap();
    store.clear(&Namespace::default()).unwrap();
    store.sweep(1000).unwrap();
    let bare = rusqlite::Connection::open(&file).unwrap();
    let data = "select data from beaker_cache where namespace = 'a session'";
    let data: Vec<u8> = bare.query_row(data, [], |row| row.get(0)).unwrap();
    assert_eq!(data, [0x80, 4, 0x95, 0]);
    // One of ours of another layout, or a view.
    bare.execute_batch("create view named as select * from beaker_cache").unwrap();
    let view = DatabaseStore::open(url, "named", DEADLINE).unwrap_err();
    refused(view, ErrorKind::Config, &file, "another `table_name`");
}

/// A row that was damaged counts as nothing, in `get` as in `Absent`, and others are well.
#[test]
fn a_damaged_row_is_nothing() {
    let (_folder, file) = place();
    let store = open(&file).unwrap();
    let bare = rusqlite::Connection::open(&file).unwrap();
    let (a, b) = (key("a"), key("b"));
    let damages = [
        "bytes = cast('W' || substr(bytes, 2) as blob)",
        "bytes = cast(bytes || 'r' as blob)",
        "version = version + 1",
        "expires_at = 1e18",
        "expires_at = null",
        "name = 'b'",
        "checksum = checksum + 1",
    ];
    for (number, damage) in damages.iter().enumerate() {
        let hour = Some(Duration::from_secs(3600));
        store.put(&a, b"whole", hour, Precondition::Always).unwrap();
        assert_eq!(&*store.get(&a).unwrap().unwrap().bytes, b"whole");
        let done = bare.execute(&format!("update beaker_values set {damage} where name = 'a'"), []);
        assert_eq!(done.unwrap(), 1);
        assert_eq!(store.get_many(&[a.clone(), b.clone()]).unwrap(), [None, None], "{damage}");
        assert_eq!(store.damaged(), number as u64 + 1, "{damage}");
        assert!(store.put(&a, b"new", None, Precondition::Absent).unwrap().is_some(), "{damage}");
        store.delete(&a, Precondition::Always).unwrap();
    }
    // One that nobody reads, as a lease that is waited for.
    store.put(&a, b"lease", None, Precondition::Always).unwrap();
    bare.execute("update beaker_values set bytes = x'01'", []).unwrap();
    let tries =
        (0..40).find(|_| store.put(&a, b"mine", None, Precondition::Absent).unwrap().is_some());
    assert!(tries.is_some(), "it is held for ever");
}

/// The database itself works out the checksum of a counter, and what is damaged in its row is found.
#[test]
fn a_damaged_counter_is_nothing() {
    let (_folder, file) = place();
    let store = open(&file).unwrap();
    let bare = rusqlite::Connection::open(&file).unwrap();
    let (a, b) = (key("a"), key("b"));
    let hour = Some(Duration::from_secs(3600));
    let damages = [
        "bytes = cast('43' as blob)",
        "bytes = cast('42x' as blob)",
        "bytes = cast('' as blob)",
        "bytes = x'ff'",
        "bytes = cast('99999999999999999999' as blob)",
        "version = version + 1",
        "expires_at = expires_at + 1",
        "expires_at = null",
        "name = 'b'",
        "checksum = checksum - 1",
        "checksum = -checksum",
    ];
    for (number, damage) in damages.iter().enumerate() {
        for increments in [false, true] {
            assert_eq!(store.increment(&a, 42, hour).unwrap(), 42);
            assert_eq!(store.increment(&a, 0, None).unwrap(), 42);
            let text = format!("update beaker_values set {damage} where name = 'a'");
            assert_eq!(bare.execute(&text, []).unwrap(), 1);
            match increments {
                false => assert_eq!(store.get(&a).unwrap().or(store.get(&b).unwrap()), None),
                true => assert_eq!(store.increment(&a, 1, hour).unwrap(), 1, "{damage}"),
            }
            store.delete_many(&[a.clone(), b.clone()]).unwrap();
            bare.execute("delete from beaker_values", []).unwrap();
        }
        assert!(store.damaged() > number as u64, "{damage}");
    }
    // What was put is no counter, digits or not.
    store.put(&a, b"42", hour, Precondition::Always).unwrap();
    assert_eq!(store.increment(&a, 1, hour).unwrap_err().kind(), ErrorKind::Codec);
    assert_eq!(&*store.get(&a).unwrap().unwrap().bytes, b"42");
}

#[test]
fn a_file_that_is_locked_is_an_error_within_the_deadline_and_then_well() {
    let (_folder, file) = place();
    let table = DatabaseStore::TABLE_NAME;
    let deadline = Duration::from_millis(300);
    let store = DatabaseStore::open(file.to_str().unwrap(), table, deadline).unwrap();
    store.put(&key("k"), b"x", None, Precondition::Always).unwrap();
    let bare = rusqlite::Connection::open(&file).unwrap();
    bare.execute_batch("begin immediate").unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let begun = Instant::now();
                let error = store.put(&key("k"), b"y", None, Precondition::Always).unwrap_err();
                assert!(begun.elapsed() < deadline * 2, "it took {:?}", begun.elapsed());
                assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
            });
        }
    });
    assert_eq!(&*store.get(&key("k")).unwrap().unwrap().bytes, b"x", "readers are not held up");
    bare.execute_batch("commit").unwrap();
    assert!(store.put(&key("k"), b"y", None, Precondition::Always).unwrap().is_some());
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

/// Bits turned in all of the file: the value, nothing, or an error. Never a wrong value, not even of a
/// raw `get`, which no record's own checksum protects.
#[test]
fn bits_that_turn() {
    let (_folder, file) = place();
    let url = file.to_str().unwrap();
    let value = |number: usize| vec![b'a' + number as u8; 400 + number];
    let store = open(&file).unwrap();
    for number in 0..10 {
        let ttl = (number % 2 == 0).then_some(Duration::from_secs(3600));
        store.put(&key(&number.to_string()), &value(number), ttl, Precondition::Always).unwrap();
    }
    drop(store);
    let whole = fs::read(&file).unwrap();
    let (mut right, mut nothing, mut damaged, mut errors) = (0, 0, 0, 0);
    let step = length(1999, 211, 53);
    for at in (0..whole.len() * 8).step_by(step) {
        let mut bytes = whole.clone();
        bytes[at / 8] ^= 1 << (at % 8);
        fs::write(&file, bytes).unwrap();
        let store = open(&file);
        for number in 0..10 {
            match store.as_ref().map(|store| store.get(&key(&number.to_string()))) {
                Ok(Ok(Some(stored))) => {
                    assert!(*stored.bytes == value(number), "bit {at}: {number} is wrong");
                    right += 1;
                }
                Ok(Ok(None)) => nothing += 1,
                Ok(Err(_)) | Err(_) => errors += 1,
            }
        }
        damaged += store.map_or(0, |store| store.damaged());
        for log in ["-wal", "-shm"] {
            let _ = fs::remove_file(format!("{url}{log}"));
        }
    }
    println!(
        "{right} right, {nothing} nothing, of which {damaged} damaged, {errors} errors, 0 wrong"
    );
    assert!(right > 0 && damaged > 0 && errors > 0);
}
