//! Caches that go on while their store is down: what is asked for is made, by one call at a time, and one
//! event says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use beaker::cache::{Cache, OnStoreFailure, Region, RegionOptions};
use beaker::key::{Key, Namespace};
use beaker::lock::{Guard, LocalLocks, Locks};
use beaker::store::{MemoryStore, Precondition, Store, Stored, Version};
use beaker::{Backend, Error, ErrorKind, Result};

use crate::any_cache::{AnyCache, WORLDS, World};

/// A store and its locks, on a server that can be stopped.
#[derive(Debug, Clone, Default)]
pub(crate) struct Server {
    store: Arc<MemoryStore>,
    locks: LocalLocks,
    is_down: Arc<AtomicBool>,
    /// Only what is written fails.
    is_full: Arc<AtomicBool>,
}

impl Server {
    fn answer(&self) -> Result<()> {
        match self.is_down.load(Ordering::SeqCst) {
            true => Err(Error::new(ErrorKind::Unavailable, "the server does not answer")),
            false => Ok(()),
        }
    }

    pub(crate) fn stop(&self, is_down: bool) {
        self.is_down.store(is_down, Ordering::SeqCst);
    }

    pub(crate) fn backend(&self) -> Backend {
        Backend::new(self.clone(), self.clone())
    }

    fn cache(&self, world: World) -> AnyCache<String> {
        AnyCache::new(world, self.backend(), "cache").on_store_failure(OnStoreFailure::Bypass)
    }
}

impl Store for Server {
    fn get(&self, key: &Key) -> Result<Option<Stored>> {
        self.answer()?;
        self.store.get(key)
    }

    fn put(
        &self,
        key: &Key,
        bytes: &[u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>> {
        self.answer()?;
        if self.is_full.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Storage, "the disk is full"));
        }
        self.store.put(key, bytes, ttl, when)
    }

    fn delete(&self, key: &Key, when: Precondition) -> Result<bool> {
        self.answer()?;
        self.store.delete(key, when)
    }

    fn clear(&self, namespace: &Namespace) -> Result<()> {
        self.answer()?;
        self.store.clear(namespace)
    }
}

impl Locks for Server {
    fn lock(&self, key: &Key) -> Result<Guard> {
        self.answer()?;
        Locks::lock(&self.locks, key)
    }

    fn try_lock(&self, key: &Key) -> Result<Option<Guard>> {
        self.answer()?;
        Locks::try_lock(&self.locks, key)
    }
}

fn one() -> String {
    "1".to_owned()
}

#[test]
fn values_are_made_while_the_store_is_down_and_kept_when_it_is_back() {
    for &world in WORLDS {
        let server = Server::default();
        let cache = server.cache(world);
        server.stop(true);
        assert_eq!(cache.get("a").unwrap(), None);
        assert_eq!(cache.get_or_create("a", one).unwrap(), "1");
        assert_eq!(cache.get_or_create("a", || "2".to_owned()).unwrap(), "2", "it was not kept");
        assert_eq!(cache.get_or_refresh("a", || Ok::<_, Error>(one())).unwrap(), "1");
        assert_eq!(cache.get_many(&["a", "b"]).unwrap(), [None, None]);
        let both = |keys: &[&&str]| Ok::<_, Error>(vec![one(); keys.len()]);
        assert_eq!(cache.try_get_or_create_many(&["a", "b"], both).unwrap(), ["1", "1"]);
        assert_eq!(cache.stats().bypassed, 6, "{}", cache.stats());
        // Nobody would know that these were not done.
        for error in [
            cache.put("a", one()).unwrap_err(),
            cache.remove("a").unwrap_err(),
            cache.clear().unwrap_err(),
            cache.invalidate().unwrap_err(),
            cache.invalidate_tag("t").unwrap_err(),
            cache.peek("a").unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Unavailable);
        }
        let strict = cache.clone().on_store_failure(OnStoreFailure::Fail);
        let error = strict.get_or_create("a", one).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);

        server.stop(false);
        assert_eq!(cache.get_or_create("a", || "3".to_owned()).unwrap(), "3");
        assert_eq!(cache.get("a").unwrap().as_deref(), Some("3"));
        assert_eq!(cache.stats().bypassed, 6);
    }
}

#[test]
fn one_call_makes_the_value_while_the_store_is_down() {
    for &world in WORLDS {
        let server = Server::default();
        let cache = server.cache(world);
        server.stop(true);
        let made = AtomicUsize::new(0);
        let create = || {
            while cache.stats().waits < 15 {
                thread::yield_now();
            }
            made.fetch_add(1, Ordering::SeqCst).to_string()
        };
        thread::scope(|scope| {
            let threads = [(); 16].map(|()| scope.spawn(|| cache.get_or_create("a", create)));
            for thread in threads {
                assert_eq!(thread.join().unwrap().unwrap(), "0");
            }
        });
        assert_eq!(made.into_inner(), 1);
    }
}

/// It fails between the look and the lock, and when the making begins.
#[test]
fn a_store_that_fails_on_the_way_is_bypassed_as_well() {
    for &world in WORLDS {
        let server = Server::default();
        let cache = server.cache(world);
        server.is_full.store(true, Ordering::SeqCst);
        // The record of invalidations is made before the first value.
        assert_eq!(cache.get_or_create("a", one).unwrap(), "1");
        assert_eq!(cache.stats().bypassed, 1);
        server.is_full.store(false, Ordering::SeqCst);
        let stops = || {
            server.stop(true);
            one()
        };
        assert_eq!(cache.get_or_create("a", stops).unwrap(), "1");
        assert_eq!(cache.stats().unstored, 1);
        let fails = || Err::<String, _>(Error::new(ErrorKind::Application, "on purpose"));
        let error = cache.try_get_or_create("b", fails).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Application, "a loader's error is a loader's error");
        let error = cache.get_or_create("b", one).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Creation, "and is backed off from");
    }
}

#[test]
fn a_region_says_it_for_its_caches() {
    let server = Server::default();
    let region = Region::named("short_term");
    let options = RegionOptions::new(server.backend()).on_store_failure(OnStoreFailure::Bypass);
    region.configure(options.clone()).unwrap();
    assert!(region.configure(options.on_store_failure(OnStoreFailure::Fail)).is_err());
    server.stop(true);
    let cache: Cache<u32> = region.cache("points").unwrap();
    assert_eq!(cache.get_or_create("Kimi", || 110_u32).unwrap(), 110);
}

#[test]
fn one_event_an_outage_and_one_when_it_is_over() {
    let server = Server::default();
    let cache: Cache<String> = Cache::new(server.backend(), "cache");
    let cache = cache.on_store_failure(OnStoreFailure::Bypass);
    let told = crate::events::warnings(|| {
        for _ in 0..2 {
            server.stop(true);
            (0..5).for_each(|_| drop(cache.get_or_create("a", one).unwrap()));
            server.stop(false);
            (0..5).for_each(|_| drop(cache.get("b").unwrap()));
        }
    });
    let (fails, is_back) = ("the store failed, and is bypassed", "the store answers again");
    let messages: Vec<&str> = told
        .iter()
        .map(|told| [fails, is_back].into_iter().find(|what| told.contains(what)).unwrap_or(told))
        .collect();
    assert_eq!(messages, [fails, is_back, fails, is_back]);
    assert!(told[0].contains("the server does not answer"), "{}", told[0]);
}
