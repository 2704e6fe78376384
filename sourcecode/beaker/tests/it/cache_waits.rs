//! Who waits for a value that another process makes, and the store fails or the time is up.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use beaker::cache::OnTimeout;
use beaker::key::Key;
use beaker::lock::{Guard, Locks};
use beaker::store::MemoryStore;
use beaker::{Backend, Clock, Error, ErrorKind, ManualClock, Result, Timestamp};

use crate::any_cache::{AnyCache, WORLDS, World};

const SECOND: Duration = Duration::from_secs(1);

/// Locks that nobody gets. Who asks first is held up until so many others wait for it.
#[derive(Debug, Clone)]
struct Refusing {
    answer: fn() -> Result<Option<Guard>>,
    asked: Arc<AtomicUsize>,
    is_known: Arc<AtomicUsize>,
}

impl Refusing {
    fn new(answer: fn() -> Result<Option<Guard>>) -> Refusing {
        Refusing { answer, asked: Arc::default(), is_known: Arc::default() }
    }
}

impl Locks for Refusing {
    fn lock(&self, _: &Key) -> Result<Guard> {
        unreachable!("a cache tries")
    }

    fn try_lock(&self, _: &Key) -> Result<Option<Guard>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        while self.is_known.load(Ordering::SeqCst) == 0 {
            thread::yield_now();
        }
        (self.answer)()
    }
}

/// A clock that moves when somebody sleeps.
#[derive(Debug, Default)]
struct Striding(ManualClock);

impl Clock for Striding {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn monotonic(&self) -> Duration {
        self.0.monotonic()
    }

    fn sleep(&self, time: Duration) {
        self.0.advance(time);
    }
}

/// So many at once, of whom one asks for the lock while all others wait for that one.
fn herd(cache: &AnyCache<String>, locks: &Refusing, many: u64) -> Vec<ErrorKind> {
    let never = || -> String { panic!("nobody has the lock") };
    thread::scope(|scope| {
        let ask = || cache.get_or_create("a", never).unwrap_err().kind();
        let threads: Vec<_> = (0..many).map(|_| scope.spawn(ask)).collect();
        while cache.stats().waits < many - 1 {
            thread::yield_now();
        }
        locks.is_known.store(1, Ordering::SeqCst);
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn a_store_that_fails_is_not_asked_by_each_in_turn() {
    let down = || Err(Error::new(ErrorKind::Unavailable, "the server does not answer"));
    for &world in WORLDS {
        let locks = Refusing::new(down);
        let backend = Backend::new(MemoryStore::new(), locks.clone());
        let kinds = herd(&AnyCache::new(world, backend, "cache"), &locks, 16);
        let of = |kind| kinds.iter().filter(|found| **found == kind).count();
        assert_eq!((of(ErrorKind::Unavailable), of(ErrorKind::Creation)), (1, 15), "{kinds:?}");
        assert_eq!(locks.asked.load(Ordering::SeqCst), 1);
    }
}

#[test]
fn a_wait_does_not_begin_anew_when_another_one_has_given_up() {
    let clock = Arc::new(Striding::default());
    let locks = Refusing::new(|| Ok(None));
    // Tasks wait by tokio's clock, and not by this one.
    let cache =
        AnyCache::new(World::Threads, Backend::new(MemoryStore::new(), locks.clone()), "cache")
            .clock(clock.clone())
            .wait_timeout(10 * SECOND, OnTimeout::Fail);
    let begun = clock.now();
    assert_eq!(herd(&cache, &locks, 8), [ErrorKind::Unavailable; 8]);
    let waited = clock.now().since(begun);
    assert!(waited >= 10 * SECOND && waited < 11 * SECOND, "{waited:?}");
}
