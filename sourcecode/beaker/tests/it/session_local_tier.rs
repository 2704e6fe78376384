//! Copies of sessions in memory, in front of a store: what a request reads, what it sees of others, and that
//! nothing is lost. Two `Sessions` over one store, each with copies of its own, are two processes.

use std::sync::Arc;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use beaker::key::{Key, Namespace};
use beaker::lock::LocalLocks;
use beaker::store::{MemoryStore, Precondition, Store, Stored, Version};
use beaker::{Backend, ErrorKind, ManualClock, Origin, Rejection, Result, Signer, Value};

use super::{Session, Sessions};

use crate::any_backend;

const TIME: Duration = Duration::from_secs(5);
const HOUR: Duration = Duration::from_secs(3600);

fn process(backend: &Backend, clock: &Arc<ManualClock>) -> Sessions {
    Sessions::new(backend.clone())
        .signed_by(Signer::new(["0123456789abcdef0123456789abcdef"]).unwrap())
        .timeout(HOUR)
        .touch_every(HOUR / 10)
        .clock(clock.clone())
        .local_tier(100, TIME)
}

fn cookie(session: &Session) -> String {
    let header = session.set_cookie().unwrap().unwrap();
    header.split(';').next().unwrap().to_owned()
}

fn saved(sessions: &Sessions) -> (Session, String) {
    let mut session = sessions.create();
    session.set("points", 0);
    session.save().unwrap();
    let cookie = cookie(&session);
    (session, cookie)
}

fn points(sessions: &Sessions, cookie: &str) -> Option<i64> {
    sessions.load(Some(cookie)).unwrap().get("points").and_then(Value::as_int)
}

fn add(sessions: &Sessions, cookie: &str) {
    let mut session = sessions.load(Some(cookie)).unwrap();
    session.update("points", |old| old.and_then(Value::as_int).unwrap_or(0) + 1);
    session.save().unwrap();
}

/// Counts how often it is read.
#[derive(Debug, Clone, Default)]
struct Counting {
    store: Arc<MemoryStore>,
    reads: Arc<AtomicUsize>,
}

impl Store for Counting {
    fn get(&self, key: &Key) -> Result<Option<Stored>> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.store.get(key)
    }

    fn put(
        &self,
        key: &Key,
        bytes: &[u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>> {
        self.store.put(key, bytes, ttl, when)
    }

    fn delete(&self, key: &Key, when: Precondition) -> Result<bool> {
        self.store.delete(key, when)
    }

    fn clear(&self, namespace: &Namespace) -> Result<()> {
        self.store.clear(namespace)
    }
}

#[test]
fn a_request_reads_nothing_from_the_store_for_so_long() {
    let (store, clock) = (Counting::default(), Arc::new(ManualClock::default()));
    let backend = Backend::new(store.clone(), LocalLocks::new());
    let (here, there) = (process(&backend, &clock), process(&backend, &clock));
    let (_, cookie) = saved(&here);
    let reads = || store.reads.swap(0, Ordering::SeqCst);
    reads();
    // What was saved here is known here.
    for _ in 0..10 {
        assert_eq!(points(&here, &cookie), Some(0));
    }
    assert_eq!(reads(), 0);
    for _ in 0..10 {
        assert_eq!(points(&there, &cookie), Some(0));
    }
    assert_eq!(reads(), 1);
    clock.advance(TIME);
    points(&here, &cookie);
    assert_eq!(reads(), 1);
    // An id that leads to nothing is asked for each time.
    let unknown = saved(&here);
    here.open(unknown.0.id()).unwrap().delete().unwrap();
    reads();
    for _ in 0..3 {
        let session = here.load(Some(&unknown.1)).unwrap();
        assert_eq!(session.origin(), Origin::Rejected(Rejection::Unknown));
    }
    assert_eq!(reads(), 3);
}

#[test]
fn what_this_process_does_is_seen_at_once_and_what_others_do_in_time() {
    any_backend::each(|backend| {
        let clock = Arc::new(ManualClock::default());
        let (here, there) = (process(&backend, &clock), process(&backend, &clock));
        let (session, cookie) = saved(&here);
        assert_eq!(points(&there, &cookie), Some(0));
        add(&here, &cookie);
        assert_eq!(points(&here, &cookie), Some(1));
        assert_eq!(points(&there, &cookie), Some(0), "it has a copy from before");
        assert_eq!(there.open(session.id()).unwrap().get("points"), Some(&1.into()));
        clock.advance(TIME);
        assert_eq!(points(&there, &cookie), Some(1));
        // The same for an end.
        here.load(Some(&cookie)).unwrap().delete().unwrap();
        let at = |sessions: &Sessions| sessions.load(Some(&cookie)).unwrap().origin();
        assert_eq!(at(&here), Origin::Rejected(Rejection::Unknown));
        assert_eq!(at(&there), Origin::Loaded);
        let mut late = there.load(Some(&cookie)).unwrap();
        late.set("points", 7);
        assert_eq!(
            late.save().unwrap_err().kind(),
            ErrorKind::SessionGone,
            "it brings nothing back"
        );
        assert_eq!(at(&there), Origin::Rejected(Rejection::Unknown), "and knows it from then on");
    });
}

#[test]
fn processes_that_save_in_turn_lose_nothing() {
    any_backend::each(|backend| {
        let clock = Arc::new(ManualClock::default());
        let (here, there) = (process(&backend, &clock), process(&backend, &clock));
        let (session, cookie) = saved(&here);
        for _ in 0..20 {
            // Each has an old copy: the other one has saved since.
            add(&here, &cookie);
            add(&there, &cookie);
        }
        assert_eq!(here.open(session.id()).unwrap().get("points"), Some(&40.into()));
    });
}

#[test]
fn threads_of_two_processes_lose_nothing_and_see_their_own() {
    any_backend::each(|backend| {
        let clock = Arc::new(ManualClock::default());
        let processes = [process(&backend, &clock), process(&backend, &clock)];
        let (session, cookie) = saved(&processes[0]);
        let start = Barrier::new(4);
        thread::scope(|scope| {
            for number in 0..4 {
                let (sessions, cookie, start) = (&processes[number % 2], &cookie, &start);
                scope.spawn(move || {
                    start.wait();
                    let mut last = 0;
                    for _ in 0..25 {
                        add(sessions, cookie);
                        // What was saved here never disappears here.
                        let now = points(sessions, cookie).unwrap();
                        assert!(now > last, "{now} after {last}");
                        last = now;
                    }
                });
            }
        });
        assert_eq!(processes[0].open(session.id()).unwrap().get("points"), Some(&100.into()));
    });
}

#[test]
fn a_copy_never_says_that_a_session_is_over() {
    let (clock, backend) = (Arc::new(ManualClock::default()), Backend::memory());
    let (here, there) = (process(&backend, &clock), process(&backend, &clock));
    let (session, cookie) = saved(&here);
    clock.advance(HOUR - Duration::from_secs(1));
    points(&here, &cookie);
    there.open(session.id()).unwrap().touch().unwrap();
    // The copy is of a session that was not used for an hour.
    clock.advance(Duration::from_secs(2));
    assert_eq!(points(&here, &cookie), Some(0));
}

#[test]
fn lists_and_ends_ask_the_store() {
    any_backend::each(|backend| {
        let clock = Arc::new(ManualClock::default());
        let (here, there) = (process(&backend, &clock), process(&backend, &clock));
        let login = |sessions: &Sessions| {
            let mut session = sessions.create();
            session.set_user("kimi");
            session.save().unwrap();
            session
        };
        let (one, other) = (login(&here), login(&there));
        assert_eq!(here.sessions_of("kimi").unwrap(), [*one.id(), *other.id()]);
        assert_eq!(there.revoke_all("kimi", None).unwrap(), 2);
        assert_eq!(here.sessions_of("kimi").unwrap(), []);
        assert!(here.open(one.id()).is_err());
        // With a new id that another process gave it, it ends all the same.
        let (mut moves, cookie) = saved(&here);
        let mut late = there.load(Some(&cookie)).unwrap();
        moves.regenerate_id().unwrap();
        late.delete().unwrap();
        assert!(here.open(moves.id()).is_err());
    });
}

#[test]
fn what_it_cannot_be_is_refused() {
    let sessions = || Sessions::new(Backend::memory());
    for (capacity, time) in [(0, TIME), (10, Duration::ZERO), (10, Duration::from_secs(61))] {
        let error = sessions().local_tier(capacity, time).check().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("`local_tier`"), "{error}");
    }
    sessions().local_tier(1, Duration::from_secs(60)).check().unwrap();
    #[cfg(feature = "cookies")]
    {
        let signer = Signer::new(["0123456789abcdef0123456789abcdef"]).unwrap();
        let in_cookies = beaker::Sessions::in_signed_cookies(signer).local_tier(10, TIME);
        assert!(in_cookies.check().unwrap_err().to_string().contains("leave it out"));
    }
}
