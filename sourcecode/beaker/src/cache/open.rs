//! Opening a [`Cache`]: in memory, or in a back end.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::bytes::{Bytes, Place};
use super::failure::Failures;
use super::flight::Flights;
use super::numbers::Counting;
use super::objects::Objects;
use super::policy::Policy;
use super::refresh::AllRefreshing;
use super::storage::Storage;
use super::time::Time;
use super::{Cache, Shared};
use crate::backend::Backend;
use crate::codec::{Bincode, Codec};

impl<V: Clone + Send + Sync + 'static> Cache<V> {
    /// Keeps values in the memory of this process, as they are: never more than so many, and a few less
    /// where several threads share a large one. Those used least make room. With 0 nothing is kept, and
    /// each value is made when it is asked for.
    pub fn in_memory(most: usize) -> Cache<V> {
        Cache::on(Storage::Objects(Objects::new(most)))
    }

    /// Values in a back end, under a name that keeps them apart from those of other caches.
    pub fn new(backend: Backend, name: &str) -> Cache<V>
    where
        V: Serialize + DeserializeOwned,
    {
        Cache::with_codec(backend, name, Bincode)
    }

    /// The same, with another codec than bincode.
    pub fn with_codec(backend: Backend, name: &str, codec: impl Codec<V>) -> Cache<V> {
        Cache::placed(backend, name, codec, Place::default())
    }

    pub(super) fn placed(
        backend: Backend,
        name: &str,
        codec: impl Codec<V>,
        place: Place,
    ) -> Cache<V> {
        let bytes = Bytes::new(backend, name, Arc::new(codec), place);
        Cache::on(Storage::Bytes(Box::new(bytes)))
    }

    pub(super) fn on(storage: Storage<V>) -> Cache<V> {
        let shared = Shared {
            storage,
            flights: Flights::new(),
            failures: Failures::default(),
            refreshing: AllRefreshing::default(),
            counting: Counting::default(),
            longest_stale: AtomicU64::new(0),
            function: None,
        };
        Cache { shared: Arc::new(shared), policy: Policy::default(), time: Time::System }
    }
}
