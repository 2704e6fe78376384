//! Caches: what is made how often, and what is given meanwhile, over every kind of storage.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::Duration;

use beaker::cache::{Cache, CacheEntry, OnTimeout};
use beaker::store::MemoryStore;
use beaker::{Backend, Clock, Error, ErrorKind, ManualClock};

use crate::any_cache::{AnyCache, WORLDS, World};

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// Each kind of storage with a clock that can be moved, for threads and for tasks.
pub(crate) fn each(check: impl Fn(AnyCache<String>, &ManualClock)) {
    for &world in WORLDS {
        each_of(world, &check);
    }
}

pub(crate) fn each_of(world: World, check: impl Fn(AnyCache<String>, &ManualClock)) {
    for kind in ["objects", "bytes", "near"] {
        println!("{kind}, {world:?}");
        let clock = Arc::new(ManualClock::default());
        check(AnyCache::of(world, cache(kind, &clock)), &clock);
    }
}

fn backend(clock: &Arc<ManualClock>) -> Backend {
    let store = MemoryStore::with_clock(clock.clone());
    Backend::new(store, beaker::lock::LocalLocks::new())
}

fn cache(kind: &str, clock: &Arc<ManualClock>) -> Cache<String> {
    let cache = match kind {
        "objects" => Cache::in_memory(1000),
        _ => Cache::new(backend(clock), "cache"),
    };
    let cache = cache.clock(clock.clone()).ttl(10 * SECOND);
    if kind == "near" { cache.local_tier(100, SECOND) } else { cache }
}

pub(crate) fn never() -> String {
    panic!("it is not to be made")
}

pub(crate) fn failing() -> Result<String, Error> {
    Err(Error::new(ErrorKind::Application, "the source is down"))
}

#[test]
fn made_once_and_then_found() {
    each(|cache, clock| {
        assert_eq!(cache.get("a").unwrap(), None);
        assert_eq!(cache.get_or_create("a", || "1".to_owned()).unwrap(), "1");
        assert_eq!(cache.get_or_create("a", never).unwrap(), "1");
        assert_eq!(cache.get("a").unwrap().as_deref(), Some("1"));
        assert!(cache.contains("a").unwrap() && !cache.contains("b").unwrap());
        clock.advance(10 * SECOND);
        assert_eq!(cache.get("a").unwrap(), None, "expired");
        assert_eq!(cache.get_or_create("a", || "2".to_owned()).unwrap(), "2");
        let numbers = cache.stats();
        assert_eq!((numbers.creations, numbers.hits, numbers.misses), (2, 2, 4), "{numbers}");
    });
}

#[test]
fn put_remove_and_clear() {
    each(|cache, _| {
        cache.put("a", "1".to_owned()).unwrap();
        cache.put("b", "2".to_owned()).unwrap();
        assert_eq!(cache.get_or_create("a", never).unwrap(), "1");
        assert!(cache.remove("a").unwrap() && !cache.remove("a").unwrap());
        assert_eq!(cache.get("a").unwrap(), None);
        assert_eq!(cache.get_or_create("a", || "3".to_owned()).unwrap(), "3");
        cache.clear().unwrap();
        assert!(cache.get("a").unwrap().is_none() && cache.get("b").unwrap().is_none());
        assert_eq!(cache.get_or_create("b", || "4".to_owned()).unwrap(), "4");
    });
}

#[test]
fn a_stale_value_is_given_while_one_makes_a_new_one() {
    each(|cache, clock| {
        let cache = cache.stale_for(60 * SECOND);
        cache.put("a", "old".to_owned()).unwrap();
        clock.advance(11 * SECOND);
        let (begun, is_begun) = mpsc::channel();
        let (end, ends) = mpsc::channel();
        thread::scope(|scope| {
            let maker = scope.spawn(|| {
                cache.get_or_create("a", move || {
                    begun.send(()).unwrap();
                    ends.recv().unwrap();
                    "new".to_owned()
                })
            });
            is_begun.recv().unwrap();
            for _ in 0..3 {
                assert_eq!(cache.get_or_create("a", never).unwrap(), "old");
            }
            assert_eq!(cache.get("a").unwrap(), None, "`get` gives nothing stale");
            assert_eq!(cache.peek("a").unwrap().unwrap().0, "old");
            end.send(()).unwrap();
            assert_eq!(maker.join().unwrap().unwrap(), "new");
        });
        assert_eq!(cache.get_or_create("a", never).unwrap(), "new");
        assert_eq!(cache.stats().stale, 3);
        clock.advance(70 * SECOND);
        assert_eq!(cache.get_or_create("a", || "newer".to_owned()).unwrap(), "newer");
    });
}

/// So many at once find nothing, while the creator is held up until all have asked.
fn herd<T: Send>(
    cache: &AnyCache<String>,
    many: usize,
    create: impl Fn() -> Result<String, Error> + Sync,
    look: impl Fn(Result<String, Error>) -> T + Sync,
) -> Vec<T> {
    let start = Barrier::new(many);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..many)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    look(cache.try_get_or_create("a", &create))
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn a_herd_makes_a_value_once() {
    each(|cache, _| {
        let made = AtomicUsize::new(0);
        let create = || Ok(made.fetch_add(1, Ordering::SeqCst).to_string());
        let given = herd(&cache, 64, create, |value| value.unwrap());
        assert!(given.iter().all(|value| value == "0"), "{given:?}");
        assert_eq!(made.into_inner(), 1);
    });
}

#[test]
fn a_failure_is_shared_and_not_tried_by_each() {
    each(|cache, clock| {
        let tried = AtomicUsize::new(0);
        let create = || {
            tried.fetch_add(1, Ordering::SeqCst);
            failing()
        };
        let messages = herd(&cache, 16, create, |value| value.unwrap_err());
        assert!(messages.iter().all(|error| error.to_string().contains("the source is down")));
        let own = messages.iter().filter(|error| error.kind() == ErrorKind::Application).count();
        assert_eq!((own, tried.load(Ordering::SeqCst)), (1, 1));
        let error = cache.get_or_create("a", never).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Creation, "{error}");
        clock.advance(SECOND);
        assert_eq!(cache.get_or_create("a", || "1".to_owned()).unwrap(), "1");
    });
}

#[test]
fn a_stale_value_is_given_when_the_creator_fails() {
    each(|cache, clock| {
        let cache = cache.stale_for(60 * SECOND).error_ttl(5 * SECOND);
        cache.put("a", "old".to_owned()).unwrap();
        clock.advance(11 * SECOND);
        assert_eq!(cache.try_get_or_create("a", failing).unwrap(), "old");
        assert_eq!(cache.get_or_create("a", never).unwrap(), "old", "not tried again at once");
        clock.advance(5 * SECOND);
        assert_eq!(cache.get_or_create("a", || "new".to_owned()).unwrap(), "new");

        clock.advance(11 * SECOND);
        let strict = cache.clone().stale_on_failure(false);
        assert_eq!(
            strict.try_get_or_create("a", failing).unwrap_err().kind(),
            ErrorKind::Application
        );
    });
}

/// A panic is a failure: whoever waited is told, and it is not tried again by each in turn.
#[test]
fn a_creator_that_panics_is_called_once_by_a_herd() {
    each(|cache, clock| {
        let called = AtomicUsize::new(0);
        let (begun, is_begun) = mpsc::channel();
        thread::scope(|scope| {
            let panics = scope.spawn(|| {
                cache.get_or_create("a", || -> String {
                    called.fetch_add(1, Ordering::SeqCst);
                    begun.send(()).unwrap();
                    while cache.stats().waits < 199 {
                        thread::yield_now();
                    }
                    std::panic::resume_unwind(Box::new("on purpose"))
                })
            });
            is_begun.recv().unwrap();
            let waits = || {
                let create = || {
                    called.fetch_add(1, Ordering::SeqCst);
                    "1".to_owned()
                };
                cache.get_or_create("a", create).unwrap_err()
            };
            let waiters: Vec<_> = (0..199).map(|_| scope.spawn(waits)).collect();
            assert!(panics.join().is_err(), "the panic goes to whose creator it was");
            for error in waiters.into_iter().map(|waiter| waiter.join().unwrap()) {
                assert_eq!(error.kind(), ErrorKind::Creation);
                assert!(error.to_string().contains("it panicked: on purpose"), "{error}");
            }
        });
        assert_eq!((called.load(Ordering::SeqCst), cache.stats().failures), (1, 1));
        let again = cache.get_or_create("a", || "1".to_owned());
        assert_eq!(again.unwrap_err().kind(), ErrorKind::Creation, "it is backed off from");
        // A step of the time of day is no passing of time.
        clock.set(clock.now() + Duration::from_secs(3600));
        assert!(cache.get_or_create("a", || "1".to_owned()).is_err());
        clock.advance(Duration::from_millis(100));
        assert_eq!(cache.get_or_create("a", || "1".to_owned()).unwrap(), "1");
    });
}

#[test]
fn many_that_panic_are_a_failure_of_each() {
    each(|cache, clock| {
        let panics = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            cache.try_get_or_create_many(&["a", "b"], |_| -> Result<Vec<String>, Error> {
                std::panic::resume_unwind(Box::new("on purpose"))
            })
        }));
        assert!(panics.is_err());
        for key in ["a", "b"] {
            let error = cache.get_or_create(key, never).unwrap_err();
            assert!(error.to_string().contains("on purpose"), "{error}");
        }
        clock.advance(Duration::from_millis(100));
        assert_eq!(cache.get_or_create("b", || "1".to_owned()).unwrap(), "1");
    });
}

#[test]
fn a_creator_that_asks_for_its_own_key_is_told() {
    // Of tasks, `async_cache.rs` has the same: there it is a loader that asks, and here it is this thread.
    each_of(World::Threads, |cache, _| {
        let error = cache
            .try_get_or_create("a", || {
                cache.try_get_or_create("a", || Ok::<_, Error>("1".to_owned()))
            })
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldDeadlock);
        assert!(error.to_string().contains("`a`"), "{error}");
        let nested = cache.try_get_or_create("b", || {
            cache.try_get_or_create("c", || Ok::<_, Error>("2".to_owned()))
        });
        assert_eq!(nested.unwrap(), "2");
    });
}

/// Does something while a value is being made, and tells what is there after.
fn meanwhile(cache: &AnyCache<String>, act: impl FnOnce()) -> Option<String> {
    let made = cache.get_or_create("a", || {
        act();
        CacheEntry::new("made from what was there before".to_owned()).tag("t")
    });
    assert!(made.unwrap().starts_with("made"), "who asked before gets it");
    cache.get("a").unwrap()
}

#[test]
fn what_is_done_during_a_creation_wins() {
    each(|cache, clock| {
        // Another moment for the mark than for the creation's beginning.
        let later = || clock.advance(Duration::from_micros(1));
        let remove = || assert!(!cache.remove("a").unwrap(), "not there yet");
        assert_eq!(meanwhile(&cache, remove), None);
        assert_eq!(meanwhile(&cache, || cache.clear().unwrap()), None);
        later();
        assert_eq!(meanwhile(&cache, || cache.invalidate().unwrap()), None);
        later();
        let invalidate_tag = || {
            later();
            cache.invalidate_tag("t").unwrap();
        };
        assert_eq!(meanwhile(&cache, invalidate_tag), None);
        later();
        let another = || cache.invalidate_tag("another").unwrap();
        assert!(meanwhile(&cache, another).is_some(), "nothing to do with it");
        cache.remove("a").unwrap();
        let put = || cache.put("a", "put".to_owned()).unwrap();
        assert_eq!(meanwhile(&cache, put).as_deref(), Some("put"));
    });
}

#[test]
fn who_asks_after_a_tag_was_invalidated_does_not_get_what_was_being_made() {
    each(|cache, clock| {
        let (begun, is_begun) = mpsc::channel();
        let (end, ends) = mpsc::channel();
        let tagged = |value: &str| CacheEntry::new(value.to_owned()).tag("t");
        thread::scope(|scope| {
            let first = scope.spawn(|| {
                cache.get_or_create("a", move || {
                    begun.send(()).unwrap();
                    ends.recv().unwrap();
                    tagged("old")
                })
            });
            is_begun.recv().unwrap();
            clock.advance(Duration::from_micros(1));
            cache.invalidate_tag("t").unwrap();
            clock.advance(Duration::from_micros(1));
            let second = scope.spawn(|| cache.get_or_create("a", || tagged("new")));
            while cache.stats().waits == 0 {
                thread::yield_now();
            }
            end.send(()).unwrap();
            assert_eq!(first.join().unwrap().unwrap(), "old");
            assert_eq!(second.join().unwrap().unwrap(), "new");
        });
        assert_eq!(cache.get_or_create("a", never).unwrap(), "new");
    });
}

#[test]
fn hard_and_soft_invalidation() {
    each(|cache, clock| {
        let cache = cache.stale_for(60 * SECOND);
        cache.put("a", "old".to_owned()).unwrap();
        cache.put("b", "old".to_owned()).unwrap();
        clock.advance(Duration::from_micros(1));
        cache.invalidate_softly().unwrap();
        assert_eq!(cache.get("a").unwrap(), None);
        assert_eq!(cache.peek("a").unwrap().unwrap().0, "old", "stale");
        clock.advance(Duration::from_micros(1));
        assert_eq!(cache.get_or_create("a", || "new".to_owned()).unwrap(), "new");
        assert_eq!(cache.get_or_create("a", never).unwrap(), "new");
        cache.invalidate().unwrap();
        clock.advance(Duration::from_micros(1));
        cache.invalidate_softly().unwrap();
        assert_eq!(cache.peek("b").unwrap(), None, "gone for good");
        clock.advance(Duration::from_micros(1));
        assert_eq!(cache.get_or_create("b", || "newer".to_owned()).unwrap(), "newer");
    });
}

#[test]
fn tags() {
    each(|cache, clock| {
        let tagged = |key: &str, tags: &[&str]| {
            let made = tags.iter().fold(CacheEntry::new(key.to_owned()), |made, tag| made.tag(tag));
            cache.put(key, made).unwrap();
        };
        tagged("kimi", &["driver", "ferrari"]);
        tagged("felipe", &["driver", "ferrari"]);
        tagged("jenson", &["driver"]);
        cache.put("none", "none".to_owned()).unwrap();
        clock.advance(Duration::from_micros(1));
        cache.invalidate_tag("ferrari").unwrap();
        let there = |key: &str| cache.contains(key).unwrap();
        assert_eq!(["kimi", "felipe", "jenson", "none"].map(there), [false, false, true, true]);
        clock.advance(Duration::from_micros(1));
        tagged("kimi", &["driver", "ferrari"]);
        assert!(there("kimi"), "made after that");
        assert!(cache.invalidate_tag("").is_err());
    });
}

#[test]
fn an_expiry_per_call_and_per_value_and_values_that_are_not_kept() {
    each(|cache, clock| {
        let short = cache.clone().ttl(SECOND);
        short.get_or_create("a", || "1".to_owned()).unwrap();
        cache.put("b", CacheEntry::new("2".to_owned()).ttl(SECOND)).unwrap();
        cache.put("c", "3".to_owned()).unwrap();
        clock.advance(SECOND);
        assert_eq!(["a", "b", "c"].map(|key| cache.contains(key).unwrap()), [false, false, true]);
        let made = cache.get_or_create("d", || CacheEntry::new("4".to_owned()).not_kept()).unwrap();
        assert_eq!((made.as_str(), cache.get("d").unwrap()), ("4", None));
    });
}

#[test]
fn nothing_is_a_value_too() {
    let cache: Cache<Option<String>> = Cache::new(Backend::memory(), "options");
    assert_eq!(cache.get_or_create("a", || None).unwrap(), None);
    assert_eq!(cache.get("a").unwrap(), Some(None));
}

#[test]
fn a_wait_is_as_long_as_is_said() {
    each(|cache, _| {
        let (begun, is_begun) = mpsc::channel();
        let (end, ends) = mpsc::channel::<()>();
        thread::scope(|scope| {
            let maker = scope.spawn(|| {
                cache.get_or_create("a", move || {
                    begun.send(()).unwrap();
                    ends.recv().unwrap();
                    "1".to_owned()
                })
            });
            is_begun.recv().unwrap();
            let soon = Duration::from_millis(5);
            let fails = cache.clone().wait_timeout(soon, OnTimeout::Fail);
            let error = fails.get_or_create("a", never).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
            let creates = cache.clone().wait_timeout(soon, OnTimeout::Create);
            assert_eq!(creates.get_or_create("a", || "own".to_owned()).unwrap(), "own");
            end.send(()).unwrap();
            assert_eq!(maker.join().unwrap().unwrap(), "1");
        });
        assert_eq!(cache.get("a").unwrap().as_deref(), Some("1"));
    });
}

#[test]
fn two_caches_of_one_name_share_what_they_make() {
    let clock = Arc::new(ManualClock::default());
    let backend = backend(&clock);
    let open = || Cache::<String>::new(backend.clone(), "shared").clock(clock.clone());
    let (one, two) = (open(), open());
    let (begun, is_begun) = mpsc::channel();
    let (end, ends) = mpsc::channel();
    thread::scope(|scope| {
        let maker = scope.spawn(|| {
            one.get_or_create("a", move || {
                begun.send(()).unwrap();
                ends.recv().unwrap();
                "1".to_owned()
            })
        });
        is_begun.recv().unwrap();
        let waits = scope.spawn(|| two.get_or_create("a", never).unwrap());
        end.send(()).unwrap();
        // Who waits for another process waits by the clock.
        while !waits.is_finished() {
            clock.advance(Duration::from_millis(1));
            thread::yield_now();
        }
        assert_eq!(maker.join().unwrap().unwrap(), waits.join().unwrap());
    });
    // A removal by the other one, during a creation.
    clock.advance(Duration::from_micros(1));
    one.remove("a").unwrap();
    let made = one.get_or_create("a", || {
        two.remove("a").unwrap();
        "2".to_owned()
    });
    assert_eq!((made.unwrap().as_str(), one.get("a").unwrap()), ("2", None));
    // An invalidation by the other one is seen within a second.
    one.put("a", "3".to_owned()).unwrap();
    clock.advance(Duration::from_micros(1));
    two.invalidate().unwrap();
    assert_eq!(two.get("a").unwrap(), None);
    clock.advance(SECOND);
    assert_eq!(one.get("a").unwrap(), None);
}

#[test]
fn a_near_value_is_believed_for_its_time() {
    let clock = Arc::new(ManualClock::default());
    let far = Cache::<String>::new(backend(&clock), "far").clock(clock.clone());
    let near = far.clone().local_tier(10, SECOND);
    far.put("a", "1".to_owned()).unwrap();
    assert_eq!(near.get("a").unwrap().as_deref(), Some("1"));
    far.put("a", "2".to_owned()).unwrap();
    assert_eq!(near.get("a").unwrap().as_deref(), Some("1"), "believed");
    clock.advance(SECOND);
    assert_eq!(near.get("a").unwrap().as_deref(), Some("2"));
    near.put("a", "3".to_owned()).unwrap();
    assert_eq!(near.get("a").unwrap().as_deref(), Some("3"), "its own at once");
    assert_eq!(far.get("a").unwrap().as_deref(), Some("3"));
}

#[test]
fn a_key_in_use_never_expires_with_early_refresh() {
    let clock = Arc::new(ManualClock::default());
    let cache = cache("objects", &clock).stale_for(SECOND).refresh_early(1.0);
    let made = AtomicUsize::new(0);
    for _ in 0..10_000 {
        clock.advance(Duration::from_millis(10));
        let create = || {
            clock.advance(Duration::from_millis(100));
            made.fetch_add(1, Ordering::Relaxed).to_string()
        };
        cache.get_or_create("a", create).unwrap();
        assert!(cache.contains("a").unwrap(), "it has expired");
    }
    let made = made.into_inner();
    assert!((10..40).contains(&made), "made {made} times in 100 s, for 10 s each");
}

#[test]
fn jitter_spreads_what_was_made_together() {
    let clock = Arc::new(ManualClock::default());
    let cache = cache("objects", &clock).jitter(0.5);
    (0..100).for_each(|key: u8| cache.put([key], "1".to_owned()).unwrap());
    let left =
        |cache: &Cache<String>| (0..100).filter(|key: &u8| cache.contains([*key]).unwrap()).count();
    clock.advance(Duration::from_millis(4999));
    assert_eq!(left(&cache), 100);
    clock.advance(Duration::from_millis(2501));
    assert!((20..80).contains(&left(&cache)), "{}", left(&cache));
    clock.advance(Duration::from_millis(2500));
    assert_eq!(left(&cache), 0);
}

#[test]
fn a_clock_that_is_set_back_makes_nothing_immortal() {
    let clock = Arc::new(ManualClock::default());
    let cache = cache("bytes", &clock).stale_for(60 * SECOND);
    cache.put("a", "1".to_owned()).unwrap();
    let hour_ago = beaker::Timestamp::from_micros(clock.now().as_micros() - 3_600_000_000);
    let earlier = cache.clone().clock(Arc::new(ManualClock::new(hour_ago)));
    assert_eq!(earlier.get("a").unwrap(), None);
    assert_eq!(earlier.get_or_create("a", || "2".to_owned()).unwrap(), "2");
}

#[test]
fn what_cannot_be_stored_is_given_all_the_same() {
    let small = Backend::open("memory", &[("max_bytes", "2000")]).unwrap();
    let cache: Cache<String> = Cache::new(small, "small");
    let long = cache.get_or_create("a", || "x".repeat(10_000)).unwrap();
    assert_eq!(long.len(), 10_000);
    assert_eq!(cache.stats().unstored, 1);
    assert_eq!(cache.put("a", "x".repeat(10_000)).unwrap_err().kind(), ErrorKind::TooLarge);
}

fn doubled<K: AsRef<str>>(keys: &[&K]) -> Vec<String> {
    keys.iter().map(|key| (**key).as_ref().repeat(2)).collect()
}

#[test]
fn many_are_made_by_one_call() {
    each(|cache, clock| {
        cache.put("b", "there".to_owned()).unwrap();
        let asked = std::cell::RefCell::new(Vec::new());
        let create = |keys: &[&&'static str]| {
            asked.borrow_mut().extend(keys.iter().copied().copied());
            Ok::<_, Error>(doubled(keys))
        };
        let values = cache.try_get_or_create_many(&["c", "a", "b", "c"], create).unwrap();
        assert_eq!(values, ["cc", "aa", "there", "cc"]);
        assert_eq!(*asked.borrow(), ["a", "c"], "sorted, each once");
        let found = cache.get_many(&["c", "x", "b"]).unwrap();
        assert_eq!(found, [Some("cc".into()), None, Some("there".into())]);
        let none: Vec<&str> = Vec::new();
        let nobody =
            |_: &[&&'static str]| -> Result<Vec<String>, Error> { panic!("nothing is missing") };
        assert!(cache.try_get_or_create_many(&none, nobody).unwrap().is_empty());
        assert_eq!(cache.try_get_or_create_many(&["a", "b"], nobody).unwrap(), ["aa", "there"]);

        let short = |_: &[&&'static str]| Ok::<_, Error>(vec!["only one".to_owned()]);
        let error = cache.try_get_or_create_many(&["y", "z"], short).unwrap_err();
        assert!(error.to_string().contains("2 values returned 1"), "{error}");
        assert_eq!(error.kind(), ErrorKind::Creation);
        clock.advance(SECOND);
        let fails =
            |_: &[&&'static str]| -> Result<Vec<String>, Error> { failing().map(|_| vec![]) };
        let error = cache.try_get_or_create_many(&["y"], fails).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Application);
        let error = cache.try_get_or_create_many(&["y"], nobody).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Creation, "not tried again at once");
    });
}

#[test]
fn calls_that_overlap_make_what_they_share_once() {
    each(|cache, _| {
        for round in 0..50 {
            let made = std::sync::Mutex::new(Vec::new());
            let start = Barrier::new(4);
            let key = |letter: &str| format!("{letter}{round}");
            thread::scope(|scope| {
                for pair in [["a", "b"], ["b", "c"], ["c", "a"], ["b", "a"]] {
                    let (cache, made, start) = (&cache, &made, &start);
                    let keys = pair.map(key);
                    scope.spawn(move || {
                        start.wait();
                        let create = |keys: &[&String]| {
                            made.lock().unwrap().extend(keys.iter().copied().cloned());
                            Ok::<_, Error>(doubled(keys))
                        };
                        let values = cache.try_get_or_create_many(&keys, create).unwrap();
                        assert_eq!(values, keys.map(|key| key.repeat(2)));
                    });
                }
            });
            let mut made = made.into_inner().unwrap();
            made.sort();
            let each = ["a", "b", "c"].map(key);
            assert_eq!(made, each, "each once");
        }
    });
}

#[test]
fn a_stale_value_is_made_anew_in_the_background() {
    each(|cache, clock| {
        let (send, works) = mpsc::channel::<Box<dyn FnOnce() + Send>>();
        let send = std::sync::Mutex::new(send);
        let later = Arc::new(move |work| send.lock().unwrap().send(work).unwrap());
        let cache = cache.stale_for(60 * SECOND).executor(later);
        let ok = |text: &'static str| move || Ok::<_, Error>(text.to_owned());
        assert_eq!(cache.get_or_refresh("a", ok("old")).unwrap(), "old", "made here at first");
        assert!(works.try_recv().is_err());
        clock.advance(11 * SECOND);
        for _ in 0..3 {
            assert_eq!(cache.get_or_refresh("a", ok("new")).unwrap(), "old");
        }
        works.recv().unwrap()();
        assert!(works.try_recv().is_err(), "one for all");
        assert_eq!(cache.get_or_refresh("a", ok("newer")).unwrap(), "new");

        // A creator that fails, and work that is never done.
        clock.advance(11 * SECOND);
        assert_eq!(cache.get_or_refresh("a", failing).unwrap(), "new");
        works.recv().unwrap()();
        assert_eq!(cache.stats().failures, 1);
        clock.advance(SECOND);
        assert_eq!(cache.get_or_refresh("a", ok("x")).unwrap(), "new");
        drop(works.recv().unwrap());
        assert_eq!(cache.get_or_refresh("a", ok("newest")).unwrap(), "new");
        works.recv().unwrap()();
        assert_eq!(cache.get("a").unwrap().as_deref(), Some("newest"));
    });
}

/// And a runner that drops the work, since its pool is full, is no error: the old value is at hand.
#[test]
fn what_is_not_to_be_kept_takes_nobodys_place_in_the_background_either() {
    each(|cache, clock| {
        let cache = cache.stale_for(60 * SECOND);
        let at_once = cache.clone().executor(Arc::new(|work: Box<dyn FnOnce() + Send>| work()));
        let full = cache.clone().executor(Arc::new(drop));
        cache.put("a", "old".to_owned()).unwrap();
        clock.advance(11 * SECOND);
        let unkept = || Ok::<_, Error>(CacheEntry::new("new".to_owned()).not_kept());
        for cache in [&full, &at_once, &at_once] {
            assert_eq!(cache.get_or_refresh("a", unkept).unwrap(), "old");
        }
        assert_eq!(cache.stats().creations, 2);
        let (value, _) = cache.peek("a").unwrap().unwrap();
        assert_eq!(value, "old");
    });
}

#[test]
fn a_thread_of_its_own_makes_it_where_nothing_else_is_said() {
    let clock = Arc::new(ManualClock::default());
    let cache = cache("objects", &clock).stale_for(60 * SECOND);
    cache.put("a", "old".to_owned()).unwrap();
    clock.advance(11 * SECOND);
    let (made, is_made) = mpsc::channel();
    let create = move || {
        made.send(thread::current().name().map(str::to_owned)).unwrap();
        Ok::<_, Error>("new".to_owned())
    };
    assert_eq!(cache.get_or_refresh("a", create).unwrap(), "old");
    assert_eq!(is_made.recv().unwrap().as_deref(), Some("beaker-refresh"));
}

#[test]
fn a_crowd_of_stale_values_does_not_start_a_crowd_of_threads() {
    let clock = Arc::new(ManualClock::default());
    let cache = cache("objects", &clock).stale_for(60 * SECOND);
    let keys: Vec<String> = (0..500).map(|number| number.to_string()).collect();
    keys.iter().for_each(|key| cache.put(key, "old".to_owned()).unwrap());
    clock.advance(11 * SECOND);
    // Each says that it has begun, and goes on when the gate is open.
    let (begin, begun) = mpsc::channel();
    let gate = Arc::new(std::sync::RwLock::new(()));
    let closed = gate.write().unwrap();
    for key in &keys {
        let (begin, gate) = (begin.clone(), Arc::clone(&gate));
        let create = move || {
            begin.send(()).unwrap();
            drop(gate.read());
            Ok::<_, Error>("new".to_owned())
        };
        assert_eq!(cache.get_or_refresh(key, create).unwrap(), "old");
    }
    drop(begin);
    (0..64).for_each(|_| begun.recv().unwrap());
    assert!(begun.try_recv().is_err(), "more than 64 threads");
    drop(closed);
    // Those that were not begun are nobody's any more.
    assert!(begun.recv().is_err());
    let new = || keys.iter().filter(|key| cache.get(key).unwrap().as_deref() == Some("new"));
    while new().count() < 64 {
        thread::yield_now();
    }
    // The next who asks gets them made.
    let last = keys.last().unwrap();
    while cache.get(last).unwrap().as_deref() != Some("newer") {
        cache.get_or_refresh(last, || Ok::<_, Error>("newer".to_owned())).unwrap();
    }
}

#[test]
fn tags_that_were_invalidated_are_not_remembered_for_ever() {
    let clock = Arc::new(ManualClock::default());
    let cache = cache("objects", &clock);
    cache.put("a", CacheEntry::new("1".to_owned()).tag("first")).unwrap();
    clock.advance(Duration::from_micros(1));
    cache.invalidate_tag("first").unwrap();
    (0..100_001).for_each(|tag| cache.invalidate_tag(&format!("tag {tag}")).unwrap());
    assert!(!cache.contains("a").unwrap(), "forgotten, and gone all the same");
    clock.advance(Duration::from_micros(1));
    cache.put("b", CacheEntry::new("2".to_owned()).tag("first")).unwrap();
    assert!(cache.contains("b").unwrap());
}

#[test]
fn a_cache_of_nothing_makes_each_value() {
    let cache = Cache::in_memory(0);
    for number in 0..3 {
        assert_eq!(cache.get_or_create("a", || number).unwrap(), number);
        cache.put("a", 7).unwrap();
        assert_eq!(cache.get("a").unwrap(), None);
    }
}

/// A value whose time is over takes no memory once somebody has looked for it, unless another handle may
/// still give it.
#[test]
fn what_has_expired_goes_when_it_is_met() {
    let clock = Arc::new(ManualClock::default());
    let cache = Cache::in_memory(10).clock(clock.clone()).ttl(SECOND);
    let value = Arc::new(7);
    let keep = || {
        cache.put("a", Arc::clone(&value)).unwrap();
        clock.advance(SECOND);
    };
    keep();
    assert_eq!(Arc::strong_count(&value), 2);
    assert_eq!(cache.get("a").unwrap(), None);
    assert_eq!(Arc::strong_count(&value), 1, "met, and gone");
    keep();
    assert!(!cache.contains("a").unwrap());
    assert_eq!(Arc::strong_count(&value), 1);
    cache.put("a", Arc::clone(&value)).unwrap();
    cache.invalidate().unwrap();
    assert_eq!(cache.get("a").unwrap(), None);
    assert_eq!(Arc::strong_count(&value), 1, "invalidated");

    let patient = cache.clone().stale_for(SECOND);
    keep();
    assert_eq!(cache.get("a").unwrap(), None);
    assert_eq!(patient.peek("a").unwrap().unwrap().0, value, "stale for this handle");
    clock.advance(SECOND);
    assert_eq!(cache.get("a").unwrap(), None);
    assert_eq!(Arc::strong_count(&value), 1);
}
