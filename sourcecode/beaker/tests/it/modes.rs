//! What is written to disk is for this user alone, whatever the umask, and goes where it should.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use beaker::key::{Key, Namespace};
use beaker::lock::{FileLocks, Locks};
use beaker::store::{FileStore, Precondition, Store};
use beaker::{Backend, ErrorKind};

use crate::on_disk::open;

/// Says which store a process of its own writes in, and where.
const STORE: &str = "BEAKER_TEST_WRITES_UNDER_A_UMASK";

fn key(name: &str) -> Key {
    Namespace::new("n").key(name)
}

/// Everything below a folder, with its mode.
fn modes(folder: &Path) -> Vec<(PathBuf, u32)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let metadata = fs::symlink_metadata(&path).unwrap();
        if metadata.is_dir() {
            all.extend(modes(&path));
        }
        all.push((path, metadata.permissions().mode() & 0o7777));
    }
    all
}

#[track_caller]
fn check_modes(folder: &Path, what: &str) -> usize {
    let all = modes(folder);
    for (path, mode) in &all {
        let expected = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(*mode, expected, "{what}: {} is {mode:o}", path.display());
    }
    all.len()
}

/// Not a test of its own: what `check` starts, with a umask.
#[test]
fn writes_under_a_umask() {
    let Ok(place) = std::env::var(STORE) else { return };
    let (name, folder) = place.split_once(':').unwrap();
    let folder = Path::new(folder).join("deep/data");
    let store = open(name, &folder).unwrap();
    let held = FileLocks::new(folder.join("locks/deep")).lock(&key("held")).unwrap();
    for number in 0..20 {
        store.put(&key(&number.to_string()), &[7; 3000], None, Precondition::Always).unwrap();
    }
    let ttl = Some(Duration::from_micros(1));
    store.put(&key("short"), b"x", ttl, Precondition::Always).unwrap();
    // While all is open: SQLite's log and its index are there.
    let seen = check_modes(folder.parent().unwrap(), "while it is open");
    beaker::sweeper::sweep(&*store).unwrap();
    store.delete(&key("1"), Precondition::Always).unwrap();
    store.clear(&Namespace::new("other")).unwrap();
    // As is what a removed folder is made anew with.
    drop(held);
    fs::remove_dir_all(&folder).unwrap();
    beaker::Clock::sleep(&beaker::SystemClock, Duration::from_millis(11));
    store.put(&key("again"), b"x", None, Precondition::Always).unwrap();
    check_modes(folder.parent().unwrap(), "made again");
    println!("\n{seen} files and folders");
}

fn check(store: &str) {
    for umask in ["000", "022", "077"] {
        let folder = tempfile::tempdir().unwrap();
        let script =
            format!("umask {umask} && exec \"$0\" --exact modes::writes_under_a_umask --nocapture");
        let done = Command::new("sh")
            .args(["-c", &script])
            .arg(std::env::current_exe().unwrap())
            .env(STORE, format!("{store}:{}", folder.path().display()))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stdout);
        assert!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stderr));
        let seen = said.lines().find(|line| line.ends_with("files and folders"));
        println!("{store}, umask {umask}: {}", seen.expect("it has looked"));
        check_modes(&folder.path().join("deep"), "left behind");
    }
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

#[test]
fn a_folder_that_is_there_keeps_its_mode() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("data");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o2750)).unwrap();
    let backend = Backend::open("file", &[("data_dir", folder.to_str().unwrap())]).unwrap();
    backend.store().put(&key("k"), b"x", None, Precondition::Always).unwrap();
    drop(backend.locks().lock(&key("k")).unwrap());
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o7777, 0o2750);
}

/// A link that somebody else has put in the place of a lock, of a record or of a temporary file leads
/// nowhere: what it points at is neither made nor written, nor read as ours.
#[test]
fn links_are_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let precious = folder.path().join("precious");
    fs::write(&precious, "precious").unwrap();
    let locks = FileLocks::new(folder.path().join("locks"));
    drop(locks.lock(&key("k")).unwrap());
    // The name of the lock file is the same each time.
    let held = locks.lock(&key("k")).unwrap();
    let file = fs::read_dir(folder.path().join("locks")).unwrap().next().unwrap().unwrap().path();
    drop(held);
    for target in [precious.clone(), folder.path().join("none")] {
        symlink(&target, &file).unwrap();
        let error = locks.lock(&key("k")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Storage, "{error:?}");
        assert!(locks.try_lock(&key("k")).is_err());
        fs::remove_file(&file).unwrap();
    }

    let store = FileStore::open(folder.path().join("data")).unwrap();
    store.put(&key("kk"), b"old", None, Precondition::Always).unwrap();
    let record = folder.path().join("data/container_file-n/k/kk/kk.cache");
    let elsewhere = folder.path().join("elsewhere");
    fs::rename(&record, &elsewhere).unwrap();
    symlink(&elsewhere, &record).unwrap();
    assert_eq!(store.get(&key("kk")).unwrap_err().kind(), ErrorKind::Storage);
    let whole = fs::read(&elsewhere).unwrap();
    store.put(&key("kk"), b"new", None, Precondition::Always).unwrap();
    assert!(
        fs::read(&elsewhere).unwrap() == whole,
        "the link was replaced, and its target was not"
    );
    assert_eq!(&*store.get(&key("kk")).unwrap().unwrap().bytes, b"new");
    assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
    assert!(!folder.path().join("none").exists());
}

/// A database may be a link to where the data is kept, but is not made through one.
#[cfg(feature = "sqlite")]
#[test]
fn a_database_is_not_made_through_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let (target, link) = (folder.path().join("target.db"), folder.path().join("sessions.db"));
    symlink(&target, &link).unwrap();
    let options = [("url", link.to_str().unwrap())];
    let error = Backend::open("ext:database", &options).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage, "{error:?}");
    assert!(!target.exists());
    let direct = [("url", target.to_str().unwrap())];
    let direct = Backend::open("ext:database", &direct).unwrap().store().clone();
    direct.put(&key("k"), b"x", None, Precondition::Always).unwrap();
    let linked = Backend::open("ext:database", &options).unwrap().store().clone();
    assert!(linked.get(&key("k")).unwrap().is_some());
}
