//! Loaders and waiters of asynchronous programs are tasks: none holds a thread, each goes on to its end, and
//! a call that is dropped at any await leaves neither a lock nor a flight that stands still.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use beaker::cache::{AsyncCache, AsyncRegion, CacheEntry, OnTimeout, RegionOptions};
use beaker::lock::LocalLocks;
use beaker::{AsyncBackend, Backend, Error, ErrorKind};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::{spawn, spawn_blocking, yield_now};

use crate::halting::Halting;

const SECOND: Duration = Duration::from_secs(1);

/// Two threads for tasks, and one for what may wait.
fn runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).max_blocking_threads(1).enable_all().build().unwrap()
}

/// Asks for the next key, inside the loader of this one.
fn nested(
    cache: AsyncCache<u32>,
    key: u32,
) -> std::pin::Pin<Box<dyn Future<Output = beaker::Result<u32>> + Send>> {
    Box::pin(async move {
        let asks = cache.clone();
        let create = move || async move {
            if key == 0 { Ok(0) } else { Ok::<_, Error>(nested(asks, key - 1).await? + 1) }
        };
        cache.try_get_or_create(key.to_le_bytes(), create).await
    })
}

#[test]
fn ten_thousand_loaders_within_each_other_end_on_two_threads() {
    const MANY: u32 = 10_000;
    let memory = AsyncCache::in_memory(2 * MANY as usize);
    let shared = AsyncCache::open(AsyncBackend::memory(), "nested");
    for cache in [memory, shared] {
        runtime().block_on(async {
            let outermost = spawn(nested(cache.clone(), MANY));
            // The program's own work on a thread for that is not held up.
            while cache.stats().misses < u64::from(MANY) / 2 {
                yield_now().await;
            }
            let begun = Instant::now();
            spawn_blocking(|| {}).await.unwrap();
            assert!(begun.elapsed() < SECOND, "{:?}", begun.elapsed());
            assert_eq!(outermost.await.unwrap().unwrap(), MANY);
            assert_eq!(cache.stats().creations, u64::from(MANY) + 1);
        });
    }
}

#[test]
fn who_asks_for_what_it_makes_is_told_however_deep() {
    runtime().block_on(async {
        let cache: AsyncCache<u32> = AsyncCache::in_memory(10);
        let (outer, inner) = (cache.clone(), cache.clone());
        let create = move || async move {
            yield_now().await;
            let create = move || async move {
                yield_now().await;
                inner.get_or_create("a", || async { 1_u32 }).await
            };
            outer.try_get_or_create("b", create).await
        };
        let error = cache.try_get_or_create("a", create).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldDeadlock, "{error}");
        // One of many, too.
        let asks = cache.clone();
        let create = move |_| async move {
            yield_now().await;
            Ok::<_, Error>(vec![asks.get_or_create("d", || async { 1_u32 }).await?, 2])
        };
        let error = cache.try_get_or_create_many(&["c", "d"], create).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldDeadlock, "{error}");
    });
}

/// Nobody waits for a key that was removed while this code makes it: the lock is still held here.
#[test]
fn who_asks_for_what_it_makes_after_a_removal_does_not_wait_for_its_own_lock() {
    runtime().block_on(async {
        let cache: AsyncCache<u32> = AsyncCache::open(AsyncBackend::memory(), "cache");
        let asks = cache.clone();
        let create = move || async move {
            asks.remove("a").await?;
            asks.get_or_create("a", || async { 1_u32 }).await
        };
        let error = cache.try_get_or_create("a", create).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldDeadlock, "{error}");
    });
}

#[test]
fn a_waiter_that_is_dropped_leaves_nothing_behind() {
    runtime().block_on(async {
        let cache: AsyncCache<u32> = AsyncCache::in_memory(10);
        let open = watch::Sender::new(false);
        let mut opened = open.subscribe();
        let asks = cache.clone();
        let first = spawn(async move {
            let create = move || async move {
                opened.wait_for(|open| *open).await.unwrap();
                1_u32
            };
            asks.get_or_create("a", create).await
        });
        let alive = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
        while alive() < 2 {
            yield_now().await;
        }
        let waiters: Vec<_> = (0..100)
            .map(|_| {
                let cache = cache.clone();
                spawn(async move { cache.get_or_create("a", || async { 2_u32 }).await })
            })
            .collect();
        while cache.stats().waits < 100 {
            yield_now().await;
        }
        waiters.iter().for_each(tokio::task::JoinHandle::abort);
        for waiter in waiters {
            assert!(waiter.await.unwrap_err().is_cancelled());
        }
        // The one who asks, and its loader.
        while alive() > 2 {
            yield_now().await;
        }
        open.send_replace(true);
        assert_eq!(first.await.unwrap().unwrap(), 1);
    });
}

#[test]
fn who_has_waited_long_enough_makes_its_own_or_fails() {
    runtime().block_on(async {
        let cache: AsyncCache<u32> = AsyncCache::open(AsyncBackend::memory(), "cache");
        let open = watch::Sender::new(false);
        let mut opened = open.subscribe();
        let asks = cache.clone();
        let first = spawn(async move {
            let create = move || async move {
                opened.wait_for(|open| *open).await.unwrap();
                1_u32
            };
            asks.get_or_create("a", create).await
        });
        while cache.stats().misses == 0 {
            yield_now().await;
        }
        let soon = Duration::from_millis(5);
        let creates = cache.clone().wait_timeout(soon, OnTimeout::Create);
        assert_eq!(creates.get_or_create("a", || async { 2_u32 }).await.unwrap(), 2);
        let fails = cache.clone().wait_timeout(soon, OnTimeout::Fail);
        let many = fails.try_get_or_create_many(&["a"], |_| async { Ok::<_, Error>(vec![3_u32]) });
        assert_eq!(many.await.unwrap_err().kind(), ErrorKind::Unavailable);
        open.send_replace(true);
        assert_eq!(first.await.unwrap().unwrap(), 1);
        assert_eq!(cache.get("a").await.unwrap(), Some(1));
    });
}

#[test]
fn a_panic_of_a_loader_of_many_is_a_failure_of_each() {
    runtime().block_on(async {
        let cache: AsyncCache<u32> = AsyncCache::in_memory(10);
        let asks = cache.clone();
        let panics = |_| async { std::panic::resume_unwind(Box::new("on purpose")) };
        let call = async move {
            asks.try_get_or_create_many::<_, u32, Error, _>(&["a", "b"], panics).await
        };
        assert!(spawn(call).await.unwrap_err().is_panic());
        for key in ["a", "b"] {
            let error = cache.get_or_create(key, || async { 1_u32 }).await.unwrap_err();
            assert!(error.to_string().contains("it panicked: on purpose"), "{error}");
        }
    });
}

/// Polls a future so many times, each time when it was woken, and drops it. Returns whether it ended.
async fn poll_times(
    mut future: std::pin::Pin<Box<dyn Future<Output = ()> + Send + '_>>,
    times: usize,
) -> bool {
    let mut left = times;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(false);
        }
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(true),
            Poll::Pending if left == 0 => Poll::Ready(false),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

type Act =
    for<'a> fn(&'a AsyncCache<u32>) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

const ACTS: [(&str, Act); 13] = [
    ("get", |cache| Box::pin(async { assert!(cache.get("a").await.is_ok()) })),
    ("get_or_create", |cache| {
        Box::pin(async {
            let create = || async {
                yield_now().await;
                CacheEntry::new(7).tag("t")
            };
            cache.get_or_create("a", create).await.unwrap();
        })
    }),
    ("get_or_create_many", |cache| {
        Box::pin(async {
            let create = |keys: Vec<&'static str>| async move {
                yield_now().await;
                Ok::<_, Error>(vec![7_u32; keys.len()])
            };
            cache.try_get_or_create_many(&["a", "b"], create).await.unwrap();
        })
    }),
    ("get_or_refresh", |cache| {
        Box::pin(async {
            let create = || async { Ok::<_, Error>(7_u32) };
            cache.get_or_refresh("a", create).await.unwrap();
        })
    }),
    ("put", |cache| Box::pin(async { cache.put("a", 8).await.unwrap() })),
    ("remove", |cache| Box::pin(async { assert!(cache.remove("a").await.is_ok()) })),
    ("put_many", |cache| Box::pin(async { cache.put_many([("a", 8), ("b", 8)]).await.unwrap() })),
    ("remove_many", |cache| {
        Box::pin(async { assert!(cache.remove_many(&["a", "b"]).await.is_ok()) })
    }),
    ("upsert", |cache| {
        Box::pin(async { assert_eq!(cache.upsert("a", |_| 8_u32).await.unwrap(), 8) })
    }),
    ("take", |cache| Box::pin(async { assert!(cache.take("a").await.is_ok()) })),
    ("invalidate", |cache| Box::pin(async { cache.invalidate().await.unwrap() })),
    ("invalidate_tag", |cache| Box::pin(async { cache.invalidate_tag("t").await.unwrap() })),
    ("clear", |cache| Box::pin(async { cache.clear().await.unwrap() })),
];

/// After each, another call gets through, and what was written or removed then holds.
#[test]
fn a_call_that_is_dropped_at_any_await_holds_up_nobody() {
    runtime().block_on(async {
        for is_tiered in [false, true] {
            for (name, act) in ACTS {
                let mut times = 1;
                loop {
                    let backend = AsyncBackend::new(Halting::default(), LocalLocks::new());
                    let mut cache: AsyncCache<u32> = AsyncCache::open(backend, "cache");
                    if is_tiered {
                        cache = cache.local_tier(10, 60 * SECOND);
                    }
                    let has_ended = poll_times(act(&cache), times).await;
                    let what = format!("{name}, dropped after {times} polls, tiered {is_tiered}");
                    let after = async {
                        let found = cache.get_or_create("a", || async { 9_u32 }).await.unwrap();
                        assert!([7, 8, 9].contains(&found), "{what}: {found}");
                        cache.put("a", 10).await.unwrap();
                        assert_eq!(cache.get("a").await.unwrap(), Some(10), "{what}");
                        cache.remove("a").await.unwrap();
                        assert_eq!(cache.get("a").await.unwrap(), None, "{what}");
                        let both = |keys: Vec<&'static str>| async move {
                            Ok::<_, Error>(vec![11_u32; keys.len()])
                        };
                        let both = cache.try_get_or_create_many(&["a", "b"], both).await.unwrap();
                        assert_eq!(both[0], 11, "{what}");
                    };
                    let in_time = tokio::time::timeout(20 * SECOND, after).await;
                    in_time.unwrap_or_else(|_| panic!("{what}: it stands still"));
                    if has_ended {
                        break;
                    }
                    times += 1;
                }
                assert!(times > 2, "{name} waits for its store");
            }
        }
    });
}

/// A loader whose asker is gone keeps what it makes.
#[test]
fn a_loader_goes_on_to_its_end() {
    runtime().block_on(async {
        let backend = AsyncBackend::new(Halting::default(), LocalLocks::new());
        let cache: AsyncCache<u32> = AsyncCache::open(backend, "cache");
        let (begun, open) = (watch::Sender::new(false), watch::Sender::new(false));
        let (begins, mut opened) = (begun.clone(), open.subscribe());
        let asks = cache.clone();
        let asker = spawn(async move {
            let create = move || async move {
                begins.send_replace(true);
                opened.wait_for(|open| *open).await.unwrap();
                1_u32
            };
            asks.get_or_create("a", create).await
        });
        begun.subscribe().wait_for(|begun| *begun).await.unwrap();
        asker.abort();
        assert!(asker.await.unwrap_err().is_cancelled());
        open.send_replace(true);
        let never = || async { unreachable!("it is being made") };
        assert_eq!(cache.get_or_create::<u32, _>("a", never).await.unwrap(), 1);
        assert_eq!(cache.get("a").await.unwrap(), Some(1));
    });
}

/// Threads and tasks share a cache: of both, one makes the value.
#[test]
fn threads_and_tasks_wait_for_each_other() {
    let blocking = beaker::Cache::<u32>::in_memory(10);
    let cache = AsyncCache::new(blocking.clone());
    let runtime = runtime();
    let (begin, begun) = std::sync::mpsc::channel();
    let (end, ends) = std::sync::mpsc::channel::<()>();
    std::thread::scope(|scope| {
        let maker = scope.spawn(|| {
            blocking.get_or_create("a", move || {
                begin.send(()).unwrap();
                ends.recv().unwrap();
                1_u32
            })
        });
        begun.recv().unwrap();
        let asks = cache.clone();
        let waits = runtime.spawn(async move { asks.get_or_create("a", || async { 2_u32 }).await });
        while cache.stats().waits == 0 {
            std::thread::yield_now();
        }
        end.send(()).unwrap();
        assert_eq!(maker.join().unwrap().unwrap(), 1);
        assert_eq!(runtime.block_on(waits).unwrap().unwrap(), 1);
    });
    assert_eq!(blocking.stats().creations, 1);
}

#[test]
fn regions_of_either_back_end_give_caches_to_tasks() {
    runtime().block_on(async {
        let kinds = [
            RegionOptions::for_tasks(AsyncBackend::memory()),
            RegionOptions::new(Backend::memory()),
        ];
        for (number, options) in kinds.into_iter().enumerate() {
            let region = AsyncRegion::named("short_term");
            let error = region.cache::<u32>("points").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config, "not yet");
            region.configure(options.clone()).unwrap();
            region.configure(options).unwrap();
            let points = region.cache::<u32>("points").unwrap();
            let again = region.cache::<u32>("points").unwrap();
            points.put("Kimi", 110).await.unwrap();
            assert_eq!(again.get("Kimi").await.unwrap(), Some(110));
            assert_eq!(points.stats().hits, 1, "one cache");
            region.invalidate_softly().await.unwrap();
            assert_eq!(again.get("Kimi").await.unwrap(), None);
            assert!(again.peek("Kimi").await.unwrap().is_some());
            region.invalidate().await.unwrap();
            assert_eq!(points.peek("Kimi").await.unwrap(), None);
            assert!(region.cache::<String>("points").is_err(), "it holds numbers");
            let other = RegionOptions::for_tasks(AsyncBackend::memory());
            assert!(region.configure(other).is_err(), "{number}: another store");
        }
    });
}

#[test]
fn a_region_of_tasks_gives_threads_no_caches() {
    let region = beaker::cache::Region::named("short_term");
    region.configure(RegionOptions::for_tasks(AsyncBackend::memory())).unwrap();
    let error = region.cache::<u32>("points").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("AsyncRegion"), "{error}");
    assert!(region.invalidate().is_err() && region.invalidate_softly().is_err());
}

/// Work in the background is tasks, and so many at a time.
#[test]
fn a_crowd_of_stale_values_is_made_anew_by_64_tasks_at_a_time() {
    let clock = Arc::new(beaker::ManualClock::default());
    let cache: AsyncCache<u32> = AsyncCache::in_memory(1000).clock(clock.clone());
    let cache = cache.ttl(10 * SECOND).stale_for(60 * SECOND);
    runtime().block_on(async {
        let keys: BTreeSet<String> = (0..500).map(|number| number.to_string()).collect();
        for key in &keys {
            cache.put(key, 1).await.unwrap();
        }
        clock.advance(11 * SECOND);
        let begun = Arc::new(AtomicUsize::new(0));
        let open = watch::Sender::new(false);
        for key in &keys {
            let (begun, mut opened) = (Arc::clone(&begun), open.subscribe());
            let create = move || async move {
                begun.fetch_add(1, Ordering::SeqCst);
                opened.wait_for(|open| *open).await.unwrap();
                Ok::<_, Error>(2)
            };
            assert_eq!(cache.get_or_refresh(key, create).await.unwrap(), 1);
        }
        while begun.load(Ordering::SeqCst) < 64 {
            yield_now().await;
        }
        open.send_replace(true);
        let new = async || {
            let mut new = 0;
            for key in &keys {
                new += usize::from(cache.get(key).await.unwrap() == Some(2));
            }
            new
        };
        while new().await < 64 {
            yield_now().await;
        }
        assert_eq!(begun.load(Ordering::SeqCst), 64);
    });
}
