//! Three callers that want one value (threads and tasks), a loader that may fail or panic, and a removal in
//! between.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::task::{Context, Poll, Waker};

use loom::future::block_on;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::sync::{Arc, Mutex};
use loom::thread;

use super::{KEY, model};
use crate::cache::flight::{Completion, Flights, Role};

/// How a caller waits.
#[derive(Clone, Copy)]
enum Waits {
    AsThread,
    AsTask,
}

use Waits::{AsTask, AsThread};

/// How the first loader that runs ends; those after it succeed.
#[derive(Clone, Copy, PartialEq)]
enum First {
    Succeeds,
    Fails,
    Panics,
}

/// A cache as small as can be: the flow of `cache/find.rs` and `cache/load.rs` around the flights.
struct Cache {
    flights: Flights<usize, &'static str>,
    table: Mutex<Option<usize>>,
    created: AtomicUsize,
    first: First,
}

impl Cache {
    fn new(first: First) -> Arc<Cache> {
        Arc::new(Cache {
            flights: Flights::new(),
            table: Mutex::new(None),
            created: AtomicUsize::new(0),
            first,
        })
    }

    fn look(&self) -> Option<usize> {
        *self.table.lock().unwrap()
    }

    fn get_or_create(&self, waits: Waits) -> Result<usize, &'static str> {
        loop {
            if let Some(value) = self.look() {
                return Ok(value);
            }
            match self.flights.join_or_lead(KEY) {
                Role::Waiter(waiter) => {
                    let completion = match waits {
                        AsThread => waiter.wait(None),
                        AsTask => block_on(waiter.ended()),
                    };
                    match completion {
                        Completion::Done(made) => return made,
                        Completion::Abandoned => {}
                        Completion::TimedOut => panic!("there is no time"),
                    }
                }
                Role::Leader(leader) => {
                    // Looks again, because it may have been computed meanwhile.
                    if let Some(value) = self.look() {
                        leader.complete(Ok(value), (), |_| {});
                        return Ok(value);
                    }
                    let number = self.created.fetch_add(1, Ordering::SeqCst);
                    let made = match (number, self.first) {
                        (0, First::Fails) => Err("failed"),
                        (0, First::Panics) => resume_unwind(Box::new("on purpose")),
                        _ => Ok(number),
                    };
                    leader.complete(made, (), |value| *self.table.lock().unwrap() = Some(*value));
                    return made;
                }
            }
        }
    }

    fn remove(&self) {
        self.flights.cancel_while(KEY, || *self.table.lock().unwrap() = None);
    }
}

/// A thread, a task and this thread call; what each was given, `None` for a panic.
fn three_callers(cache: &Arc<Cache>) -> Vec<Option<Result<usize, &'static str>>> {
    let call = |cache: Arc<Cache>, waits| {
        catch_unwind(AssertUnwindSafe(|| cache.get_or_create(waits))).ok()
    };
    let threads = [AsThread, AsTask].map(|waits| {
        let cache = Arc::clone(cache);
        thread::spawn(move || call(cache, waits))
    });
    let own = call(Arc::clone(cache), AsThread);
    let others = threads.into_iter().map(|thread| thread.join().unwrap());
    others.chain([own]).collect()
}

#[test]
fn three_callers_make_it_once() {
    model(|| {
        let cache = Cache::new(First::Succeeds);
        let given = three_callers(&cache);
        assert!(given.iter().all(|given| *given == Some(Ok(0))), "{given:?}");
        assert_eq!(cache.created.load(Ordering::SeqCst), 1);
        assert_eq!(cache.look(), Some(0));
    });
}

#[test]
fn a_failure_reaches_those_who_waited_for_it() {
    model(|| {
        let cache = Cache::new(First::Fails);
        let given = three_callers(&cache);
        let failed = given.iter().filter(|given| **given == Some(Err("failed"))).count();
        let made = given.iter().filter(|given| **given == Some(Ok(1))).count();
        assert!(failed >= 1 && failed + made == 3, "{given:?}");
        let created = cache.created.load(Ordering::SeqCst);
        assert_eq!(created, 1 + usize::from(made > 0), "{given:?}");
    });
}

#[test]
fn a_panic_leaves_nobody_waiting() {
    model(|| {
        let cache = Cache::new(First::Panics);
        let given = three_callers(&cache);
        assert_eq!(given.iter().filter(|given| given.is_none()).count(), 1, "{given:?}");
        assert_eq!(given.iter().filter(|given| **given == Some(Ok(1))).count(), 2, "{given:?}");
        assert_eq!(cache.created.load(Ordering::SeqCst), 2);
    });
}

#[test]
fn what_is_removed_during_a_creation_does_not_come_back() {
    model(|| {
        let cache = Cache::new(First::Succeeds);
        let creator = {
            let cache = Arc::clone(&cache);
            thread::spawn(move || cache.get_or_create(AsThread))
        };
        let other = {
            let cache = Arc::clone(&cache);
            thread::spawn(move || cache.get_or_create(AsTask))
        };
        let begun = cache.created.load(Ordering::SeqCst);
        cache.remove();
        // A call after the removal never gets a value whose computation began before it.
        let after = cache.get_or_create(AsThread).unwrap();
        assert!(after >= begun, "{after}, of those before {begun}");
        let made = [creator.join().unwrap().unwrap(), other.join().unwrap().unwrap()];
        let all = cache.created.load(Ordering::SeqCst);
        assert!(all <= 3 && made.iter().all(|made| *made < all), "{made:?} of {all}");
        assert!(cache.look().is_some_and(|kept| kept >= begun));
    });
}

#[test]
fn what_was_kept_before_a_removal_is_gone_after_it() {
    model(|| {
        let cache = Cache::new(First::Succeeds);
        let creator = {
            let cache = Arc::clone(&cache);
            thread::spawn(move || cache.get_or_create(AsThread))
        };
        let begun = cache.created.load(Ordering::SeqCst);
        cache.remove();
        creator.join().unwrap().unwrap();
        // A creation that had begun by then must not be kept.
        if begun == 1 {
            assert_eq!(cache.look(), None);
        }
    });
}

/// A task that waits is dropped, as one is whose visitor has gone, and the other waiter is not forgotten.
#[test]
fn a_waiter_that_is_dropped_leaves_nothing() {
    model(|| {
        let cache = Cache::new(First::Succeeds);
        let creator = {
            let cache = Arc::clone(&cache);
            thread::spawn(move || cache.get_or_create(AsThread))
        };
        let other = {
            let cache = Arc::clone(&cache);
            thread::spawn(move || cache.get_or_create(AsTask))
        };
        if let Role::Waiter(waiter) = cache.flights.join_or_lead(KEY) {
            let mut ended = Box::pin(waiter.ended());
            let polled = ended.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(matches!(
                polled,
                Poll::Pending | Poll::Ready(Completion::Done(Ok(_)) | Completion::Abandoned)
            ));
        }
        // The leader has given up, or its task was dropped: the two others compute it once.
        let made = [creator.join().unwrap(), other.join().unwrap()];
        assert_eq!((made, cache.created.load(Ordering::SeqCst)), ([Ok(0); 2], 1));
    });
}
