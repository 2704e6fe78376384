//! Locks that tasks hold, beside those that threads hold.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;

use beaker::key::{Key, Namespace};
use beaker::lock::{AsyncLocks, LocalLocks, Locks};
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
    let mut poll =
        |future: &mut beaker::lock::LockFuture<'_, _>| match future.as_mut().poll(&mut context) {
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
