//! Every kind of lock runs the one suite; file locks hold across processes.
#![cfg(feature = "conformance")]

use beaker::key::Namespace;
use beaker::lock::conformance::check;
use beaker::lock::{FileLocks, LocalLocks, Locks};

#[test]
fn threads() {
    check(&LocalLocks::new());
}

#[test]
fn files() {
    let folder = tempfile::tempdir().unwrap();
    check(&FileLocks::new(folder.path()));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "lock files are left");
}

#[test]
fn two_handles_on_one_folder_exclude_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (FileLocks::new(folder.path()), FileLocks::new(folder.path()));
    let key = Namespace::new("n").key("k");
    let held = one.lock(&key).unwrap();
    assert!(two.try_lock(&key).unwrap().is_none());
    drop(held);
    assert!(two.try_lock(&key).unwrap().is_some());
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let locks = FileLocks::new(file.path().join("locks"));
    let message = locks.lock(&Namespace::default().key("k")).unwrap_err().to_string();
    assert!(message.contains(file.path().to_str().unwrap()), "{message}");
    assert!(message.contains("`lock_dir`"), "{message}");
}
