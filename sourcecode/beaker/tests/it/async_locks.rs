//! Locks that tasks hold, beside those that threads hold.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use beaker::ManualClock;
use beaker::key::{Key, Namespace};
use beaker::lock::{AsyncLeaseLocks, AsyncLocks, LeaseLocks, LocalLocks, LockFuture, Locks};
use beaker::store::{MemoryStore, OnThreads, Store};
use tokio::runtime::{Builder, Runtime};

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).build().unwrap()
}

fn key(name: &str) -> Key {
    Namespace::new("n").key(name)
}

/// Sixteen tasks on two threads, and four threads beside them.
#[test]
fn a_key_has_one_holder_among_tasks_and_threads() {
    const TURNS: usize = 100;
    let (locks, inside, turns) = (LocalLocks::new(), AtomicUsize::new(0), AtomicUsize::new(0));
    let (inside, turns) = (Arc::new(inside), Arc::new(turns));
    let enter = |inside: &AtomicUsize, turns: &AtomicUsize| {
        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "two holders");
        turns.fetch_add(1, Ordering::SeqCst);
    };
    let runtime = runtime();
    let task = || {
        let (locks, inside, turns) = (locks.clone(), Arc::clone(&inside), Arc::clone(&turns));
        runtime.spawn(async move {
            for _ in 0..TURNS {
                let _guard = AsyncLocks::lock(&locks, &key("one")).await.unwrap();
                enter(&inside, &turns);
                // Others run on this thread meanwhile, and ask for the same key.
                tokio::task::yield_now().await;
                inside.fetch_sub(1, Ordering::SeqCst);
            }
        })
    };
    let tasks: Vec<_> = (0..16).map(|_| task()).collect();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..TURNS {
                    let _guard = Locks::lock(&locks, &key("one")).unwrap();
                    enter(&inside, &turns);
                    inside.fetch_sub(1, Ordering::SeqCst);
                }
            });
        }
    });
    runtime.block_on(async {
        for task in tasks {
            task.await.unwrap();
        }
    });
    assert_eq!(turns.load(Ordering::SeqCst), 20 * TURNS);
}

#[test]
fn a_task_that_is_dropped_gives_back_what_it_holds_and_its_place_in_line() {
    let locks = LocalLocks::new();
    let key = key("k");
    let mut context = Context::from_waker(Waker::noop());
    let mut poll = |future: &mut LockFuture<'_, _>| match future.as_mut().poll(&mut context) {
        Poll::Ready(guard) => Some(guard.unwrap()),
        Poll::Pending => None,
    };
    let mut holding = AsyncLocks::lock(&locks, &key);
    let guard = poll(&mut holding).expect("it is free");
    let (mut first, mut second) = (AsyncLocks::lock(&locks, &key), AsyncLocks::lock(&locks, &key));
    assert!(poll(&mut first).is_none() && poll(&mut second).is_none(), "it is held");
    // The first is woken when the key is free, and gone before it is polled.
    drop(guard);
    drop(first);
    let guard = poll(&mut second).expect("nobody is before it");
    assert!(Locks::try_lock(&locks, &key).unwrap().is_none(), "a thread sees that a task has it");
    drop(guard);
    assert!(Locks::try_lock(&locks, &key).unwrap().is_some());
    let never_polled = AsyncLocks::lock(&locks, &key);
    assert!(
        Locks::try_lock(&locks, &key).unwrap().is_some(),
        "nothing is done before it is polled"
    );
    drop(never_polled);
}

#[test]
fn two_tasks_of_one_thread_are_not_one_holder() {
    let locks = LocalLocks::new();
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let guard = AsyncLocks::lock(&locks, &key("k")).await.unwrap();
        let is_held = AsyncLocks::try_lock(&locks, &key("k")).await.unwrap().is_none();
        assert!(is_held, "and that is no error, as it would be of a thread");
        assert!(AsyncLocks::try_lock(&locks, &key("other")).await.unwrap().is_some());
        drop(guard);
        assert!(AsyncLocks::try_lock(&locks, &key("k")).await.unwrap().is_some());
    });
}

const LEASE: Duration = Duration::from_secs(9);

/// A store whose leases end by this clock, for tasks and for threads.
struct Host {
    store: Arc<MemoryStore>,
    clock: Arc<ManualClock>,
}

impl Host {
    fn new() -> Host {
        let clock = Arc::new(ManualClock::default());
        Host { store: Arc::new(MemoryStore::with_clock(clock.clone())), clock }
    }

    fn locks(&self) -> AsyncLeaseLocks {
        AsyncLeaseLocks::with(Arc::new(OnThreads::new(Arc::clone(&self.store))), LEASE)
    }

    /// Time passes for the store and for the tasks, which do what is due.
    async fn pass(&self, time: Duration) {
        self.clock.advance(time);
        tokio::time::advance(time).await;
        settle().await;
    }
}

/// Lets all other tasks of this thread do what they can.
async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

fn paused() -> Runtime {
    Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
}

#[test]
fn two_hosts_exclude_each_other_and_threads() {
    paused().block_on(async {
        let host = Host::new();
        let (one, two) = (host.locks(), host.locks());
        let threads = LeaseLocks::with(host.store.clone(), LEASE, host.clock.clone());
        let guard = one.lock(&key("k")).await.unwrap();
        assert!(two.try_lock(&key("k")).await.unwrap().is_none());
        assert!(Locks::try_lock(&threads, &key("k")).unwrap().is_none());
        assert!(two.try_lock(&key("other")).await.unwrap().is_some());
        drop(guard);
        settle().await;
        let guard = Locks::try_lock(&threads, &key("k")).unwrap().expect("it was given back");
        assert!(one.try_lock(&key("k")).await.unwrap().is_none());
        drop(guard);
        assert!(two.try_lock(&key("k")).await.unwrap().is_some());
    });
}

#[test]
fn a_lease_is_renewed_while_it_is_held_and_not_longer() {
    paused().block_on(async {
        let host = Host::new();
        let (one, two) = (host.locks(), host.locks());
        let guard = one.lock(&key("k")).await.unwrap();
        for _ in 0..30 {
            host.pass(LEASE / 3).await;
            assert!(two.try_lock(&key("k")).await.unwrap().is_none(), "it ran out");
        }
        drop(guard);
        settle().await;
        assert!(two.try_lock(&key("k")).await.unwrap().is_some());
        let lease = Namespace::new("beaker.lease").key(key("k").wire(usize::MAX));
        settle().await;
        assert!(host.store.get(&lease).unwrap().is_none(), "nothing is left");
    });
}

/// Its runtime is gone, and with it what renews the lease.
#[test]
fn a_holder_that_is_gone_frees_the_key_when_its_lease_has_run_out() {
    let host = Host::new();
    let gone = paused();
    let guard = gone.block_on(async { host.locks().lock(&key("k")).await.unwrap() });
    drop(gone);
    drop(guard);
    paused().block_on(async {
        let two = host.locks();
        assert!(two.try_lock(&key("k")).await.unwrap().is_none(), "nobody could give it back");
        host.pass(LEASE).await;
        assert!(two.try_lock(&key("k")).await.unwrap().is_some());
    });
}

/// The store's clock stands still, as one does that was put back by an hour.
#[test]
fn a_lease_that_is_not_renewed_is_taken_over_though_the_clock_stands_still() {
    let host = Host::new();
    let gone = paused();
    std::mem::forget(gone.block_on(async { host.locks().lock(&key("k")).await.unwrap() }));
    drop(gone);
    paused().block_on(async {
        let (two, begun) = (host.locks(), tokio::time::Instant::now());
        let _guard = two.lock(&key("k")).await.unwrap();
        let waited = begun.elapsed();
        assert!(waited > LEASE && waited < 2 * LEASE, "{waited:?}");
    });
}

/// Whoever asks is gone at each of the places where it waits: the key is free afterwards.
#[test]
fn a_dropped_request_for_a_lease_leaves_nothing() {
    paused().block_on(async {
        for polls in 0..10 {
            let host = Host::new();
            let locks = host.locks();
            let key = key("k");
            let mut asking = locks.lock(&key);
            let mut context = Context::from_waker(Waker::noop());
            for _ in 0..polls {
                if asking.as_mut().poll(&mut context).is_ready() {
                    break;
                }
                tokio::task::yield_now().await;
            }
            drop(asking);
            settle().await;
            assert!(host.locks().try_lock(&key).await.unwrap().is_some(), "after {polls} polls");
        }
    });
}
