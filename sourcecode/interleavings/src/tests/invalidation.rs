//! A caller who asks after an invalidation, while another one makes a value from before it.

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::sync::{Arc, Mutex};
use loom::thread;

use super::{KEY, model};
use crate::flight::{Arrival, Boarding, Flights};

/// A cache of one value with a tag: what is made from, and from when on it is good enough.
struct Tagged {
    flights: Flights<usize, &'static str>,
    table: Mutex<Option<usize>>,
    source: AtomicUsize,
    mark: AtomicUsize,
}

impl Tagged {
    fn look(&self) -> Option<usize> {
        let found = *self.table.lock().unwrap();
        found.filter(|made| *made >= self.mark.load(Ordering::SeqCst))
    }

    fn get_or_create(&self) -> usize {
        loop {
            if let Some(value) = self.look() {
                return value;
            }
            match self.flights.board(KEY) {
                Boarding::Itself => panic!("nobody asks twice"),
                Boarding::Passenger(passenger) => {
                    let is_outdated = passenger.is_outdated();
                    match passenger.wait(None) {
                        Arrival::Landed(Ok(value)) if !is_outdated => return value,
                        _ => {}
                    }
                }
                Boarding::Pilot(pilot) => {
                    let made = self.look().unwrap_or_else(|| self.source.load(Ordering::SeqCst));
                    pilot.land(Ok(made), (), |value| *self.table.lock().unwrap() = Some(*value));
                    return made;
                }
            }
        }
    }
}

#[test]
fn who_asks_after_an_invalidation_gets_what_was_made_after_it() {
    model(|| {
        let cache = Arc::new(Tagged {
            flights: Flights::new(),
            table: Mutex::new(None),
            source: AtomicUsize::new(0),
            mark: AtomicUsize::new(0),
        });
        let other = {
            let cache = Arc::clone(&cache);
            thread::spawn(move || cache.get_or_create())
        };
        cache.source.store(1, Ordering::SeqCst);
        cache.mark.store(1, Ordering::SeqCst);
        cache.flights.outdate_all();
        assert_eq!(cache.get_or_create(), 1);
        other.join().unwrap();
        assert_eq!(cache.get_or_create(), 1);
    });
}
