//! dbm: the contract, several handles, and a file that is not as it should be.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use beaker::key::{Key, Namespace};
use beaker::store::{DbmStore, Precondition, Store};
use beaker::{ErrorKind, ManualClock};

use crate::length::length;

const FILE: &str = "container_dbm/beaker.redb";

fn key(name: &str) -> Key {
    Namespace::default().key(name)
}

#[cfg(feature = "conformance")]
#[test]
fn the_contract() {
    use beaker::store::conformance::{Subject, check};
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::default());
    let store = DbmStore::open(folder.path()).unwrap().with_clock(clock.clone());
    check(&Subject::new(&store, |time| clock.advance(time)));
    assert_eq!(store.damaged(), 0);
}

#[test]
fn handles_made_at_once_see_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let stores: Vec<_> = std::thread::scope(|scope| {
        let open = || DbmStore::open(folder.path()).unwrap();
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(open)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let version = stores[0].put(&key("k"), b"one", None, Precondition::Absent).unwrap().unwrap();
    assert!(stores[1].put(&key("k"), b"two", None, Precondition::Absent).unwrap().is_none());
    assert!(
        stores[3].put(&key("k"), b"two", None, Precondition::Unchanged(version)).unwrap().is_some()
    );
    assert_eq!(&*stores[0].get(&key("k")).unwrap().unwrap().bytes, b"two");
    let locks = fs::read_dir(folder.path().join("container_dbm_lock")).unwrap();
    assert_eq!(locks.count(), 0, "lock files are left");
}

#[test]
fn a_sweep_goes_in_steps_and_leaves_what_lives() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::default());
    let store = DbmStore::open(folder.path()).unwrap().with_clock(clock.clone());
    for number in 0..50 {
        let ttl = (number % 5 != 0).then_some(Duration::from_secs(10));
        store.put(&key(&number.to_string()), b"x", ttl, Precondition::Always).unwrap();
    }
    clock.advance(Duration::from_secs(11));
    let steps: Vec<_> = (0..4).map(|_| store.sweep(16).unwrap()).collect();
    assert_eq!(steps.iter().map(|step| step.removed).sum::<usize>(), 40);
    assert_eq!(
        steps.iter().map(|step| step.is_done).collect::<Vec<_>>(),
        [false, false, false, true]
    );
    assert!((0..10).all(|number| store.get(&key(&(number * 5).to_string())).unwrap().is_some()));
    // And once more from the beginning.
    let again = store.sweep(1000).unwrap();
    assert!(again.removed == 0 && again.is_done);
}

#[test]
fn a_folder_removed_under_a_running_program_is_made_again() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("data");
    let store = DbmStore::open(&folder).unwrap();
    store.put(&key("k"), b"x", None, Precondition::Always).unwrap();
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(store.get(&key("k")).unwrap(), None);
    store.put(&key("k"), b"y", None, Precondition::Absent).unwrap().unwrap();
    assert_eq!(&*store.get(&key("k")).unwrap().unwrap().bytes, b"y");
}

#[test]
fn a_failed_look_up_leaves_nothing_behind() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("data");
    let store = DbmStore::open(&folder).unwrap();
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(store.get(&key("k")).unwrap(), None);
    assert!(!folder.join(FILE).exists());
}

#[test]
fn what_cannot_be_written_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = DbmStore::open(file.path().join("data")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage);
    assert!(error.to_string().contains(file.path().to_str().unwrap()), "{error}");
}

#[test]
fn a_file_that_another_program_has_open() {
    let folder = tempfile::tempdir().unwrap();
    let store = DbmStore::open(folder.path()).unwrap();
    store.put(&key("k"), b"x", None, Precondition::Always).unwrap();
    assert!(redb::Database::open(folder.path().join(FILE)).is_err(), "it is ours");
    drop(store);
    let other = redb::Database::open(folder.path().join(FILE)).unwrap();
    let error = DbmStore::open(folder.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(error.to_string().contains("another program has it open"), "{error}");
    drop(other);
    assert!(DbmStore::open(folder.path()).unwrap().get(&key("k")).unwrap().is_some());
}

/// Puts another file in the place of this one, as who brings back a copy.
fn replace(file: &Path, bytes: &[u8]) {
    let new = file.with_extension("copy");
    fs::write(&new, bytes).unwrap();
    fs::rename(&new, file).unwrap();
}

/// The file damaged in many places: an error that names it, a missing value or the right one, and
/// never a panic or a wrong one.
#[test]
fn damaged_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(FILE);
    let store = DbmStore::open(folder.path()).unwrap();
    let value = |number: usize| vec![number as u8; 300];
    for number in 0..40 {
        store.put(&key(&number.to_string()), &value(number), None, Precondition::Always).unwrap();
    }
    let whole = fs::read(&file).unwrap();
    let (mut errors, mut missing, mut right) = (0, 0, 0);
    let flips = (0..whole.len()).step_by(397).map(|at| {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        bytes
    });
    let cuts = (0..whole.len()).step_by(4001).map(|length| whole[..length].to_vec());
    let garbage = std::iter::once(b"This is the diary of Kimi. ".repeat(5000));
    for bytes in flips.chain(cuts).chain(garbage) {
        replace(&file, &bytes);
        for number in [0, 17, 39] {
            match store.get(&key(&number.to_string())) {
                Ok(None) => missing += 1,
                Ok(Some(stored)) => {
                    assert_eq!(*stored.bytes, value(number));
                    right += 1;
                }
                Err(error) => {
                    assert!(error.to_string().contains(file.to_str().unwrap()), "{error}");
                    errors += 1;
                }
            }
        }
        if let Err(error) = store.put(&key("new"), b"x", None, Precondition::Always) {
            assert!(error.to_string().contains(file.to_str().unwrap()), "{error}");
        }
    }
    println!("{errors} errors, {missing} missing, {right} right");
    replace(&file, &whole);
    assert!(store.get(&key("17")).unwrap().is_some(), "all is well again");
}

/// Single bits, in keys as in values: what is found under a key was written under that key.
#[test]
fn bits_that_turn() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(FILE);
    let store = DbmStore::open(folder.path()).unwrap();
    let value = |number: u8| vec![number; 40];
    for number in 0..64 {
        store
            .put(
                &key(char::from(b'0' + number).encode_utf8(&mut [0; 4])),
                &value(number),
                None,
                Precondition::Always,
            )
            .unwrap();
    }
    let whole = fs::read(&file).unwrap();
    // Where the values are, so that their keys are hit as well. Older pages have them too.
    let value_at = |at: &usize| whole[*at..*at + 40] == value(40);
    let places: Vec<usize> = (0..whole.len() - 40).filter(value_at).collect();
    let step = length(31, 5, 1);
    let (mut right, mut nothing, mut errors) = (0, 0, 0);
    let around = |at: &usize| (at - 100) * 8..(at + 100) * 8;
    for bit in places.iter().flat_map(around).step_by(step) {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        replace(&file, &bytes);
        // One bit makes one digit another one, so all are asked for.
        for number in [1, 3, 17, 40] {
            match store.get(&key(char::from(b'0' + number).encode_utf8(&mut [0; 4]))) {
                Ok(Some(stored)) => {
                    assert!(*stored.bytes == value(number), "bit {bit}: {number} is wrong");
                    right += 1;
                }
                Ok(None) => nothing += 1,
                Err(_) => errors += 1,
            }
        }
    }
    println!("{right} right, {nothing} nothing, {} damaged, {errors} errors", store.damaged());
    assert!(right > 0 && store.damaged() > 0);
}
