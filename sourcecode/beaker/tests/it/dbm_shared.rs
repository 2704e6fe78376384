//! dbm: processes that keep one file open at the same time.

use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use beaker::key::{Key, Namespace};
use beaker::store::{DbmStore, Precondition, Store};

/// Says what another process does, and in which folder.
const DOES: &str = "BEAKER_TEST_DOES_IN";

/// How often each of two processes counts.
const COUNTS: usize = 60;

/// How often a process is killed while it writes.
const KILLS: usize = 20;

fn key(name: &str) -> Key {
    Namespace::default().key(name)
}

/// Another process, and what it prints.
struct Other {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Other {
    fn start(does: &str, folder: &Path) -> Other {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "dbm_shared::does_something", "--nocapture"])
            .env(DOES, format!("{does}:{}", folder.display()))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Other { process, lines }
    }

    /// Waits until it prints this.
    fn says(&mut self, text: &str) {
        assert!(self.lines.any(|line| line.unwrap() == text), "it never said `{text}`");
    }

    fn ends(mut self) {
        assert!(self.process.wait().unwrap().success());
    }
}

/// Not a test of its own: what the tests start.
#[test]
fn does_something() {
    let Ok(place) = std::env::var(DOES) else { return };
    let (does, folder) = place.split_once(':').unwrap();
    let store = DbmStore::open(folder).unwrap();
    println!("\nopen");
    match does {
        "puts" => {
            let put = |name, bytes: &[u8]| store.put(&key(name), bytes, None, Precondition::Always);
            put("theirs", b"new").unwrap();
            assert_eq!(read(&store, "ours"), b"first");
            println!("put");
            // And once the first process has written again.
            while read(&store, "ours") == b"first" {}
            put("theirs", b"newer").unwrap();
        }
        "counts" => (0..COUNTS).for_each(|_| count(&store)),
        _ => loop {
            let large = vec![7; 100_000];
            store.put(&key("theirs"), &large, None, Precondition::Always).unwrap();
        },
    }
}

fn read(store: &DbmStore, name: &str) -> Vec<u8> {
    store.get(&key(name)).unwrap().unwrap().bytes.to_vec()
}

/// Adds one, again if somebody else was quicker.
fn count(store: &DbmStore) {
    loop {
        let old = store.get(&key("counter")).unwrap();
        let (number, when) = match &old {
            Some(old) => {
                let number = u64::from_le_bytes(old.bytes[..].try_into().unwrap());
                (number, Precondition::Unchanged(old.version))
            }
            None => (0, Precondition::Absent),
        };
        if store.put(&key("counter"), &(number + 1).to_le_bytes(), None, when).unwrap().is_some() {
            return;
        }
    }
}

#[test]
fn each_sees_at_once_what_the_other_has_written() {
    let folder = tempfile::tempdir().unwrap();
    let store = DbmStore::open(folder.path()).unwrap();
    let put = |name, bytes: &[u8]| store.put(&key(name), bytes, None, Precondition::Always);
    put("ours", b"first").unwrap();
    assert!(store.get(&key("theirs")).unwrap().is_none());
    let mut other = Other::start("puts", folder.path());
    other.says("put");
    assert_eq!(read(&store, "theirs"), b"new");
    put("ours", b"second").unwrap();
    other.ends();
    assert_eq!(read(&store, "theirs"), b"newer");
}

#[test]
fn what_several_processes_count_is_all_counted() {
    let folder = tempfile::tempdir().unwrap();
    let store = DbmStore::open(folder.path()).unwrap();
    let mut others = [(); 2].map(|()| Other::start("counts", folder.path()));
    others.iter_mut().for_each(|other| other.says("open"));
    (0..COUNTS).for_each(|_| count(&store));
    others.into_iter().for_each(Other::ends);
    assert_eq!(read(&store, "counter"), (3 * COUNTS as u64).to_le_bytes());
}

#[test]
fn one_that_is_killed_holds_up_nobody_who_has_the_file_open() {
    let folder = tempfile::tempdir().unwrap();
    let store = DbmStore::open(folder.path()).unwrap();
    for kill in 0..KILLS {
        let mut other = Other::start("writes until it is killed", folder.path());
        other.says("open");
        // A number of times that differs, so that the kill comes to another place each time.
        (0..kill * 3).for_each(|_| drop(store.get(&key("theirs")).unwrap()));
        other.process.kill().unwrap();
        other.process.wait().unwrap();
        let mine = [kill as u8; 300];
        store.put(&key("ours"), &mine, None, Precondition::Always).unwrap();
        assert_eq!(read(&store, "ours"), mine);
        let theirs = store.get(&key("theirs")).unwrap();
        assert!(theirs.is_none_or(|theirs| *theirs.bytes == [7; 100_000]), "it is torn");
    }
    assert_eq!(store.damaged(), 0);
    drop(store);
    assert!(DbmStore::open(folder.path()).unwrap().get(&key("ours")).unwrap().is_some());
}

#[test]
fn a_copy_brought_back_is_what_is_read_and_written() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("container_dbm/beaker.redb");
    let store = DbmStore::open(folder.path()).unwrap();
    let put = |bytes: &[u8]| store.put(&key("k"), bytes, None, Precondition::Always).unwrap();
    put(b"old");
    let copy = folder.path().join("copy");
    fs::copy(&file, &copy).unwrap();
    put(b"new");
    assert_eq!(read(&store, "k"), b"new");
    fs::rename(&copy, &file).unwrap();
    assert_eq!(read(&store, "k"), b"old");
    fs::remove_file(&file).unwrap();
    put(b"again");
    assert_eq!(read(&DbmStore::open(folder.path()).unwrap(), "k"), b"again");
}
