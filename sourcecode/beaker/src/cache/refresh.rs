//! Making anew in the background: whoever finds a stale value gets it, and nobody waits.

use std::collections::HashSet;
use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::age::Freshness;
use super::flight::FlightKey;
use super::{Cache, Made, Shared};
use crate::error::{Error, Result};

/// So many values are made anew in threads of their own at the same time. The others stay stale for now.
const MOST_THREADS: usize = 64;

impl<V: Clone + Send + Sync + 'static> Cache<V> {
    /// The same as [`try_get_or_create`](Cache::try_get_or_create), but a stale value is given to all,
    /// and one thread in the background makes a new one: one of 64 threads at most, each for one value,
    /// or where [`run_in`](Cache::run_in) says. If there is none at the moment, the value stays stale
    /// for now. What is missing is made here.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn get_or_refresh<M, E>(
        &self,
        key: impl AsRef<[u8]>,
        create: impl FnOnce() -> Result<M, E> + Send + 'static,
    ) -> Result<V, E>
    where
        M: Into<Made<V>>,
        E: From<Error> + Display,
    {
        let key = key.as_ref();
        if let Some(value) = self.fresh(key) {
            return Ok(value);
        }
        let seen = self.look(key)?;
        let is_early = self.is_early(&seen);
        match (self.freshness(&seen), seen.slot) {
            (Freshness::Fresh, Some(slot)) if !is_early => {
                self.shared.counting.hit();
                Ok(slot.value)
            }
            (Freshness::Fresh | Freshness::Stale, Some(slot)) => {
                self.shared.gave_stale(key);
                self.refresh_later(key, create);
                Ok(slot.value)
            }
            _ => {
                self.shared.counting.miss();
                self.make(key, create)
            }
        }
    }

    pub(super) fn refresh_later<M, E>(
        &self,
        key: &[u8],
        create: impl FnOnce() -> Result<M, E> + Send + 'static,
    ) where
        M: Into<Made<V>>,
        E: From<Error> + Display,
    {
        let most = self.policy.runner.as_ref().map_or(MOST_THREADS, |_| usize::MAX);
        let Some(refreshing) = Refreshing::begin(&self.shared, key, most) else { return };
        let cache = self.clone();
        let work = Box::new(move || {
            // By now it may have been made, or removed: then it is for the next who asks.
            if let Ok(seen) = cache.look(&refreshing.key)
                && seen.slot.is_some()
                && (cache.freshness(&seen) == Freshness::Stale || cache.is_early(&seen))
            {
                // A failure is counted, and backed off from, like any other.
                let _ = cache.renew(&refreshing.key, seen, create);
            }
        });
        match &self.policy.runner {
            Some(runner) => runner(work),
            None => drop(thread::Builder::new().name("beaker-refresh".into()).spawn(work)),
        }
    }
}

/// The keys that are on their way to be made anew.
pub(super) type AllRefreshing = Mutex<HashSet<FlightKey>>;

/// One of them, until this is dropped: also if the work is dropped undone.
struct Refreshing<V> {
    shared: Arc<Shared<V>>,
    key: FlightKey,
}

impl<V> Refreshing<V> {
    /// `None` if this one is on its way, or so many others are.
    fn begin(shared: &Arc<Shared<V>>, key: &[u8], most: usize) -> Option<Refreshing<V>> {
        let mut all = shared.refreshing.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= most {
            return None;
        }
        all.insert(key.into()).then(|| Refreshing { shared: Arc::clone(shared), key: key.into() })
    }
}

impl<V> Drop for Refreshing<V> {
    fn drop(&mut self) {
        let mut all = self.shared.refreshing.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(&self.key);
    }
}
