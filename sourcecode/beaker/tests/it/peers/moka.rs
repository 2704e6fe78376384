//! What moka's cache for threads is tested for, over every kind of storage and in both worlds.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

use beaker::cache::{Cache, CacheEntry};
use beaker::{Error, ErrorKind};

use crate::any_cache::{AnyCache, World};
use crate::caches::{SECOND, each, each_of, failing, never};

#[test]
fn with_no_capacity_nothing_is_kept() {
    let cache: Cache<u32> = Cache::in_memory(0);
    cache.put("a", 1_u32).unwrap();
    assert_eq!(cache.get("a").unwrap(), None);
    assert_eq!(cache.get_or_create("a", || 2_u32).unwrap(), 2);
}

#[test]
fn values_are_put_read_and_removed() {
    each(|cache, _| {
        cache.put("a", "alice".to_owned()).unwrap();
        cache.put("b", "bob".to_owned()).unwrap();
        assert_eq!(cache.get("a").unwrap().as_deref(), Some("alice"));
        assert!(cache.contains("a").unwrap() && !cache.contains("c").unwrap());
        assert!(cache.remove("b").unwrap() && !cache.remove("b").unwrap());
        assert_eq!(cache.get("b").unwrap(), None);
    });
}

#[test]
fn there_are_never_more_than_the_capacity() {
    let cache: Cache<usize> = Cache::in_memory(100);
    for at in 0..10_000_usize {
        cache.put(at.to_string(), at).unwrap();
    }
    let left = (0..10_000_usize).filter(|at| cache.contains(at.to_string()).unwrap()).count();
    assert!((50..=100).contains(&left), "{left}");
}

#[test]
fn what_is_used_often_stays_when_much_passes_by() {
    let cache: Cache<usize> = Cache::in_memory(100);
    cache.put("hot", 0).unwrap();
    for at in 0..10_000_usize {
        cache.put(at.to_string(), at).unwrap();
        assert!(at < 200 || cache.get("hot").unwrap().is_some(), "gone after {at} others");
        if at < 200 && cache.get("hot").unwrap().is_none() {
            cache.put("hot", 0).unwrap();
        }
    }
}

#[test]
fn threads_may_put_and_remove_at_once() {
    each(|cache, _| {
        thread::scope(|scope| {
            for id in 0..8 {
                let cache = &cache;
                scope.spawn(move || {
                    cache.put("10", id.to_string()).unwrap();
                    cache.get("10").unwrap();
                    cache.put("20", id.to_string()).unwrap();
                    cache.remove("10").unwrap();
                });
            }
        });
        assert!(!cache.contains("10").unwrap() && cache.contains("20").unwrap());
    });
}

#[test]
fn what_is_put_after_all_was_invalidated_stays() {
    each(|cache, _| {
        cache.put("a", "alice".to_owned()).unwrap();
        cache.put("b", "bob".to_owned()).unwrap();
        cache.invalidate().unwrap();
        cache.put("d", "david".to_owned()).unwrap();
        let there = ["a", "b", "d"].map(|key| cache.contains(key).unwrap());
        assert_eq!(there, [false, false, true]);
    });
}

#[test]
fn time_to_live_counts_from_the_last_write() {
    each(|cache, clock| {
        cache.put("a", "alice".to_owned()).unwrap();
        clock.advance(5 * SECOND);
        assert!(cache.get("a").unwrap().is_some());
        cache.put("a", "alice two".to_owned()).unwrap();
        clock.advance(5 * SECOND);
        assert_eq!(cache.get("a").unwrap().as_deref(), Some("alice two"), "a read is no write");
        clock.advance(5 * SECOND);
        assert_eq!(cache.get("a").unwrap(), None);
        assert!(!cache.contains("a").unwrap());
    });
}

#[test]
fn a_value_may_have_a_life_of_its_own() {
    each(|cache, clock| {
        let for_long = |value: &str| CacheEntry::new(value.to_owned()).ttl(30 * SECOND);
        cache.get_or_create("a", || for_long("1")).unwrap();
        cache.put("b", "2".to_owned()).unwrap();
        clock.advance(15 * SECOND);
        assert!(cache.contains("a").unwrap() && !cache.contains("b").unwrap());
        // A new write without one has the cache's.
        cache.put("a", "3".to_owned()).unwrap();
        clock.advance(15 * SECOND);
        assert!(!cache.contains("a").unwrap());
    });
}

/// As many threads as asked, all at once.
fn together<T: Send>(many: usize, act: impl Fn() -> T + Sync) -> Vec<T> {
    let start = Barrier::new(many);
    thread::scope(|scope| {
        let run = || {
            start.wait();
            act()
        };
        let threads: Vec<_> = (0..many).map(|_| scope.spawn(run)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn a_missing_value_is_made_once() {
    each(|cache, _| {
        let made = AtomicUsize::new(0);
        let create = || made.fetch_add(1, Ordering::SeqCst).to_string();
        let values = together(5, || cache.get_or_create("1", create).unwrap());
        assert_eq!((values, made.into_inner()), (vec!["0".to_owned(); 5], 1));
    });
}

/// moka gives a failed loader's error to those who wait and forgets it; ours remembers it for
/// [`error_ttl`](Cache::error_ttl), a second where nothing else is said.
#[test]
fn a_failure_is_given_to_all_who_wait_and_then_tried_again() {
    each(|cache, clock| {
        let tried = AtomicUsize::new(0);
        let fail = || {
            tried.fetch_add(1, Ordering::SeqCst);
            failing()
        };
        let errors = together(5, || cache.try_get_or_create("1", fail).unwrap_err());
        assert!(errors.iter().all(|error| error.to_string().contains("the source is down")));
        assert_eq!(tried.load(Ordering::SeqCst), 1);
        clock.advance(SECOND);
        assert_eq!(cache.get_or_create("1", || "made".to_owned()).unwrap(), "made");
        assert_eq!(cache.get_or_create("1", never).unwrap(), "made");
    });
}

#[test]
fn a_loader_may_have_nothing_to_keep() {
    each(|cache, _| {
        let nothing = || CacheEntry::new(String::new()).not_kept();
        assert_eq!(cache.get_or_create("1", nothing).unwrap(), "");
        assert_eq!(cache.get_or_create("1", || "made".to_owned()).unwrap(), "made");
        assert_eq!(cache.get_or_create("1", never).unwrap(), "made");
    });
}

/// moka runs the next loader at once; ours takes a panic for a failure, and waits as after one.
#[test]
fn after_a_panic_the_next_loader_runs() {
    each(|cache, clock| {
        let panics = || -> Result<String, Error> { panic!("on purpose") };
        for create in [true, false] {
            let called = AssertUnwindSafe(|| match create {
                true => cache.get_or_create("1", || -> String { panic!("on purpose") }),
                false => cache.try_get_or_create("1", panics),
            });
            assert!(catch_unwind(called).is_err());
            clock.advance(SECOND);
        }
        assert_eq!(cache.get_or_create("1", || "made".to_owned()).unwrap(), "made");
    });
}

#[test]
fn a_key_may_be_given_in_any_of_its_forms() {
    each(|cache: AnyCache<String>, _| {
        let text = String::from("key1");
        cache.put("key1", "1".to_owned()).unwrap();
        assert!(cache.contains(&text).unwrap() && cache.contains(b"key1").unwrap());
        assert!(cache.contains(text.clone().into_bytes()).unwrap());
        assert!(cache.remove(text).unwrap() && !cache.contains("key1").unwrap());
    });
}

#[test]
fn what_leaves_the_cache_is_dropped_at_once() {
    let cache: Cache<Arc<str>> = Cache::in_memory(100);
    let value: Arc<str> = "value".into();
    let put = |key: &str| cache.put(key, value.clone()).unwrap();
    put("a");
    assert_eq!(Arc::strong_count(&value), 2);
    put("a");
    assert_eq!(Arc::strong_count(&value), 2, "the old one was replaced");
    cache.remove("a").unwrap();
    assert_eq!(Arc::strong_count(&value), 1);
    (0..10_000).for_each(|at| put(&at.to_string()));
    assert!(Arc::strong_count(&value) <= 101, "{}", Arc::strong_count(&value));
    cache.clear().unwrap();
    assert_eq!(Arc::strong_count(&value), 1);
    put("b");
    drop(cache);
    assert_eq!(Arc::strong_count(&value), 1);
}

#[test]
fn a_value_that_is_removed_while_it_is_made_does_not_come_back() {
    each(|cache, _| {
        let inside = cache.clone();
        let made = cache.get_or_create("1", move || {
            thread::scope(|scope| scope.spawn(|| inside.remove("1").unwrap()).join().unwrap());
            "made".to_owned()
        });
        assert_eq!(made.unwrap(), "made");
        assert_eq!(cache.get("1").unwrap(), None);
    });
}

/// moka's documentation forbids it, and its thread then waits for itself.
#[test]
fn a_loader_that_asks_for_its_own_key_is_an_error() {
    each_of(World::Threads, |cache, _| {
        let made = cache.try_get_or_create("1", || cache.get_or_create("1", never));
        let error = made.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldDeadlock, "{error}");
    });
}

#[test]
fn debug_shows_no_values() {
    let cache: Cache<String> = Cache::in_memory(10);
    cache.put("key", "a secret".to_owned()).unwrap();
    assert!(!format!("{cache:?}").contains("a secret"), "{cache:?}");
}
