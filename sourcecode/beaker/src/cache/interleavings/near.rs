//! Lookups through a local tier, while other calls write the same key.

use loom::sync::{Arc, Mutex};
use loom::thread;

use super::{KEY, model};
use crate::cache::order::Writes;

/// One value in front of one value, with the steps of `cache/storage/mod.rs`.
struct Near {
    front: Mutex<Option<usize>>,
    behind: Mutex<Option<usize>>,
    writes: Writes,
}

impl Near {
    fn of(value: usize) -> Arc<Near> {
        let (front, behind) = (Mutex::new(None), Mutex::new(Some(value)));
        Arc::new(Near { front, behind, writes: Writes::with_counts(1) })
    }

    fn get(&self) -> Option<usize> {
        let held = *self.front.lock().unwrap();
        if held.is_some() {
            return held;
        }
        let count = self.writes.count(KEY);
        let seen = *self.behind.lock().unwrap();
        if seen.is_some() {
            self.writes.hold(KEY, count, || *self.front.lock().unwrap() = seen);
        }
        seen
    }

    fn put(&self, value: Option<usize>) {
        let count = self.writes.count(KEY);
        *self.behind.lock().unwrap() = value;
        self.writes.note(KEY, count, |is_last| {
            *self.front.lock().unwrap() = if is_last { value } else { None };
        });
    }
}

#[test]
fn what_was_removed_is_not_held_by_who_looked_before() {
    for written in [None, Some(2)] {
        model(move || {
            let near = Near::of(1);
            let others = [(); 2].map(|()| {
                let near = Arc::clone(&near);
                thread::spawn(move || near.get())
            });
            near.put(written);
            assert_eq!(near.get(), written);
            for other in others {
                assert!([Some(1), written].contains(&other.join().unwrap()));
            }
            assert_eq!(near.get(), written, "and it stays so");
        });
    }
}

#[test]
fn of_two_that_write_at_once_the_one_that_is_behind_is_given() {
    model(|| {
        let near = Near::of(1);
        let others = [Some(2), None].map(|value| {
            let near = Arc::clone(&near);
            thread::spawn(move || near.put(value))
        });
        near.get();
        others.into_iter().for_each(|other| other.join().unwrap());
        let behind = *near.behind.lock().unwrap();
        assert_eq!(near.get(), behind);
    });
}
