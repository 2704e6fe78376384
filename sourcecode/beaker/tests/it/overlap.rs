//! Requests of one visitor that overlap lose nothing: 16 threads in one process, and in four.
//! All of them together add one 10,000 times when the tests are run in full.

use std::process::{Command, Stdio};
use std::sync::Barrier;
use std::thread;

use beaker::{Backend, Session, SessionId, Sessions, Value};

use crate::length::length;

const THREADS: usize = 16;
const PROCESSES: usize = 4;
const WORK: &str = "BEAKER_TEST_OVERLAPS_IN";

/// How often each thread of `of` adds one.
fn turns(of: usize) -> usize {
    length(1600_usize, 1600, 10_000).div_ceil(of)
}

/// In this process, and where others can reach the backend, in four.
pub(crate) fn check(name: &str, options: &[(&str, &str)]) {
    let sessions = Sessions::new(Backend::open(name, options).unwrap());
    let id = begin(&sessions);
    work(&sessions, &id, 0, turns(THREADS));
    check_sum(&sessions.open(&id).unwrap(), 1, turns(THREADS));
    if name == "memory" {
        return;
    }
    let id = begin(&sessions);
    let mut words = vec![name.to_owned(), id.to_string()];
    words.extend(options.iter().map(|(option, value)| format!("{option}={value}")));
    let child = |number: usize| {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "overlap::works_in_a_process_of_its_own", "--quiet"])
            .env(WORK, format!("{number}\n{}", words.join("\n")))
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    };
    let children: Vec<_> = (0..PROCESSES).map(child).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let session = sessions.open(&id).unwrap();
    check_sum(&session, PROCESSES, turns(PROCESSES * THREADS));
    println!(
        "{name}: {PROCESSES} processes, {THREADS} threads each: {:?} additions, none lost",
        session.get("counter")
    );
}

fn begin(sessions: &Sessions) -> SessionId {
    let mut session = sessions.create();
    session.save().unwrap();
    *session.id()
}

fn check_sum(session: &Session, processes: usize, turns: usize) {
    let sum = (processes * THREADS * turns) as i64;
    assert_eq!(session.get("counter"), Some(&Value::Int(sum)));
    for process in 0..processes {
        for thread in 0..THREADS {
            let last = session.get(&key(process, thread)).and_then(Value::as_int);
            assert_eq!(last, Some(turns as i64 - 1), "process {process}, thread {thread}");
        }
    }
}

fn key(process: usize, thread: usize) -> String {
    format!("process {process}, thread {thread}")
}

fn work(sessions: &Sessions, id: &SessionId, process: usize, turns: usize) {
    let start = Barrier::new(THREADS);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let start = &start;
            scope.spawn(move || {
                start.wait();
                for turn in 0..turns {
                    let mut session = sessions.open(id).unwrap();
                    session.update("counter", |old| old.and_then(Value::as_int).unwrap_or(0) + 1);
                    session.set(key(process, thread), turn as i64);
                    session.save().unwrap();
                }
            });
        }
    });
}

/// Not a test of its own: what the others start four times.
#[test]
fn works_in_a_process_of_its_own() {
    let Ok(words) = std::env::var(WORK) else { return };
    let words: Vec<&str> = words.lines().collect();
    let [process, name, id, ref options @ ..] = words[..] else { panic!("{words:?}") };
    let options: Vec<_> = options.iter().map(|word| word.split_once('=').unwrap()).collect();
    let sessions = Sessions::new(Backend::open(name, &options).unwrap());
    work(&sessions, &id.parse().unwrap(), process.parse().unwrap(), turns(PROCESSES * THREADS));
}

#[test]
fn in_memory() {
    check("memory", &[]);
}

#[test]
fn in_files() {
    let folder = tempfile::tempdir().unwrap();
    check("file", &[("data_dir", folder.path().to_str().unwrap())]);
    let left: Vec<_> = std::fs::read_dir(folder.path().join("container_file_lock"))
        .map(|entries| entries.map(|entry| entry.unwrap().path()).collect())
        .unwrap_or_default();
    assert!(left.is_empty(), "lock files are left: {left:?}");
}

#[cfg(feature = "memcached")]
#[test]
fn in_memcached() {
    let server = servers::Memcached::for_programs().unwrap();
    check("ext:memcached", &[("url", &server.url()), ("deadline", "20000")]);
}

#[cfg(feature = "redis")]
#[test]
fn in_redis() {
    let server = servers::Redis::for_programs().unwrap();
    check("ext:redis", &[("url", &server.url()), ("deadline", "20000")]);
}

#[cfg(feature = "dbm")]
#[test]
fn in_dbm() {
    // In memory where there is such a folder: each write waits for the disk.
    let memory = std::path::Path::new("/dev/shm");
    let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    let folder = tempfile::tempdir_in(parent).unwrap();
    check("dbm", &[("data_dir", folder.path().to_str().unwrap())]);
}

#[cfg(feature = "sqlite")]
#[test]
fn in_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:///{}/sessions.db", folder.path().display());
    check("ext:database", &[("url", &url), ("deadline", "60000")]);
}

#[cfg(feature = "postgres")]
#[servers::needs(postgresql)]
#[test]
fn in_postgresql() {
    let server = servers::Postgres::for_tests().unwrap().expect("it is installed");
    check("ext:database", &[("url", &server.url()), ("deadline", "60000")]);
}
