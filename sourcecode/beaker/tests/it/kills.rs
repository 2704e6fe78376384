//! A process that is killed while it writes leaves the old record or the new one.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use beaker::key::{Key, Namespace};
use beaker::store::{Precondition, Store};

use crate::length::length;
use crate::on_disk::open;

/// Says which store a process that is to be killed writes in, and where.
const STORE: &str = "BEAKER_TEST_WRITES_IN";

/// How often a writer is killed.
fn kills() -> usize {
    length(60, 60, 500)
}

#[test]
fn file() {
    check("file");
}

#[cfg(feature = "dbm")]
#[test]
fn dbm() {
    check("dbm");
}

#[cfg(feature = "sqlite")]
#[test]
fn sqlite() {
    check("sqlite");
}

#[cfg(feature = "python")]
#[test]
fn beaker_file() {
    check("beaker");
}

fn key() -> Key {
    Namespace::default().key("record")
}

/// Not a test of its own: what `check` starts and kills.
#[test]
fn writes_until_it_is_killed() {
    let Ok(place) = std::env::var(STORE) else { return };
    let (store, folder) = place.split_once(':').unwrap();
    // From here on a kill may come, so also while a store is made.
    println!("\nwriting");
    let store = open(store, Path::new(folder)).unwrap();
    for number in 0_u64.. {
        let size = 1000 + (number % 7) as usize * 20_000;
        store.put(&key(), &vec![number as u8; size], None, Precondition::Always).unwrap();
    }
}

fn check(name: &str) {
    let kills = kills();
    let parent = tempfile::tempdir().unwrap();
    let mut seen = BTreeSet::new();
    for kill in 0..kills {
        // Each tenth time from the beginning, so that some are killed while they make the store.
        let folder = parent.path().join((kill / 10).to_string());
        std::fs::create_dir_all(&folder).unwrap();
        let mut writer = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kills::writes_until_it_is_killed", "--nocapture"])
            .env(STORE, format!("{name}:{}", folder.display()))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(writer.stdout.take().unwrap()).lines();
        assert!(output.any(|line| line.unwrap() == "writing"), "the writer did not start");
        // Reading a number of times that differs lets it come to another place each time.
        let reads = kill % 20 * 3;
        if reads > 0 {
            let store = open(name, &folder).unwrap();
            (0..reads).for_each(|_| drop(read(&*store)));
        }
        writer.kill().unwrap();
        writer.wait().unwrap();
        let store = open(name, &folder).unwrap();
        seen.extend(read(&*store).map(|bytes| bytes.len()));
        // The next writer is not held up by what the last one held.
        assert!(store.put(&key(), &[1; 10], None, Precondition::Always).unwrap().is_some());
        assert_eq!(read(&*store).unwrap().len(), 10);
        assert_eq!(store.damaged(), 0);
    }
    println!("{name}: {kills} kills; records of {seen:?} bytes, all whole");
}

/// The record, which is whole if it is one byte many times.
fn read(store: &dyn Store) -> Option<Vec<u8>> {
    let bytes = store.get(&key()).unwrap()?.bytes.to_vec();
    assert!(bytes.iter().all(|byte| *byte == bytes[0]), "torn: {} bytes", bytes.len());
    Some(bytes)
}
