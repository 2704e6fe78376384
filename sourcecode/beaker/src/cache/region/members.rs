//! The caches of a region that this process has opened, and the invalidations of all there are.

use std::any::{Any, type_name};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::RegionOptions;
use crate::backend::Backend;
use crate::cache::Cache;
use crate::cache::bytes::Place;
use crate::cache::shared_invalidations::SharedInvalidations;
use crate::codec::Codec;
use crate::error::{Error, Result};

pub(super) struct Members {
    region: Box<str>,
    invalidations: Arc<SharedInvalidations>,
    /// Nothing slow is done while this is locked.
    opened: Mutex<HashMap<Box<str>, Box<dyn Member>>>,
}

/// A cache of some type of values.
trait Member: Send + Sync {
    fn as_any(&self) -> &dyn Any;
    fn of(&self) -> &'static str;
    fn cancel(&self);
}

impl<V: Clone + Send + Sync + 'static> Member for Cache<V> {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn of(&self) -> &'static str {
        type_name::<V>()
    }

    fn cancel(&self) {
        self.cancel_all();
    }
}

impl Members {
    pub(super) fn new(region: &str, backend: &Backend) -> Members {
        let all = SharedInvalidations::of_region(Arc::clone(&backend.store), region);
        Members { region: region.into(), invalidations: Arc::new(all), opened: Mutex::default() }
    }

    /// The cache of this name, opened if it is not yet.
    pub(super) fn cache<V: Clone + Send + Sync + 'static>(
        &self,
        name: &str,
        options: &RegionOptions,
        codec: impl Codec<V>,
    ) -> Result<Cache<V>> {
        let mut opened = self.lock();
        if let Some(member) = opened.get(name) {
            let same = member.as_any().downcast_ref::<Cache<V>>().cloned();
            return same.ok_or_else(|| self.of_another_type(name, member.of(), type_name::<V>()));
        }
        let region = Some(Arc::clone(&self.invalidations));
        let place = Place { region, key_length: options.key_length };
        let in_backend = format!("{}.{name}", self.region);
        let mut cache = Cache::placed(options.backend.clone(), &in_backend, codec, place);
        cache.policy = options.policy.clone();
        cache.time = options.time.clone();
        opened.insert(name.into(), Box::new(cache.clone()));
        Ok(cache)
    }

    pub(super) fn invalidate(&self, now: Duration) -> Result<()> {
        self.cancel_all();
        let invalidated = self.invalidations.invalidate(now);
        // A flight that began in between may have seen what was there before.
        self.cancel_all();
        invalidated
    }

    pub(super) fn invalidate_softly(&self, now: Duration) -> Result<()> {
        self.invalidations.invalidate_softly(now)
    }

    fn cancel_all(&self) {
        self.lock().values().for_each(|member| member.cancel());
    }

    fn of_another_type(&self, name: &str, there: &str, wanted: &str) -> Error {
        let what = format!("the cache `{name}` of the region `{}` holds `{there}`", self.region);
        Error::config(format!("{what} in this program, and not `{wanted}`; give it another name"))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, Box<dyn Member>>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
