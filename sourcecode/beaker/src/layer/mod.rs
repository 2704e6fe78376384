//! Layers on a store: what is stored is compressed, encrypted or counted, and whoever uses the store
//! sees none of it.
//!
//! ```
//! use beaker::layer::{Layers, Transform};
//! use beaker::store::MemoryStore;
//! use beaker::{Backend, key::Key, Result};
//!
//! /// Puts a mark before each value, so that those of older releases count as nothing.
//! #[derive(Debug)]
//! struct Release(u8);
//!
//! impl Transform for Release {
//!     fn pack(&self, _: &Key, bytes: &[u8]) -> Result<Vec<u8>> {
//!         Ok([&[self.0], bytes].concat())
//!     }
//!
//!     fn unpack(&self, _: &Key, stored: &[u8]) -> Option<Vec<u8>> {
//!         let (release, bytes) = stored.split_first()?;
//!         (*release == self.0).then(|| bytes.to_vec())
//!     }
//! }
//!
//! let backend = Backend::memory().wrap_store(|store| store.layer(Release(7)));
//! # let _ = backend;
//! ```
//!
//! A layer of your own is these two functions. [`Layered`] puts them on every way to the store and
//! back, single operations and batches, so none is left out. It takes an
//! [`AsyncStore`] as well: `Layered::new(store, Release(7))`.
//!
//! | layer | what it does | feature |
//! |---|---|---|
//! | [`Counting`] | counts operations, bytes, time | |
//! | `Compress` | stores less | `layers` |
//! | `Encrypt` | stores what nobody else can read or make | `layers` |
//!
//! # The order
//!
//! A layer wraps what is before it, and sees a value before that does when one is written. What is
//! encrypted cannot be compressed, so encrypting comes first here, next to the store:
//!
//! ```
//! # #[cfg(feature = "layers")]
//! # fn main() -> beaker::Result<()> {
//! use beaker::layer::{Compress, Encrypt, Layers};
//! use beaker::store::MemoryStore;
//!
//! let secret = "b07c2b9e3a9c4c7d8c6f2f4a1e5d9b38b07c2b9e3a9c4c7d8c6f2f4a1e5d9b38";
//! let store = MemoryStore::new().layer(Encrypt::new([secret])?).layer(Compress::default());
//! # let _ = store;
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "layers"))]
//! # fn main() {}
//! ```

#[cfg(feature = "conformance")]
pub mod conformance;
mod counting;
#[cfg(feature = "layers")]
mod transforms;

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub use counting::{Counting, StoreNumbers};
#[cfg(feature = "layers")]
pub use transforms::{Compress, Encrypt};

use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Namespace};
use crate::store::{
    AsyncStore, KeyCursor, KeyPage, Precondition, Put, Store, StoreFuture, Stored, SweepProgress,
    Version, counter,
};
use crate::world::finish;

/// What is stored in the place of a value's bytes. Its promises are a suite in `layer::conformance`
/// (feature `conformance`).
pub trait Transform: Debug + Send + Sync + 'static {
    /// What to store for these bytes under this key.
    ///
    /// # Errors
    ///
    /// `ErrorKind::TooLarge` for more bytes than [`unpack`](Transform::unpack) would give back. Then
    /// nothing is written.
    fn pack(&self, key: &Key, bytes: &[u8]) -> Result<Vec<u8>>;

    /// The bytes that `pack` was given for this key. `None` for whatever it never made: what is stored
    /// may be damaged, older than the layer, or made by somebody who wants harm. So it never panics,
    /// and takes no more memory than it was told to.
    fn unpack(&self, key: &Key, stored: &[u8]) -> Option<Vec<u8>>;
}

/// Layers for any store. Every store has these, so nothing else can implement it.
pub trait Layers: Store + Sized {
    /// This store, with each value transformed on its way in and out.
    fn layer<T: Transform>(self, transform: T) -> Layered<Self, T> {
        Layered::new(self, transform)
    }

    /// This store, with what is done with it counted. Keep the numbers at hand in an `Arc`: see
    /// [`Counting`].
    fn counted(self) -> Counting<Self> {
        Counting::new(self)
    }
}

impl<S: Store> Layers for S {}

/// How often it is tried again where others keep replacing what is damaged.
const TRIES: usize = 100;

/// A store with each value transformed on its way in and out. It keeps every promise that the store
/// keeps; what cannot be read back counts as nothing, and makes room for what is written.
#[derive(Debug)]
pub struct Layered<S, T> {
    inner: S,
    transform: T,
    damaged: AtomicU64,
}

impl<S, T: Transform> Layered<S, T> {
    /// Puts the layer on a store, a blocking or an asynchronous one. For a blocking one,
    /// [`layer`](Layers::layer) says the same.
    pub fn new(store: S, transform: T) -> Layered<S, T> {
        Layered { inner: store, transform, damaged: AtomicU64::new(0) }
    }

    fn unpack(&self, key: &Key, stored: Stored) -> Option<Stored> {
        let bytes = self.transform.unpack(key, &stored.bytes);
        if bytes.is_none() {
            self.damaged.fetch_add(1, Ordering::Relaxed);
        }
        Some(Stored { bytes: bytes?.into(), version: stored.version })
    }

    /// Writes where nothing lives that can be read. For the store below, something damaged does live.
    async fn put_absent(
        &self,
        below: impl Below,
        key: &Key,
        packed: &[u8],
        ttl: Option<Duration>,
    ) -> Result<Option<Version>> {
        for _ in 0..TRIES {
            if let Some(version) = below.put(key, packed, ttl, Precondition::Absent).await? {
                return Ok(Some(version));
            }
            let Some(stored) = below.get(key).await? else { continue };
            let damaged = Precondition::Unchanged(stored.version);
            if self.unpack(key, stored).is_some() {
                return Ok(None);
            }
            if let Some(version) = below.put(key, packed, ttl, damaged).await? {
                return Ok(Some(version));
            }
        }
        let what =
            format!("could not write {key:?}: others keep writing and removing it; try again");
        Err(Error::new(ErrorKind::Conflict, what))
    }

    fn pack_all(&self, puts: &[Put<'_>]) -> Result<Vec<Vec<u8>>> {
        puts.iter().map(|put| self.transform.pack(put.key, put.bytes)).collect()
    }

    fn unpack_all(&self, keys: &[Key], stored: Vec<Option<Stored>>) -> Vec<Option<Stored>> {
        keys.iter().zip(stored).map(|(key, it)| self.unpack(key, it?)).collect()
    }
}

fn with_packed<'a>(puts: &[Put<'a>], packed: &'a [Vec<u8>]) -> Vec<Put<'a>> {
    puts.iter().zip(packed).map(|(put, bytes)| Put { bytes, ..*put }).collect()
}

/// The store below, of either kind.
trait Below {
    async fn get(&self, key: &Key) -> Result<Option<Stored>>;
    async fn put(
        &self,
        key: &Key,
        bytes: &[u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>>;
}

/// One that waits in its calls.
struct Blocking<'a, S>(&'a S);

impl<S: Store> Below for Blocking<'_, S> {
    async fn get(&self, key: &Key) -> Result<Option<Stored>> {
        self.0.get(key)
    }

    async fn put(
        &self,
        key: &Key,
        bytes: &[u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>> {
        self.0.put(key, bytes, ttl, when)
    }
}

/// One whose futures are awaited.
struct Async<'a, S>(&'a S);

impl<S: AsyncStore> Below for Async<'_, S> {
    async fn get(&self, key: &Key) -> Result<Option<Stored>> {
        self.0.get(key).await
    }

    async fn put(
        &self,
        key: &Key,
        bytes: &[u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>> {
        self.0.put(key, bytes, ttl, when).await
    }
}

impl<S: Store, T: Transform> Store for Layered<S, T> {
    fn get(&self, key: &Key) -> Result<Option<Stored>> {
        Ok(self.inner.get(key)?.and_then(|stored| self.unpack(key, stored)))
    }

    fn put(
        &self,
        key: &Key,
        bytes: &[u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>> {
        let packed = self.transform.pack(key, bytes)?;
        match when {
            Precondition::Absent => {
                finish(self.put_absent(Blocking(&self.inner), key, &packed, ttl))
            }
            Precondition::Always | Precondition::Unchanged(_) => {
                self.inner.put(key, &packed, ttl, when)
            }
        }
    }

    /// What is damaged is removed too, and was there.
    fn delete(&self, key: &Key, when: Precondition) -> Result<bool> {
        self.inner.delete(key, when)
    }

    fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>> {
        Ok(self.unpack_all(keys, self.inner.get_many(keys)?))
    }

    fn put_many(&self, puts: &[Put<'_>]) -> Result<()> {
        self.inner.put_many(&with_packed(puts, &self.pack_all(puts)?))
    }

    fn delete_many(&self, keys: &[Key]) -> Result<()> {
        self.inner.delete_many(keys)
    }

    fn increment(&self, key: &Key, by: u64, ttl: Option<Duration>) -> Result<u64> {
        // The number is transformed, so only what can undo that can add to it.
        counter::by_puts(self, key, by, ttl)
    }

    fn clear(&self, namespace: &Namespace) -> Result<()> {
        self.inner.clear(namespace)
    }

    fn keys(
        &self,
        namespace: &Namespace,
        from: Option<&KeyCursor>,
        most: usize,
    ) -> Result<KeyPage> {
        self.inner.keys(namespace, from, most)
    }

    fn sweep(&self, most: usize) -> Result<SweepProgress> {
        self.inner.sweep(most)
    }

    fn blocks(&self) -> bool {
        self.inner.blocks()
    }

    /// None: to compress or encrypt takes a processor's time, which is had on threads.
    fn for_tasks(&self) -> Option<Arc<dyn AsyncStore>> {
        None
    }

    fn clock(&self) -> &dyn Clock {
        self.inner.clock()
    }

    /// What this layer could not read, and what the store below could not.
    fn damaged(&self) -> u64 {
        self.damaged.load(Ordering::Relaxed) + self.inner.damaged()
    }
}

impl<S: AsyncStore, T: Transform> AsyncStore for Layered<S, T> {
    fn get<'a>(&'a self, key: &'a Key) -> StoreFuture<'a, Option<Stored>> {
        Box::pin(async move {
            Ok(self.inner.get(key).await?.and_then(|stored| self.unpack(key, stored)))
        })
    }

    fn put<'a>(
        &'a self,
        key: &'a Key,
        bytes: &'a [u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> StoreFuture<'a, Option<Version>> {
        Box::pin(async move {
            let packed = self.transform.pack(key, bytes)?;
            match when {
                Precondition::Absent => {
                    self.put_absent(Async(&self.inner), key, &packed, ttl).await
                }
                Precondition::Always | Precondition::Unchanged(_) => {
                    self.inner.put(key, &packed, ttl, when).await
                }
            }
        })
    }

    fn delete<'a>(&'a self, key: &'a Key, when: Precondition) -> StoreFuture<'a, bool> {
        self.inner.delete(key, when)
    }

    fn get_many<'a>(&'a self, keys: &'a [Key]) -> StoreFuture<'a, Vec<Option<Stored>>> {
        Box::pin(async move { Ok(self.unpack_all(keys, self.inner.get_many(keys).await?)) })
    }

    fn put_many<'a>(&'a self, puts: &'a [Put<'a>]) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let packed = self.pack_all(puts)?;
            self.inner.put_many(&with_packed(puts, &packed)).await
        })
    }

    fn delete_many<'a>(&'a self, keys: &'a [Key]) -> StoreFuture<'a, ()> {
        self.inner.delete_many(keys)
    }

    fn increment<'a>(
        &'a self,
        key: &'a Key,
        by: u64,
        ttl: Option<Duration>,
    ) -> StoreFuture<'a, u64> {
        Box::pin(counter::by_awaited_puts(self, key, by, ttl))
    }

    fn clear<'a>(&'a self, namespace: &'a Namespace) -> StoreFuture<'a, ()> {
        self.inner.clear(namespace)
    }

    fn keys<'a>(
        &'a self,
        namespace: &'a Namespace,
        from: Option<&'a KeyCursor>,
        most: usize,
    ) -> StoreFuture<'a, KeyPage> {
        self.inner.keys(namespace, from, most)
    }

    fn sweep(&self, most: usize) -> StoreFuture<'_, SweepProgress> {
        self.inner.sweep(most)
    }

    fn clock(&self) -> &dyn Clock {
        self.inner.clock()
    }

    fn damaged(&self) -> u64 {
        self.damaged.load(Ordering::Relaxed) + self.inner.damaged()
    }
}
