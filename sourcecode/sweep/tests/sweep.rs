//! What the program prints, and how it ends.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use beaker::key::Namespace;
use beaker::store::{FileStore, Precondition, Store};
use beaker::{ManualClock, Timestamp};

#[track_caller]
fn check(words: &[&str], status: i32, text: &str) {
    let output = Command::new(env!("CARGO_BIN_EXE_sweep")).args(words).output().unwrap();
    let printed = [output.stdout, output.stderr].concat();
    let printed = String::from_utf8(printed).unwrap();
    assert!(printed.contains(text), "{printed}");
    assert_eq!(output.status.code(), Some(status), "{printed}");
}

#[test]
fn it_removes_what_has_expired() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = format!("data_dir={}", folder.path().display());
    // Written long ago, by the clock that the store was given.
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_000_000)));
    let store = FileStore::open(folder.path()).unwrap().with_clock(clock);
    for number in 0..10 {
        let ttl = (number % 2 == 0).then_some(Duration::from_secs(60));
        let key = Namespace::default().key(format!("k{number}"));
        store.put(&key, b"x", ttl, Precondition::Always).unwrap();
    }
    check(&["file", &data_dir], 0, "5 expired values removed");
    check(&["file", &data_dir], 0, "0 expired values removed");
}

#[test]
fn mistakes() {
    check(&[], 2, "say which backend");
    check(&["disk"], 2, "there is no backend `disk`");
    check(&["file"], 2, "needs `data_dir`");
    check(&["file", "data_dir"], 2, "`data_dir` is no option");
    check(&["memory"], 2, "nothing to sweep");
    let file = tempfile::NamedTempFile::new().unwrap();
    let data_dir = format!("data_dir={}/x", file.path().display());
    check(&["file", &data_dir], 6, "could not write to the data folder");
}
