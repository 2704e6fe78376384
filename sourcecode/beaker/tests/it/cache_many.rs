//! Many keys at once, over every kind of storage, for threads and for tasks.

use std::cell::RefCell;
use std::sync::{Barrier, mpsc};
use std::thread;
use std::time::Duration;

use beaker::cache::{Cache, CacheEntry};
use beaker::{Backend, Error, ErrorKind};

use crate::any_cache::{AnyCache, WORLDS};
use crate::caches::each;

const SECOND: Duration = Duration::from_secs(1);

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn many_are_put_and_removed() {
    each(|cache, clock| {
        let entry = |value: &str| CacheEntry::new(value.to_owned());
        let long = entry("2").ttl(60 * SECOND).tag("t");
        cache.put_many([("a", entry("1")), ("b", long), ("a", entry("3"))]).unwrap();
        assert_eq!(
            cache.get_many(&["a", "b"]).unwrap(),
            [text("3"), text("2")],
            "the last one wins"
        );
        clock.advance(10 * SECOND);
        assert_eq!(cache.get_many(&["a", "b"]).unwrap(), [None, text("2")]);
        cache.invalidate_tag("t").unwrap();
        assert_eq!(cache.get("b").unwrap(), None);

        cache.put_many([("a", entry("1")), ("b", entry("2")), ("c", entry("3"))]).unwrap();
        assert_eq!(cache.remove_many(&["a", "x", "b", "a"]).unwrap(), 2);
        assert_eq!(cache.get_many(&["a", "b", "c"]).unwrap(), [None, None, text("3")]);
        let none: [(&str, String); 0] = [];
        cache.put_many(none).unwrap();
        assert_eq!(cache.remove_many::<&str>(&[]).unwrap(), 0);
    });
}

/// A write of many wins over a loader that runs at the time, as a single one does.
#[test]
fn many_win_over_a_loader_that_runs() {
    each(|cache, _| {
        for is_removal in [false, true] {
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
                match is_removal {
                    true => drop(cache.remove_many(&["b", "a"]).unwrap()),
                    false => cache
                        .put_many([("b", text("x").unwrap()), ("a", text("put").unwrap())])
                        .unwrap(),
                }
                end.send(()).unwrap();
                assert_eq!(loads.join().unwrap().unwrap(), "loaded");
            });
            assert_eq!(cache.get("a").unwrap(), if is_removal { None } else { text("put") });
            cache.clear().unwrap();
        }
    });
}

#[test]
fn what_does_not_fit_is_an_error_of_all() {
    for &world in WORLDS {
        let small = Backend::open("memory", &[("max_bytes", "2000")]).unwrap();
        let cache = AnyCache::of(world, Cache::<String>::new(small, "small"));
        let error = cache.put_many([("a", "x".to_owned()), ("b", "x".repeat(10_000))]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge);
    }
}

#[test]
fn a_loader_may_leave_keys_out() {
    each(|cache, _| {
        let asked = RefCell::new(Vec::new());
        let even = |numbers: &[&u32]| {
            asked.borrow_mut().extend(numbers.iter().map(|number| **number));
            let even = |number: &&u32| number.is_multiple_of(2).then(|| number.to_string());
            Ok::<_, Error>(numbers.iter().map(even).collect::<Vec<_>>())
        };
        let found = cache.try_get_or_create_some(&[3, 2, 5, 2], even).unwrap();
        assert_eq!(found, [None, text("2"), None, text("2")]);
        assert_eq!(asked.take(), [2, 3, 5], "each once");
        assert_eq!(cache.try_get_or_create_some(&[3, 2], even).unwrap(), [None, text("2")]);
        assert_eq!(asked.take(), [3], "nothing is kept of what was left out");
        assert_eq!(cache.stats().failures, 0, "it is no failure");
        let short = |_: &[&u32]| Ok::<_, Error>(vec![text("one")]);
        let error = cache.try_get_or_create_some(&[7, 9], short).unwrap_err();
        assert!(error.to_string().contains("2 values returned 1"), "{error}");
    });
}

/// Of those who wait for a key that is left out, each is told what it can make of that.
#[test]
fn who_waits_for_what_is_left_out_is_told() {
    each(|cache, _| {
        let (begun, begins) = mpsc::channel();
        let (end, ends) = mpsc::channel();
        let (all_wait, none) =
            (Barrier::new(4), |_: &[&&str]| Ok::<_, Error>(vec![None::<String>]));
        thread::scope(|scope| {
            let leads = scope.spawn(|| {
                cache.try_get_or_create_some(&["a"], move |_: &[&&str]| {
                    begun.send(()).unwrap();
                    ends.recv().unwrap();
                    Ok::<_, Error>(vec![None::<String>])
                })
            });
            begins.recv().unwrap();
            let some = scope.spawn(|| {
                all_wait.wait();
                cache.try_get_or_create_some(&["a"], none)
            });
            let all = scope.spawn(|| {
                all_wait.wait();
                let one = |_: &[&&str]| Ok::<_, Error>(vec!["all".to_owned()]);
                cache.try_get_or_create_many(&["a"], one)
            });
            let single = scope.spawn(|| {
                all_wait.wait();
                cache.get_or_create("b", || "single".to_owned())
            });
            all_wait.wait();
            while cache.stats().waits < 2 {
                thread::yield_now();
            }
            end.send(()).unwrap();
            assert_eq!(leads.join().unwrap().unwrap(), [None]);
            assert_eq!(some.join().unwrap().unwrap(), [None]);
            let error = all.join().unwrap().unwrap_err();
            assert!(error.to_string().contains("left a key out; ask again"), "{error}");
            assert_eq!(single.join().unwrap().unwrap(), "single");
        });
        assert_eq!(cache.get("a").unwrap(), None);
    });
}

/// Who wants one key makes it, if the loader of many that it waited for has left it out.
#[test]
fn what_is_left_out_is_made_by_who_waits_for_it_alone() {
    each(|cache, _| {
        let (begun, begins) = mpsc::channel();
        let (end, ends) = mpsc::channel();
        thread::scope(|scope| {
            let leads = scope.spawn(|| {
                cache.try_get_or_create_some(&["a"], move |_: &[&&str]| {
                    begun.send(()).unwrap();
                    ends.recv().unwrap();
                    Ok::<_, Error>(vec![None::<String>])
                })
            });
            begins.recv().unwrap();
            let single = scope.spawn(|| cache.get_or_create("a", || "mine".to_owned()));
            while cache.stats().waits < 1 {
                thread::yield_now();
            }
            end.send(()).unwrap();
            assert_eq!(leads.join().unwrap().unwrap(), [None]);
            assert_eq!(single.join().unwrap().unwrap(), "mine");
        });
        assert_eq!(cache.get("a").unwrap(), text("mine"));
    });
}
