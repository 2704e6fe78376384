//! Caches in async code: nobody who waits takes a thread, and the rules are those of all caches.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use beaker::cache::{AsyncCache, Cache, CacheEntry, OnTimeout};
use beaker::lock::LocalLocks;
use beaker::store::{FileStore, MemoryStore};
use beaker::{Backend, Error, ErrorKind, ManualClock};
use tokio::sync::watch;
use tokio::task::{JoinHandle, spawn, spawn_blocking, yield_now};

const SECOND: Duration = Duration::from_secs(1);

/// A runtime with three threads for what may wait: one of them makes a value, and another one may wait
/// for its turn to make it anew.
fn run(test: impl Future<Output = ()>) {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).max_blocking_threads(3).enable_all().build().unwrap().block_on(test);
}

/// Caches of each kind: values as they are, bytes in memory, bytes where a look holds a thread, and bytes
/// on a server that tasks ask without one.
fn each<F: Future<Output = ()>>(test: impl Fn(AsyncCache<String>, Arc<ManualClock>) -> F) {
    #[cfg(feature = "redis-async")]
    {
        println!("redis");
        let clock = Arc::new(ManualClock::default());
        let server = servers::Redis::for_programs().unwrap();
        let store = beaker::store::AsyncRedisStore::open(&server.url(), 20 * SECOND).unwrap();
        let cache = AsyncCache::open(beaker::AsyncBackend::with_leases(store), "async");
        let cache = cache.ttl(10 * SECOND).stale_for(60 * SECOND).clock(clock.clone());
        run(test(cache, clock));
    }
    for kind in ["objects", "bytes", "file"] {
        println!("{kind}");
        let clock = Arc::new(ManualClock::default());
        let folder = tempfile::tempdir().unwrap();
        let cache = match kind {
            "objects" => Cache::in_memory(1000),
            "bytes" => {
                let store = MemoryStore::with_clock(clock.clone());
                Cache::new(Backend::new(store, LocalLocks::new()), "async")
            }
            _ => {
                let store = FileStore::open(folder.path()).unwrap().with_clock(clock.clone());
                Cache::new(Backend::new(store, LocalLocks::new()), "async")
            }
        };
        let cache = cache.ttl(10 * SECOND).stale_for(60 * SECOND).clock(clock.clone());
        run(test(AsyncCache::new(cache), clock));
    }
}

/// A creator that says that it has begun, and ends when the gate is opened.
#[derive(Clone)]
struct Gate {
    begun: Arc<AtomicUsize>,
    open: watch::Sender<bool>,
}

impl Gate {
    fn new() -> Gate {
        Gate { begun: Arc::default(), open: watch::Sender::new(false) }
    }

    async fn pass(self) {
        self.begun.fetch_add(1, Ordering::SeqCst);
        let mut open = self.open.subscribe();
        open.wait_for(|open| *open).await.unwrap();
        // As what asks a database does: it needs a thread too.
        spawn_blocking(|| {}).await.unwrap();
    }

    async fn until_begun(&self) {
        until(|| self.begun.load(Ordering::SeqCst) > 0).await;
    }

    fn open(&self) {
        self.open.send_replace(true);
    }
}

async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        yield_now().await;
    }
}

fn ask(cache: &AsyncCache<String>, gate: &Gate, text: &str) -> JoinHandle<beaker::Result<String>> {
    let (cache, gate, text) = (cache.clone(), gate.clone(), text.to_owned());
    spawn(async move {
        let create = || async {
            gate.pass().await;
            text
        };
        cache.get_or_create("a", create).await
    })
}

fn waiting(cache: &AsyncCache<String>) -> u64 {
    cache.stats().waits
}

#[test]
fn a_hit_in_memory_needs_nobody() {
    let cache = Cache::in_memory(10);
    cache.put("a", "1".to_owned()).unwrap();
    let cache = AsyncCache::new(cache);
    let mut context = Context::from_waker(Waker::noop());
    let mut get = Box::pin(cache.get("a"));
    assert!(matches!(get.as_mut().poll(&mut context), Poll::Ready(Ok(Some(_)))));
    let mut create = Box::pin(cache.get_or_create("a", || async { "2".to_owned() }));
    let Poll::Ready(Ok(value)) = create.as_mut().poll(&mut context) else { panic!("it waits") };
    assert_eq!(value, "1");
}

#[test]
fn of_a_crowd_one_makes_it_and_the_others_take_no_threads() {
    each(async |cache, _| {
        let gate = Gate::new();
        let tasks: Vec<_> = (0..500).map(|_| ask(&cache, &gate, "made")).collect();
        until(|| waiting(&cache) == 499).await;
        gate.open();
        for task in tasks {
            assert_eq!(task.await.unwrap().unwrap(), "made");
        }
        assert_eq!((gate.begun.load(Ordering::SeqCst), cache.stats().creations), (1, 1));
        assert_eq!(cache.get("a").await.unwrap().as_deref(), Some("made"));
    });
}

#[test]
fn what_is_not_kept_is_shared_by_those_who_wait() {
    each(async |cache, _| {
        let gate = Gate::new();
        let ask = || {
            let (cache, gate) = (cache.clone(), gate.clone());
            let create = || async {
                gate.pass().await;
                CacheEntry::new("once".to_owned()).not_kept()
            };
            spawn(async move { cache.get_or_create("a", create).await })
        };
        let tasks: Vec<_> = (0..50).map(|_| ask()).collect();
        until(|| waiting(&cache) == 49).await;
        gate.open();
        for task in tasks {
            assert_eq!(task.await.unwrap().unwrap(), "once");
        }
        assert_eq!(cache.stats().creations, 1);
        assert_eq!(cache.get("a").await.unwrap(), None);
    });
}

#[test]
fn a_stale_value_is_given_while_a_new_one_is_made() {
    each(async |cache, clock| {
        cache.put("a", "old".to_owned()).await.unwrap();
        clock.advance(11 * SECOND);
        let gate = Gate::new();
        let first = ask(&cache, &gate, "new");
        gate.until_begun().await;
        for _ in 0..10 {
            assert_eq!(ask(&cache, &gate, "newer").await.unwrap().unwrap(), "old");
        }
        gate.open();
        assert_eq!(first.await.unwrap().unwrap(), "new");
        assert_eq!(cache.get("a").await.unwrap().as_deref(), Some("new"));
    });
}

#[test]
fn a_stale_value_is_made_anew_in_the_background() {
    each(async |cache, clock| {
        let gate = Gate::new();
        let ask = || {
            let gate = gate.clone();
            let create = || async {
                gate.pass().await;
                Ok::<_, Error>("new".to_owned())
            };
            cache.get_or_refresh("a", create)
        };
        cache.put("a", "old".to_owned()).await.unwrap();
        assert_eq!(ask().await.unwrap(), "old");
        clock.advance(11 * SECOND);
        // The first one too does not wait.
        for _ in 0..10 {
            assert_eq!(ask().await.unwrap(), "old");
        }
        gate.open();
        while cache.get("a").await.unwrap().as_deref() != Some("new") {
            yield_now().await;
        }
        assert_eq!(gate.begun.load(Ordering::SeqCst), 1);
        cache.clear().await.unwrap();
        assert_eq!(ask().await.unwrap(), "new", "made while it is waited for");
    });
}

#[test]
fn a_failure_is_for_all_who_wait() {
    each(async |cache, _| {
        let gate = Gate::new();
        let ask = || {
            let (cache, gate) = (cache.clone(), gate.clone());
            let create = || async {
                gate.pass().await;
                Err::<String, _>(Error::new(ErrorKind::Application, "on purpose"))
            };
            spawn(async move { cache.try_get_or_create("a", create).await })
        };
        let tasks: Vec<_> = (0..20).map(|_| ask()).collect();
        until(|| waiting(&cache) == 19).await;
        gate.open();
        let mut kinds = Vec::new();
        for task in tasks {
            let error = task.await.unwrap().unwrap_err();
            assert!(error.to_string().contains("on purpose"), "{error}");
            kinds.push(error.kind());
        }
        let own = kinds.iter().filter(|kind| **kind == ErrorKind::Application).count();
        assert_eq!((own, gate.begun.load(Ordering::SeqCst)), (1, 1), "{kinds:?}");
    });
}

#[test]
fn a_removal_wins_over_who_makes_it_at_the_time() {
    each(async |cache, clock| {
        let (old, new) = (Gate::new(), Gate::new());
        let first = ask(&cache, &old, "old");
        old.until_begun().await;
        cache.remove("a").await.unwrap();
        new.open();
        // In a store the lock of the one that was overtaken is waited for.
        let second = ask(&cache, &new, "new");
        old.open();
        while !second.is_finished() {
            // Who waits for a lock asks for it again, by this clock.
            clock.advance(SECOND / 10_000);
            yield_now().await;
        }
        assert_eq!(second.await.unwrap().unwrap(), "new");
        assert_eq!(first.await.unwrap().unwrap(), "old");
        assert_eq!(cache.get("a").await.unwrap().as_deref(), Some("new"));
    });
}

#[test]
fn who_asked_may_go_and_who_panics_leaves_nobody_waiting() {
    each(async |cache, _| {
        let gate = Gate::new();
        let first = ask(&cache, &gate, "made");
        gate.until_begun().await;
        first.abort();
        let second = ask(&cache, &gate, "not made");
        until(|| waiting(&cache) == 1).await;
        gate.open();
        assert_eq!(second.await.unwrap().unwrap(), "made");

        let asks = cache.clone();
        let panicking = || async { panic!("on purpose") };
        let panicked = spawn(async move { asks.get_or_create::<String, _>("b", panicking).await });
        assert!(panicked.await.unwrap_err().is_panic());
        let error = cache.get_or_create("b", || async { "made".to_owned() }).await.unwrap_err();
        assert!(error.to_string().contains("it panicked: on purpose"), "{error}");
    });
}

#[test]
fn who_awaits_its_own_key_is_told_so() {
    each(async |cache, _| {
        let again = cache.clone();
        let create = || async move { again.get_or_create("a", || async { "x".to_owned() }).await };
        let error = cache.try_get_or_create("a", create).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldDeadlock, "{error:?}");
    });
}

#[test]
fn a_wait_can_have_a_limit() {
    run(async {
        let limited = Cache::in_memory(10).wait_timeout(Duration::from_millis(20), OnTimeout::Fail);
        let cache = AsyncCache::new(limited);
        let gate = Gate::new();
        let first = ask(&cache, &gate, "made");
        gate.until_begun().await;
        let error = ask(&cache, &gate, "x").await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        gate.open();
        assert_eq!(first.await.unwrap().unwrap(), "made");
    });
}
