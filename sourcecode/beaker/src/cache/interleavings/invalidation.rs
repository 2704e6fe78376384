//! Reads and writes after an invalidation, while another call computes a value from before it.

use loom::future::block_on;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::sync::{Arc, Mutex};
use loom::thread;

use super::{KEY, model};
use crate::cache::flight::{Completion, Flights, Role};
use crate::cache::order::{Invalidated, LocalInvalidations};

/// A cache of one value with a tag, and the source of the value.
struct Tagged {
    flights: Flights<usize, &'static str>,
    /// A value, and the count at which its computation began.
    table: Mutex<Option<(usize, u64)>>,
    source: AtomicUsize,
    invalidations: LocalInvalidations,
    tags: [Box<str>; 1],
}

impl Tagged {
    fn new() -> Arc<Tagged> {
        Arc::new(Tagged {
            flights: Flights::new(),
            table: Mutex::new(None),
            source: AtomicUsize::new(0),
            invalidations: LocalInvalidations::new(),
            tags: ["t".into()],
        })
    }

    fn look(&self) -> Option<usize> {
        let (value, began) = (*self.table.lock().unwrap())?;
        let judged = self.invalidations.judge(began, &self.tags);
        (judged == Invalidated::No).then_some(value)
    }

    fn get_or_create(&self) -> usize {
        loop {
            if let Some(value) = self.look() {
                return value;
            }
            match self.flights.join_or_lead(KEY) {
                Role::Waiter(waiter) => {
                    let is_outdated = waiter.is_outdated();
                    match block_on(waiter.ended()) {
                        Completion::Done(Ok(value)) if !is_outdated => return value,
                        _ => {}
                    }
                }
                Role::Leader(leader) => {
                    if let Some(value) = self.look() {
                        leader.complete(Ok(value), (), |_| {});
                        return value;
                    }
                    let began = self.invalidations.count();
                    let made = self.source.load(Ordering::SeqCst);
                    leader.complete(Ok(made), (), |value| {
                        *self.table.lock().unwrap() = Some((*value, began));
                    });
                    return made;
                }
            }
        }
    }

    /// As `Cache::put`: no flight begins meanwhile, and the one under way is not kept.
    fn put(&self, value: usize) {
        self.flights.cancel_while(KEY, || {
            let began = self.invalidations.count();
            *self.table.lock().unwrap() = Some((value, began));
        });
    }

    /// As `Cache::upsert`: the call leads the flight, and begins again if another call wrote meanwhile.
    fn add_one(&self) -> usize {
        loop {
            match self.flights.join_or_lead(KEY) {
                Role::Waiter(waiter) => drop(block_on(waiter.ended())),
                Role::Leader(leader) => {
                    let began = self.invalidations.count();
                    let value = self.look().unwrap_or(0) + 1;
                    let keep = || *self.table.lock().unwrap() = Some((value, began));
                    if leader.unless_cancelled(keep) {
                        leader.complete(Ok(value), (), |_| {});
                        return value;
                    }
                }
            }
        }
    }

    fn invalidate_tag(&self) {
        self.invalidations.invalidate_tag("t");
        self.flights.outdate_all();
    }

    /// As `Cache::clear`.
    fn clear(&self) {
        self.flights.cancel_all_while(|| {
            self.invalidations.invalidate();
            *self.table.lock().unwrap() = None;
        });
    }
}

fn beside_a_maker(act: impl Fn(&Tagged) + Sync + Send + 'static) {
    model(move || {
        let cache = Tagged::new();
        let other = {
            let cache = Arc::clone(&cache);
            thread::spawn(move || cache.get_or_create())
        };
        act(&cache);
        other.join().unwrap();
        assert_eq!(cache.get_or_create(), 1, "and it stays so");
    });
}

#[test]
fn who_asks_after_a_tag_was_invalidated_gets_what_was_made_after_it() {
    beside_a_maker(|cache| {
        cache.source.store(1, Ordering::SeqCst);
        cache.invalidate_tag();
        assert_eq!(cache.get_or_create(), 1);
    });
}

#[test]
fn who_asks_after_a_clearing_gets_what_was_made_after_it() {
    beside_a_maker(|cache| {
        cache.source.store(1, Ordering::SeqCst);
        cache.clear();
        assert_eq!(cache.get_or_create(), 1);
    });
}

#[test]
fn what_is_put_after_an_invalidation_stays() {
    beside_a_maker(|cache| {
        cache.invalidate_tag();
        cache.put(1);
        assert_eq!(cache.look(), Some(1));
    });
    beside_a_maker(|cache| {
        cache.clear();
        cache.put(1);
        assert_eq!(cache.look(), Some(1));
    });
}

/// Two that invalidate at once, and one that writes after its own.
#[test]
fn an_invalidation_beside_another_one_loses_nothing() {
    model(|| {
        let invalidations = Arc::new(LocalInvalidations::new());
        let before = invalidations.count();
        let other = {
            let invalidations = Arc::clone(&invalidations);
            thread::spawn(move || invalidations.invalidate_softly())
        };
        invalidations.invalidate();
        let after = invalidations.count();
        assert_eq!(invalidations.judge(before, &[]), Invalidated::Hard);
        assert_ne!(invalidations.judge(after, &[]), Invalidated::Hard);
        other.join().unwrap();
        assert_ne!(invalidations.judge(before, &[]), Invalidated::No);
        assert_eq!(invalidations.judge(invalidations.count(), &[]), Invalidated::No);
    });
}

#[test]
fn no_step_is_lost_beside_another_one_and_beside_a_write() {
    model(|| {
        let cache = Tagged::new();
        let adds = [(); 2].map(|()| {
            let cache = Arc::clone(&cache);
            thread::spawn(move || cache.add_one())
        });
        cache.put(10);
        let after = adds.map(|add| add.join().unwrap());
        let later = after.iter().filter(|value| **value > 10).count();
        assert_eq!(cache.look(), Some(10 + later), "{after:?}");
    });
}
