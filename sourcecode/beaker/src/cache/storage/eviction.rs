//! Values that leave the table in memory: their weight, and the listener that is told.

use std::mem;
use std::sync::{Mutex, PoisonError};

use quick_cache::{Lifecycle, Weighter};
use smallvec::SmallVec;

use super::memory::TableKey;
use crate::cache::memory_options::{EvictionCause, Listener, Weigher};

/// The weights of values: 1 each, unless there is a weigher.
#[derive(Clone)]
pub(super) struct Weights<V>(pub(super) Option<Weigher<V>>);

impl<V> Weighter<TableKey, V> for Weights<V> {
    fn weight(&self, name: &TableKey, value: &V) -> u64 {
        match &self.0 {
            None => 1,
            // A value without a weight would never be evicted.
            Some(weigher) => u64::from(weigher(&name.bytes, value).max(1)),
        }
    }
}

/// The values that one write has removed from the table: usually none or one.
pub(super) type Evicted<V> = SmallVec<[(TableKey, V); 2]>;

/// Collects them, so that they are dropped when no lock is held.
#[derive(Clone)]
pub(super) struct Evictions;

impl<V> Lifecycle<TableKey, V> for Evictions {
    type RequestState = Evicted<V>;

    #[inline]
    fn on_evict(&self, evicted: &mut Evicted<V>, name: TableKey, value: V) {
        evicted.push((name, value));
    }
}

type Gone<V> = (Box<[u8]>, V, EvictionCause);

/// What the listener has to be told. It is called when no lock is held, so it may use the cache.
pub(super) struct Reports<V> {
    listener: Listener<V>,
    pending: Mutex<Vec<Gone<V>>>,
}

impl<V> Reports<V> {
    pub(super) fn new(listener: Listener<V>) -> Reports<V> {
        Reports { listener, pending: Mutex::default() }
    }

    pub(super) fn add(&self, key: Box<[u8]>, value: V, cause: EvictionCause) {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).push((key, value, cause));
    }

    pub(super) fn tell(&self) {
        let pending = mem::take(&mut *self.pending.lock().unwrap_or_else(PoisonError::into_inner));
        for (key, value, cause) in pending {
            (self.listener)(&key, value, cause);
        }
    }
}
