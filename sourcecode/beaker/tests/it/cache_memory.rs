//! What a cache in memory alone can: tell what leaves it, weigh, forget what is idle, show what it has.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::thread;
use std::time::Duration;

use beaker::cache::{Cache, CacheEntry, EvictionCause, MemoryOptions, Op};
use beaker::{Backend, Error, ErrorKind, ManualClock};

use crate::any_cache::{AnyCache, WORLDS};

const SECOND: Duration = Duration::from_secs(1);

type Gone = Arc<Mutex<Vec<(String, u32, EvictionCause)>>>;

/// Options whose listener notes what has gone.
fn noting(capacity: usize) -> (MemoryOptions<u32>, Gone) {
    let gone = Gone::default();
    let notes = Arc::clone(&gone);
    let options = MemoryOptions::new(capacity).on_eviction(move |key, value, cause| {
        notes.lock().unwrap().push((String::from_utf8_lossy(key).into_owned(), value, cause));
    });
    (options, gone)
}

fn taken(gone: &Gone) -> Vec<(String, u32, EvictionCause)> {
    std::mem::take(&mut *gone.lock().unwrap())
}

fn each(capacity: usize, check: impl Fn(AnyCache<u32>, &ManualClock, &Gone)) {
    for &world in WORLDS {
        let (options, gone) = noting(capacity);
        let clock = Arc::new(ManualClock::default());
        let cache = Cache::in_memory_with(options).clock(clock.clone()).ttl(10 * SECOND);
        check(AnyCache::of(world, cache), &clock, &gone);
    }
}

fn one(key: &str, value: u32, cause: EvictionCause) -> [(String, u32, EvictionCause); 1] {
    [(key.to_owned(), value, cause)]
}

#[test]
fn each_way_to_go_has_its_cause() {
    use EvictionCause::*;
    each(1000, |cache, clock, gone| {
        cache.put("a", 1).unwrap();
        assert_eq!(taken(gone), []);
        cache.put("a", 2).unwrap();
        assert_eq!(taken(gone), one("a", 1, Replaced));
        cache.upsert("a", |value| value.copied().unwrap_or_default() + 1).unwrap();
        assert_eq!(taken(gone), one("a", 2, Replaced));
        assert!(cache.remove("a").unwrap());
        assert_eq!(taken(gone), one("a", 3, Removed));
        assert!(!cache.remove("a").unwrap());
        assert_eq!(taken(gone), []);

        cache.get_or_create("a", || 4_u32).unwrap();
        clock.advance(10 * SECOND);
        assert_eq!(taken(gone), [], "nobody has asked");
        assert_eq!(cache.get("a").unwrap(), None);
        assert_eq!(taken(gone), one("a", 4, Expired));
        cache.put("a", 5).unwrap();
        clock.advance(10 * SECOND);
        cache.get_or_create("a", || 6_u32).unwrap();
        assert_eq!(taken(gone), one("a", 5, Expired));
        clock.advance(10 * SECOND);
        cache.put("a", 7).unwrap();
        assert_eq!(taken(gone), one("a", 6, Expired), "as it was replaced");

        cache.invalidate().unwrap();
        cache.get("a").unwrap();
        assert_eq!(taken(gone), one("a", 7, Removed));
        cache.put("a", CacheEntry::new(8).tag("t")).unwrap();
        cache.invalidate_tag("t").unwrap();
        cache.put("a", 9).unwrap();
        assert_eq!(taken(gone), one("a", 8, Removed));
        assert_eq!(cache.take("a").unwrap(), Some(9));
        assert_eq!(taken(gone), one("a", 9, Removed));
        cache.put_many([("a", 1), ("b", 2)]).unwrap();
        cache.clear().unwrap();
        let mut cleared = taken(gone);
        cleared.sort_by_key(|gone| gone.1);
        assert_eq!(cleared, [one("a", 1, Removed), one("b", 2, Removed)].concat());
    });
}

/// Each value that was put is told once or is still there.
#[test]
fn what_has_no_room_is_told_once() {
    each(100, |cache, _, gone| {
        thread::scope(|scope| {
            for thread in 0..4 {
                let cache = &cache;
                scope.spawn(move || {
                    for number in 0..500 {
                        cache.put(thread * 250 + number, number).unwrap();
                    }
                });
            }
        });
        let gone = taken(gone);
        assert!(gone.iter().any(|(.., cause)| *cause == EvictionCause::Size), "{gone:?}");
        #[cfg_attr(not(feature = "tokio"), expect(irrefutable_let_patterns, reason = "no tasks"))]
        let AnyCache::Threads(cache) = cache else { return };
        assert_eq!(gone.len() + cache.entry_count().unwrap(), 2000);
        assert!(cache.entry_count().unwrap() <= 100);
    });
}

#[test]
fn a_cache_without_room_tells_each() {
    each(0, |cache, _, gone| {
        assert_eq!(cache.get_or_create("a", || 1_u32).unwrap(), 1);
        assert_eq!(taken(gone), one("a", 1, EvictionCause::Size));
        cache.put("", 2).unwrap();
        assert_eq!(taken(gone), one("", 2, EvictionCause::Size));
    });
}

#[test]
fn a_listener_may_use_the_cache_and_may_panic() {
    static CACHE: OnceLock<Cache<u32>> = OnceLock::new();
    let options = MemoryOptions::new(100).on_eviction(|key, value, cause| {
        assert_eq!(cause, EvictionCause::Removed);
        let cache = CACHE.get().unwrap();
        match value {
            0 => resume_unwind(Box::new("on purpose")),
            _ => cache.put([b"old ", key].concat(), value).unwrap(),
        }
        // Nobody holds the key any more either.
        assert_eq!(cache.get_or_create(key, || 7_u32).unwrap(), 7);
    });
    let cache = CACHE.get_or_init(|| Cache::in_memory_with(options));
    cache.put("a", 1_u32).unwrap();
    assert_eq!(cache.compute("a", |_| Op::Remove).unwrap(), None);
    assert_eq!(cache.get_many(&["a", "old a"]).unwrap(), [Some(7), Some(1)]);
    cache.put("b", 0_u32).unwrap();
    catch_unwind(AssertUnwindSafe(|| cache.remove("b"))).unwrap_err();
    assert_eq!(cache.get("b").unwrap(), None, "it was removed all the same");
    cache.put("b", 1_u32).unwrap();
    assert!(cache.remove("b").unwrap(), "and the listener is called again");
    assert_eq!(cache.get("old b").unwrap(), Some(1));
}

#[test]
fn weight_is_what_is_limited() {
    let weigh = |_: &[u8], value: &Vec<u8>| value.len() as u32;
    let cache = Cache::in_memory_with(MemoryOptions::new(100_000).weigher(weigh));
    for number in 0..1000_u32 {
        cache.put(number, vec![0; 1000]).unwrap();
    }
    let count = cache.entry_count().unwrap();
    assert!((80..=100).contains(&count), "{count} of 1000 bytes each");
    cache.clear().unwrap();
    for number in 0..10_000_u32 {
        cache.put(number, vec![0; 10]).unwrap();
    }
    let count = cache.entry_count().unwrap();
    assert!(count > 9_000, "{count} of 10 bytes each");
    cache.put("a", vec![0; 20_000]).unwrap();
    assert!(cache.get("a").unwrap().is_some(), "a fifth");
    cache.put("a", vec![0; 30_000]).unwrap();
    assert_eq!(cache.get("a").unwrap(), None, "more than a part, and the old one does not stay");
    for number in 0..1000_u32 {
        cache.put(("empty", number), Vec::new()).unwrap();
    }
    cache.put("b", vec![1; 10]).unwrap();
    assert!(cache.get("b").unwrap().is_some(), "what weighs nothing makes room too");
}

#[test]
fn what_nobody_looks_at_goes() {
    for &world in WORLDS {
        let (options, gone) = noting(100);
        let clock = Arc::new(ManualClock::default());
        let options = options.time_to_idle(5 * SECOND);
        let cache = AnyCache::of(
            world,
            Cache::in_memory_with(options).clock(clock.clone()).ttl(60 * SECOND),
        );
        cache.put("a", 1).unwrap();
        cache.put("b", CacheEntry::new(2).tag("t")).unwrap();
        for _ in 0..5 {
            clock.advance(4 * SECOND);
            assert_eq!(cache.get_many(&["a", "b"]).unwrap(), [Some(1), Some(2)]);
            assert_eq!(cache.get_or_create("a", || 9_u32).unwrap(), 1);
        }
        clock.advance(4 * SECOND);
        assert!(cache.contains("a").unwrap());
        clock.advance(SECOND);
        assert_eq!(cache.get("b").unwrap(), None, "five seconds, with a tag");
        assert_eq!(taken(&gone), one("b", 2, EvictionCause::Expired));
        assert_eq!(cache.get_or_create("b", || 3_u32).unwrap(), 3);
        clock.advance(4 * SECOND);
        assert_eq!(cache.get("a").unwrap(), None, "five seconds");
        assert_eq!(cache.peek("b").unwrap().unwrap().0, 3);
        clock.advance(4 * SECOND);
        assert_eq!(cache.get("b").unwrap(), Some(3));
        for _ in 0..20 {
            clock.advance(4 * SECOND);
            cache.get("b").unwrap();
        }
        assert_eq!(cache.get("b").unwrap(), None, "its time to live ends it all the same");
    }
}

#[test]
fn keys_are_those_of_fresh_values() {
    let clock = Arc::new(ManualClock::default());
    let cache: Cache<u32> = Cache::in_memory(100).clock(clock.clone()).ttl(10 * SECOND);
    assert_eq!(cache.keys().unwrap(), []);
    cache.put("old", 1_u32).unwrap();
    clock.advance(5 * SECOND);
    cache.put("tagged", CacheEntry::new(2_u32).tag("t")).unwrap();
    cache.put("new", 3_u32).unwrap();
    let keys = || {
        let mut keys = cache.keys().unwrap();
        keys.sort();
        keys.iter().map(|key| String::from_utf8_lossy(key).into_owned()).collect::<Vec<_>>()
    };
    assert_eq!(keys(), ["new", "old", "tagged"]);
    clock.advance(5 * SECOND);
    assert_eq!(keys(), ["new", "tagged"]);
    cache.invalidate_tag("t").unwrap();
    assert_eq!(keys(), ["new"]);
    assert_eq!(cache.entry_count().unwrap(), 3, "nobody has asked for the others");
    cache.invalidate().unwrap();
    assert!(keys().is_empty());
}

#[test]
fn values_go_by_a_predicate() {
    let cache: Cache<u32> = Cache::in_memory(1000);
    cache.put_many((0..500_u32).map(|number| (number.to_string(), number))).unwrap();
    let other = cache.clone();
    let is_odd = |key: &[u8], value: &u32| {
        // It may use the cache.
        assert_eq!(other.get(key).unwrap(), Some(*value));
        value % 2 == 1
    };
    assert_eq!(cache.invalidate_if(is_odd).unwrap(), 250);
    assert_eq!(cache.get_many(&["1", "2"]).unwrap(), [None, Some(2)]);
    assert_eq!(cache.invalidate_if(|_, _| false).unwrap(), 0);
    assert_eq!(cache.entry_count().unwrap(), 250);

    // What is being made meanwhile is given, and not kept.
    let (begun, begins) = mpsc::channel();
    let (end, ends) = mpsc::channel();
    thread::scope(|scope| {
        let loads = scope.spawn(|| {
            cache.get_or_create("new", move || {
                begun.send(()).unwrap();
                ends.recv().unwrap();
                1_u32
            })
        });
        begins.recv().unwrap();
        assert!(cache.is_being_made("new").unwrap() && !cache.is_being_made("2").unwrap());
        assert_eq!(cache.invalidate_if(|_, value| *value == 2).unwrap(), 1);
        end.send(()).unwrap();
        assert_eq!(loads.join().unwrap().unwrap(), 1);
    });
    assert_eq!(cache.get("new").unwrap(), None);
}

#[test]
fn what_is_in_a_store_cannot_be_gone_through() {
    let cache: Cache<u32> = Cache::new(Backend::memory(), "points");
    let calls = AtomicUsize::new(0);
    for cache in [cache.clone(), cache.local_tier(10, SECOND)] {
        let invalid = cache.invalidate_if(|_, _| calls.fetch_add(1, Ordering::SeqCst) == 0);
        let errors: [Error; 3] =
            [cache.entry_count().unwrap_err(), cache.keys().unwrap_err(), invalid.unwrap_err()];
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().contains("give them tags"), "{error}");
        }
    }
    assert_eq!(calls.into_inner(), 0);
}

/// By this process, or by another one that has the lock of the key.
#[test]
fn what_is_being_made_is_known_between_processes() {
    for &world in WORLDS {
        let backend = Backend::memory();
        let makes: Cache<u32> = Cache::new(backend.clone(), "points");
        let cache: Cache<u32> = Cache::new(backend.clone(), "points");
        let asks = |key| match AnyCache::of(world, cache.clone()) {
            AnyCache::Threads(cache) => cache.is_being_made(key).unwrap(),
            #[cfg(feature = "tokio")]
            AnyCache::Tasks(cache, runtime) => runtime.block_on(cache.is_being_made(key)).unwrap(),
        };
        let made = makes.get_or_create("a", || u32::from(asks("a") && !asks("b"))).unwrap();
        assert_eq!(made, 1);
        assert!(!asks("a"));
    }
}
