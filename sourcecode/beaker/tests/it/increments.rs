//! Eight processes with four threads each add one to a number in a file, many times, under each kind
//! of lock that reaches across processes. Without the lock, additions would be lost.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;

use beaker::Backend;
use beaker::key::Namespace;
use beaker::lock::Locks;

use crate::length::length;

const PROCESSES: usize = 8;
const THREADS: usize = 4;
const ADDS: &str = "BEAKER_TEST_ADDS_UNDER";

fn turns() -> usize {
    length(100, 200, 1000)
}

/// The backend's name and its options, one a line, and the file last.
fn check(name: &str, options: &[(&str, &str)]) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("number");
    fs::write(&file, "0").unwrap();
    let mut words = vec![name.to_owned()];
    words.extend(options.iter().map(|(option, value)| format!("{option}={value}")));
    words.push(file.to_str().unwrap().to_owned());
    let child = || {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "increments::adds_in_a_process_of_its_own", "--quiet"])
            .env(ADDS, words.join("\n"))
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    };
    let children: Vec<_> = (0..PROCESSES).map(|_| child()).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let sum = fs::read_to_string(&file).unwrap();
    assert_eq!(sum, (PROCESSES * THREADS * turns()).to_string());
    println!("{name}: {PROCESSES} processes, {THREADS} threads, {} turns: {sum}", turns());
}

/// Not a test of its own: what the others start eight times.
#[test]
fn adds_in_a_process_of_its_own() {
    let Ok(words) = std::env::var(ADDS) else { return };
    let mut words: Vec<&str> = words.lines().collect();
    let file = Path::new(words.pop().unwrap()).to_owned();
    let options: Vec<_> = words[1..].iter().map(|word| word.split_once('=').unwrap()).collect();
    let locks: Arc<dyn Locks> = Backend::open(words[0], &options).unwrap().locks().clone();
    let key = Namespace::new("numbers").key("number");
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..turns() {
                    let _guard = locks.lock(&key).unwrap();
                    let number: usize = fs::read_to_string(&file).unwrap().parse().unwrap();
                    fs::write(&file, (number + 1).to_string()).unwrap();
                }
            });
        }
    });
}

#[test]
fn lock_files() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().to_str().unwrap();
    check("file", &[("data_dir", data_dir)]);
    let locks = folder.path().join("container_file_lock");
    assert_eq!(fs::read_dir(locks).unwrap().count(), 0, "lock files are left");
}

#[cfg(feature = "memcached")]
#[test]
fn leases_in_memcached() {
    let server = servers::Memcached::for_programs().unwrap();
    check("ext:memcached", &[("url", &server.url()), ("deadline", "20000")]);
}

#[cfg(feature = "redis")]
#[test]
fn leases_in_redis() {
    let server = servers::Redis::for_programs().unwrap();
    check("ext:redis", &[("url", &server.url()), ("deadline", "20000")]);
}

#[cfg(feature = "sqlite")]
#[test]
fn leases_in_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("leases.db");
    check("ext:database", &[("url", file.to_str().unwrap()), ("deadline", "60000")]);
}

#[cfg(feature = "postgres")]
#[servers::needs(postgresql)]
#[test]
fn leases_in_postgresql() {
    let server = servers::Postgres::for_tests().unwrap().expect("it is installed");
    check("ext:database", &[("url", &server.url()), ("deadline", "60000")]);
}

#[cfg(feature = "dbm")]
#[test]
fn lock_files_of_dbm() {
    let folder = tempfile::tempdir().unwrap();
    check("dbm", &[("data_dir", folder.path().to_str().unwrap())]);
}
