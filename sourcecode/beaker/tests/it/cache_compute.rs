//! Steps that depend on the value that is there, over every kind of storage, for threads and for tasks.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use beaker::cache::{Cache, CacheEntry, OnTimeout, Op};
use beaker::{Backend, ErrorKind};

use crate::any_cache::{AnyCache, WORLDS};
use crate::caches::each;

const SECOND: Duration = Duration::from_secs(1);

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn longer(value: Option<&String>) -> String {
    value.cloned().unwrap_or_default() + "x"
}

#[test]
fn a_step_keeps_puts_or_removes() {
    each(|cache, clock| {
        assert_eq!(
            cache
                .compute("a", |it| {
                    assert_eq!(it, None);
                    Op::Keep
                })
                .unwrap(),
            None
        );
        assert_eq!(cache.compute("a", |_| Op::put("1".to_owned())).unwrap(), text("1"));
        clock.advance(6 * SECOND);
        assert_eq!(
            cache
                .compute("a", |it| {
                    assert_eq!(it.unwrap(), "1");
                    Op::Keep
                })
                .unwrap(),
            text("1")
        );
        clock.advance(5 * SECOND);
        assert_eq!(cache.get("a").unwrap(), None, "what is kept keeps its age");
        assert_eq!(cache.upsert("a", longer).unwrap(), "x", "what has expired is not seen");
        clock.advance(6 * SECOND);
        assert_eq!(cache.upsert("a", longer).unwrap(), "xx");
        clock.advance(6 * SECOND);
        assert_eq!(cache.get("a").unwrap(), text("xx"), "what is put begins anew");
        assert_eq!(cache.compute("a", |_| Op::Remove).unwrap(), None);
        assert_eq!(cache.get("a").unwrap(), None);
        assert_eq!(cache.compute("a", |_| Op::Remove).unwrap(), None, "nothing is no error");
        let entry = |_: Option<&String>| CacheEntry::new("1".to_owned()).ttl(SECOND).tag("t");
        assert_eq!(cache.upsert("a", entry).unwrap(), "1");
        cache.invalidate_tag("t").unwrap();
        assert_eq!(cache.get("a").unwrap(), None);
        cache.upsert("a", entry).unwrap();
        cache.invalidate().unwrap();
        assert_eq!(cache.upsert("a", longer).unwrap(), "x", "what is invalidated is not seen");
    });
}

#[test]
fn no_step_is_lost() {
    each(|cache, _| {
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        cache.upsert("a", longer).unwrap();
                    }
                });
            }
        });
        assert_eq!(cache.get("a").unwrap().unwrap().len(), 400);
    });
}

/// Two caches of one name know of each other only by the store.
#[test]
fn no_step_is_lost_between_processes() {
    for &world in WORLDS {
        let backend = Backend::memory();
        let caches =
            [(); 3].map(|()| AnyCache::of(world, Cache::<String>::new(backend.clone(), "c")));
        thread::scope(|scope| {
            for cache in &caches {
                scope.spawn(|| {
                    for _ in 0..50 {
                        cache.upsert("a", longer).unwrap();
                    }
                });
            }
        });
        assert_eq!(caches[0].get("a").unwrap().unwrap().len(), 150);
    }
}

/// What is written while the function runs is what it is called with again.
#[test]
fn a_step_sees_what_was_written_meanwhile() {
    each(|cache, _| {
        for (act, wanted) in [("put", "put"), ("remove", ""), ("clear", ""), ("invalidate", "")] {
            cache.put("a", "old".to_owned()).unwrap();
            let mut seen = Vec::new();
            let other = cache.clone();
            let given = cache.upsert("a", |value| {
                seen.push(value.cloned().unwrap_or_default());
                if seen.len() == 1 {
                    // By another thread, as it would be.
                    thread::scope(|scope| {
                        scope.spawn(|| match act {
                            "put" => other.put("a", "put".to_owned()).unwrap(),
                            "remove" => assert!(other.remove("a").unwrap()),
                            "clear" => other.clear().unwrap(),
                            _ => other.invalidate().unwrap(),
                        });
                    });
                }
                longer(value)
            });
            let found = cache.get("a").unwrap();
            if act == "invalidate" && seen.len() == 1 {
                assert_eq!(found, None, "in a store it began before the invalidation");
            } else {
                assert_eq!(seen, ["old", wanted], "{act}");
                assert_eq!(given.unwrap(), format!("{wanted}x"));
                assert_eq!(found, Some(format!("{wanted}x")), "{act}");
            }
        }
    });
}

#[test]
fn a_loader_that_runs_ends_first() {
    each(|cache, _| {
        let (begun, begins) = mpsc::channel();
        let (end, ends) = mpsc::channel();
        thread::scope(|scope| {
            let loads = scope.spawn(|| {
                cache.get_or_create("a", move || {
                    begun.send(()).unwrap();
                    ends.recv().unwrap();
                    "loaded".to_owned()
                })
            });
            begins.recv().unwrap();
            let late = cache.clone().wait_timeout(Duration::from_millis(5), OnTimeout::Create);
            assert_eq!(late.upsert("a", longer).unwrap_err().kind(), ErrorKind::Unavailable);
            let step = scope.spawn(|| cache.upsert("a", longer));
            while cache.stats().waits < 2 {
                thread::yield_now();
            }
            end.send(()).unwrap();
            assert_eq!(loads.join().unwrap().unwrap(), "loaded");
            assert_eq!(step.join().unwrap().unwrap(), "loadedx");
        });
    });
}

#[test]
fn who_waits_for_a_step_gets_what_it_put_or_makes_it() {
    each(|cache, _| {
        for is_removal in [false, true] {
            let (begun, begins) = mpsc::channel();
            let (end, ends) = mpsc::channel();
            let waits = cache.stats().waits;
            cache.put("a", "old".to_owned()).unwrap();
            cache.invalidate().unwrap();
            thread::scope(|scope| {
                let cache = &cache;
                let step = scope.spawn(move || {
                    cache.compute("a", |_| {
                        begun.send(()).unwrap();
                        ends.recv().unwrap();
                        if is_removal { Op::Remove } else { Op::put("put".to_owned()) }
                    })
                });
                begins.recv().unwrap();
                let loads = scope.spawn(|| cache.get_or_create("a", || "made".to_owned()));
                while cache.stats().waits == waits {
                    thread::yield_now();
                }
                end.send(()).unwrap();
                step.join().unwrap().unwrap();
                let wanted = if is_removal { "made" } else { "put" };
                assert_eq!(loads.join().unwrap().unwrap(), wanted);
            });
        }
    });
}

#[test]
fn a_step_that_panics_leaves_what_is_there() {
    each(|cache, _| {
        cache.put("a", "old".to_owned()).unwrap();
        let panics = || cache.compute("a", |_| resume_unwind(Box::new("on purpose")));
        catch_unwind(AssertUnwindSafe(panics)).unwrap_err();
        assert_eq!(cache.upsert("a", longer).unwrap(), "oldx", "and holds up nobody");
    });
}

#[test]
fn a_step_asks_for_other_keys_and_not_for_its_own() {
    for &world in WORLDS {
        let cache = Cache::<String>::in_memory(10);
        let any = AnyCache::of(world, cache.clone());
        let mut error = None;
        let given = any.upsert("a", |_| {
            error = cache.upsert("a", longer).err();
            cache.upsert("b", longer).unwrap()
        });
        assert_eq!(given.unwrap(), "x");
        assert_eq!(error.unwrap().kind(), ErrorKind::WouldDeadlock);
    }
    let cache = Cache::<String>::in_memory(10);
    let inside = cache.get_or_create("c", || cache.upsert("c", longer).unwrap_err().to_string());
    assert!(inside.unwrap().contains("asks the cache for `c`"));
}

#[test]
fn one_of_many_takes_a_value() {
    each(|cache, _| {
        for _ in 0..20 {
            cache.put("a", "1".to_owned()).unwrap();
            let takes = || cache.take("a").unwrap();
            let taken = thread::scope(|scope| {
                let threads = [(); 4].map(|()| scope.spawn(takes));
                threads.map(|thread| thread.join().unwrap())
            });
            assert_eq!(taken.iter().flatten().count(), 1, "{taken:?}");
        }
        assert_eq!(cache.take("a").unwrap(), None);
    });
}

#[test]
fn a_value_that_will_not_do_is_replaced() {
    each(|cache, _| {
        let is_short = |value: &String| value.len() < 2;
        let never = || -> String { panic!("it is there") };
        assert_eq!(cache.get_or_create_if("a", is_short, || "1".to_owned()).unwrap(), "1");
        assert_eq!(cache.get_or_create_if("a", |_| false, never).unwrap(), "1");
        assert_eq!(cache.get_or_create_if("a", is_short, || "22".to_owned()).unwrap(), "22");
        assert_eq!(cache.get_or_create_if("a", is_short, never).unwrap(), "22");
        let stats = cache.stats();
        assert_eq!((stats.creations, stats.hits, stats.misses), (2, 2, 2), "{stats}");
    });
}

/// Of many who find a value that will not do, one makes another one.
#[test]
fn a_value_is_replaced_once() {
    each(|cache, _| {
        cache.put("a", "old".to_owned()).unwrap();
        let given = thread::scope(|scope| {
            let asks = || cache.get_or_create_if("a", |it| it == "old", || "new".to_owned());
            let threads = [(); 8].map(|()| scope.spawn(asks));
            threads.map(|thread| thread.join().unwrap().unwrap())
        });
        assert!(given.iter().all(|value| value == "new"), "{given:?}");
        assert_eq!(cache.stats().creations, 1);
    });
}
