//! Two threads that end and move one session at the same time, on each store: none lives on.
//!
//! In CI there are as many races as fit into four seconds, and in full 100,000: in a minute in memory, in
//! hours on stores that wait for a disk.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Barrier, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use beaker::{Backend, ErrorKind, Result};

use super::{Session, Sessions};

use crate::length::length;

const ALL: usize = 100_000;
const TIME: Duration = Duration::from_secs(4);

/// How many races, and for how long at most.
fn extent(few: usize) -> (usize, Duration) {
    length((few, TIME), (ALL, TIME), (ALL, Duration::MAX))
}

/// The one who keeps the session alive: with a new id, twice, or with a save.
fn live(session: &mut Session, race: usize) -> Result<()> {
    match race % 4 {
        0 | 1 => session.regenerate_id(),
        2 => session.regenerate_id().and_then(|()| session.regenerate_id()),
        _ => {
            session.set("a", 1);
            session.save()
        }
    }
}

/// The races in which the session is found by its user.
const LISTED: usize = 2;

/// The one who ends it.
fn end(sessions: &Sessions, session: &mut Session, race: usize) -> Result<()> {
    match race / 4 % 3 {
        0 => session.delete(),
        1 => session.invalidate(),
        LISTED => {
            let user = session.user().unwrap().to_owned();
            let count = sessions.revoke_all(&user, None)?;
            assert_eq!(count, 1, "it was listed, and has ended once");
            Ok(())
        }
        _ => unreachable!(),
    }
}

/// Both begin as near to each other as can be, and now and then one of them a little later.
fn spin(race: usize) {
    (0..race % 17 * 40).for_each(|_| std::hint::spin_loop());
}

fn check(name: &str, options: &[(&str, &str)], few: usize) {
    let backend = Backend::open(name, options).unwrap();
    let plain = Sessions::new(backend);
    let with_grace = plain.clone().grace(Duration::from_secs(10));
    let sessions = |race: usize| if race.is_multiple_of(2) { &plain } else { &with_grace };
    let (most, time) = extent(few);
    let (both, is_over) = (Barrier::new(2), AtomicBool::new(false));
    let given = Mutex::new(None::<Session>);
    let begun = Instant::now();
    let (mut races, mut moved_first) = (0, 0);
    thread::scope(|scope| {
        scope.spawn(|| {
            for race in 0.. {
                both.wait();
                if is_over.load(Ordering::SeqCst) {
                    return;
                }
                let mut session = given.lock().unwrap().take().unwrap();
                both.wait();
                spin(race / 13);
                end(sessions(race / 12), &mut session, race).unwrap();
                both.wait();
            }
        });
        // So that the other one ends also if an assertion below fails.
        let _over = Over(&is_over, &both);
        while races < most && begun.elapsed() < time {
            let sessions = sessions(races / 12);
            let mut first = sessions.create();
            if races / 4 % 3 == LISTED {
                first.set_user(&format!("user {}", races % 50));
            }
            first.save().unwrap();
            let mut session = sessions.open(first.id()).unwrap();
            *given.lock().unwrap() = Some(sessions.open(first.id()).unwrap());
            both.wait();
            both.wait();
            spin(races / 7);
            let lived = live(&mut session, races);
            both.wait();
            if let Err(error) = &lived {
                assert_eq!(error.kind(), ErrorKind::SessionGone, "{error:?}");
            }
            moved_first += usize::from(lived.is_ok());
            for id in [first.id(), session.id()] {
                assert!(sessions.open(id).is_err(), "{name}: it lives on after race {races}");
            }
            session.set("b", 2);
            assert_eq!(session.save().unwrap_err().kind(), ErrorKind::SessionGone);
            assert!(sessions.open(session.id()).is_err(), "{name}: it has come back");
            races += 1;
        }
    });
    let took = begun.elapsed();
    println!("{name}: {races} races in {took:.1?}, none lost; {moved_first} times it lived first");
    assert!(races == most || took >= TIME);
}

struct Over<'a>(&'a AtomicBool, &'a Barrier);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
        if !thread::panicking() {
            self.1.wait();
        }
    }
}

#[test]
fn in_memory() {
    check("memory", &[], 3000);
}

#[test]
fn in_files() {
    let folder = tempfile::tempdir().unwrap();
    check("file", &[("data_dir", folder.path().to_str().unwrap())], 300);
}

#[cfg(feature = "memcached")]
#[test]
fn in_memcached() {
    let server = servers::Memcached::for_programs().unwrap();
    check("ext:memcached", &[("url", &server.url()), ("deadline", "20000")], 300);
}

#[cfg(feature = "redis")]
#[test]
fn in_redis() {
    let server = servers::Redis::for_programs().unwrap();
    check("ext:redis", &[("url", &server.url()), ("deadline", "20000")], 300);
}

#[cfg(feature = "dbm")]
#[test]
fn in_dbm() {
    let folder = tempfile::tempdir_in(parent()).unwrap();
    check("dbm", &[("data_dir", folder.path().to_str().unwrap())], 300);
}

#[cfg(feature = "sqlite")]
#[test]
fn in_sqlite() {
    let folder = tempfile::tempdir_in(parent()).unwrap();
    let url = format!("sqlite:///{}/sessions.db", folder.path().display());
    check("ext:database", &[("url", &url), ("deadline", "60000")], 300);
}

#[cfg(feature = "postgres")]
#[servers::needs(postgresql)]
#[test]
fn in_postgresql() {
    let server = servers::Postgres::for_tests().unwrap().expect("it is installed");
    check("ext:database", &[("url", &server.url()), ("deadline", "60000")], 300);
}

/// In memory where there is such a folder: each write waits for the disk.
#[cfg(any(feature = "dbm", feature = "sqlite"))]
fn parent() -> std::path::PathBuf {
    let memory = std::path::Path::new("/dev/shm");
    if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() }
}
