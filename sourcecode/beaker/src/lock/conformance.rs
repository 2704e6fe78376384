//! The contract of [`Locks`] as a test suite for any implementation.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::Locks;
use crate::error::ErrorKind;
use crate::key::{Key, Namespace};

/// Runs every case, and panics at the first broken promise.
pub fn check(locks: &dyn Locks) {
    one_holder_at_a_time(locks);
    other_keys_are_free(locks);
    a_panic_gives_the_lock_back(locks);
    asking_twice_is_an_error(locks);
    a_guard_may_move_to_another_thread(locks);
}

fn key(name: &str) -> Key {
    Namespace::new("conformance").key(name)
}

fn one_holder_at_a_time(locks: &dyn Locks) {
    const THREADS: usize = 8;
    const TURNS: usize = 200;
    let (inside, turns) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let start = Barrier::new(THREADS);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                start.wait();
                for _ in 0..TURNS {
                    let _guard = locks.lock(&key("one")).expect("lock");
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "two holders");
                    turns.fetch_add(1, Ordering::SeqCst);
                    inside.fetch_sub(1, Ordering::SeqCst);
                }
            });
        }
    });
    assert_eq!(turns.into_inner(), THREADS * TURNS);
}

fn other_keys_are_free(locks: &dyn Locks) {
    let _guard = locks.lock(&key("held")).expect("lock");
    thread::scope(|scope| {
        scope.spawn(|| {
            assert!(locks.try_lock(&key("held")).expect("try_lock").is_none(), "held twice");
            assert!(
                locks.try_lock(&key("free")).expect("try_lock").is_some(),
                "another key is held up"
            );
        });
    });
}

fn a_panic_gives_the_lock_back(locks: &dyn Locks) {
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _guard = locks.lock(&key("panic")).expect("lock");
        std::panic::resume_unwind(Box::new("on purpose"));
    }));
    assert!(panicked.is_err());
    assert!(locks.try_lock(&key("panic")).expect("try_lock").is_some(), "still held after a panic");
}

fn asking_twice_is_an_error(locks: &dyn Locks) {
    let guard = locks.lock(&key("twice")).expect("lock");
    let again = locks.lock(&key("twice")).expect_err("the thread holds it");
    assert_eq!(again.kind(), ErrorKind::WouldDeadlock);
    let again = locks.try_lock(&key("twice")).expect_err("the thread holds it");
    assert_eq!(again.kind(), ErrorKind::WouldDeadlock);
    drop(guard);
    drop(locks.lock(&key("twice")).expect("free again"));
}

fn a_guard_may_move_to_another_thread(locks: &dyn Locks) {
    let guard = locks.lock(&key("moved")).expect("lock");
    thread::scope(|scope| {
        scope.spawn(move || drop(guard));
    });
    assert!(locks.try_lock(&key("moved")).expect("try_lock").is_some(), "not given back");
}
