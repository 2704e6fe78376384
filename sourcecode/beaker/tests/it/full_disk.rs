//! A disk that is full: an error that says so, the old record whole, nothing left behind, and all is
//! well when there is room again.
//!
//! The disk is a small one in memory, in a mount namespace of its own, for a process of its own. Where
//! the system does not let us have one, these tests are ignored.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use beaker::key::{Key, Namespace};
use beaker::store::Precondition;
use beaker::{Error, ErrorKind};

use crate::on_disk::open;

/// Says which store fills a disk, and where.
const STORE: &str = "BEAKER_TEST_FILLS";

const DISK: usize = 16 * 1024 * 1024;

#[servers::needs(small_disk)]
#[test]
fn file() {
    check("file");
}

#[cfg(feature = "dbm")]
#[servers::needs(small_disk)]
#[test]
fn dbm() {
    check("dbm");
}

#[cfg(feature = "sqlite")]
#[servers::needs(small_disk)]
#[test]
fn sqlite() {
    check("sqlite");
}

#[cfg(feature = "python")]
#[servers::needs(small_disk)]
#[test]
fn beaker_file() {
    check("beaker");
}

/// Root may mount; others may in a user namespace of their own, where the system lets them.
fn unshare() -> Option<Command> {
    let ways: [&[&str]; 2] = [&["--mount"], &["--user", "--map-root-user", "--mount"]];
    let works = |way: &&&[&str]| {
        let mut tried = Command::new("unshare");
        tried.args(**way).args(["mount", "-t", "tmpfs", "none", "/tmp"]);
        tried.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    };
    let way = ways.iter().find(works)?;
    let mut command = Command::new("unshare");
    command.args(*way);
    Some(command)
}

fn check(store: &str) {
    let mut command = unshare().expect("a small disk can be mounted here");
    let folder = tempfile::tempdir().unwrap();
    let script = format!(
        "mount -t tmpfs -o size={DISK} none \"$1\" && exec \"$2\" --exact \
         full_disk::fills_a_disk --nocapture"
    );
    let filled = command
        .args(["sh", "-c", &script, "sh"])
        .args([folder.path(), &std::env::current_exe().unwrap()])
        .env(STORE, format!("{store}:{}", folder.path().display()))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&filled.stdout);
    let errors = String::from_utf8_lossy(&filled.stderr);
    assert!(filled.status.success(), "{said}\n{errors}");
    let report = said.lines().find(|line| line.starts_with("full disk: ")).unwrap_or_default();
    assert!(report.contains(store), "{said}");
    println!("{report}");
}

fn key(name: &str) -> Key {
    Namespace::default().key(name)
}

/// Not a test of its own: what `check` starts.
#[test]
fn fills_a_disk() {
    let Ok(place) = std::env::var(STORE) else { return };
    let (store_name, folder) = place.split_once(':').unwrap();
    let folder = Path::new(folder);
    let store = open(store_name, folder).unwrap();
    store.put(&key("small"), &[1; 100], None, Precondition::Always).unwrap();
    let (mut kept, mut refused, mut written) = (vec![2; 20_000], 0, 0);
    store.put(&key("large"), &kept, None, Precondition::Always).unwrap();

    let ballast = folder.join("ballast");
    // From no room at all to enough, so that each step of a write is the one that fails.
    for left in (0..400).step_by(4) {
        fill(&ballast, left * 1024);
        let new = vec![3 + (left % 80) as u8; 60_000];
        match store.put(&key("large"), &new, None, Precondition::Always) {
            Ok(_) => {
                written += 1;
                kept = new;
            }
            Err(error) => {
                refused += 1;
                says_so(&error);
            }
        }
        let is = |name: &str, bytes: &[u8]| match store.get(&key(name)) {
            Ok(stored) => assert!(*stored.unwrap().bytes == *bytes, "{name}, {left} kB left"),
            // redb has to put its file right after a write that failed, and that takes room.
            Err(error) if store_name == "dbm" => says_so(&error),
            Err(error) => panic!("{error:?}"),
        };
        is("large", &kept);
        is("small", &[1; 100]);
        if let Err(error) = store.put(&key("another"), &[5; 60_000], None, Precondition::Absent) {
            says_so(&error);
        }
        // Somebody else who comes now.
        match open(store_name, folder).and_then(|other| other.get(&key("small"))) {
            Ok(small) => assert_eq!(&*small.unwrap().bytes, [1; 100]),
            Err(error) => says_so(&error),
        }
        fs::remove_file(&ballast).unwrap();
        nothing_temporary(folder);
        let read = |name: &str| store.get(&key(name)).unwrap().unwrap().bytes.to_vec();
        assert!(read("large") == kept && read("small") == [1; 100], "after {left} kB were left");
        store.put(&key("small"), &[1; 100], None, Precondition::Always).unwrap();
        store.delete(&key("another"), Precondition::Always).unwrap();
    }
    assert_eq!(store.damaged(), 0);
    println!(
        "\nfull disk: {store_name}: {refused} writes refused, {written} done; no record was hurt"
    );
    assert!(refused > 3 && written > 3, "{refused} refused, {written} written");
}

#[track_caller]
fn says_so(error: &Error) {
    assert_eq!(error.kind(), ErrorKind::Storage, "{error:?}");
    assert!(error.to_string().contains("the disk is full: free some space"), "{error:?}");
}

/// Takes all room but so much.
fn fill(ballast: &Path, left: usize) {
    let mut file = fs::File::create(ballast).unwrap();
    let mut length = 0_u64;
    for size in [65_536, 4096, 1] {
        while let Ok(count @ 1..) = file.write(&vec![0; size]) {
            length += count as u64;
        }
    }
    file.set_len(length.saturating_sub(left as u64)).unwrap();
}

fn nothing_temporary(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let is_temporary = [".tmp", ".temp", ".new", ".lock"].iter().any(|end| name.ends_with(end));
        assert!(!is_temporary, "{} was left", path.display());
        // Beaker's lock files stay.
        if path.is_dir() && name != "container_file_lock" {
            nothing_temporary(&path);
        }
    }
}
