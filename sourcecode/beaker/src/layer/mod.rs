//! Layers around a store, which compress, encrypt or count the stored values. The code that uses the store
//! does not change.
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
//! A layer of your own needs only these two functions. [`Layered`] applies them to every operation of the
//! store, single ones and batches, so that none is forgotten. It also wraps an [`AsyncStore`]:
//! `Layered::new(store, Release(7))`.
//!
//! | layer | what it does | feature |
//! |---|---|---|
//! | [`Counting`] | counts operations, bytes and time | |
//! | `Compress` | compresses values | `layers` |
//! | `Encrypt` | encrypts values, so that nobody else can read or forge them | `layers` |
//!
//! # The order
//!
//! A layer wraps the layers before it. When a value is written, the last layer sees it first. Encrypted
//! values cannot be compressed, so the encryption comes first in this example, next to the store:
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

/// Transforms the bytes of a value before they are stored. The test suite in `layer::conformance` (feature
/// `conformance`) checks the promises of this trait.
pub trait Transform: Debug + Send + Sync + 'static {
    /// Returns the bytes to store for this value of the key.
    ///
    /// # Errors
    ///
    /// Returns `ErrorKind::TooLarge` for a value that [`unpack`](Transform::unpack) would refuse because of
    /// its size. Nothing is written then.
    fn pack(&self, key: &Key, bytes: &[u8]) -> Result<Vec<u8>>;

    /// Returns the bytes that `pack` received for this key, or `None` for bytes that `pack` has not
    /// produced. Stored bytes may be damaged, older than the layer, or written by an attacker. Therefore
    /// `unpack` must never panic, and must limit its use of memory.
    fn unpack(&self, key: &Key, stored: &[u8]) -> Option<Vec<u8>>;
}

/// Adds layers to any store. Every store implements this trait, so no other implementation is possible.
pub trait Layers: Store + Sized {
    /// Wraps this store, so that each value is transformed when it is written and when it is read.
    fn layer<T: Transform>(self, transform: T) -> Layered<Self, T> {
        Layered::new(self, transform)
    }

    /// Wraps this store, so that its operations are counted. Put the layer in an `Arc` to keep access to
    /// its counts: see [`Counting`].
    fn counted(self) -> Counting<Self> {
        Counting::new(self)
    }
}

impl<S: Store> Layers for S {}

/// How often it is tried again while others keep replacing a damaged value.
const TRIES: usize = 100;

/// Wraps a store and transforms each value when it is written and when it is read. It keeps every promise
/// that the store keeps. A value that cannot be read back counts as missing, and may be overwritten.
#[derive(Debug)]
pub struct Layered<S, T> {
    inner: S,
    transform: T,
    damaged: AtomicU64,
}

impl<S, T: Transform> Layered<S, T> {
    /// Wraps a blocking or an asynchronous store. For a blocking one, [`layer`](Layers::layer) does the
    /// same.
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

    /// Writes if there is no readable value. For the store below, a damaged value does exist.
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

/// A blocking store.
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

/// An asynchronous store.
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

    /// A damaged value is removed too, and counts as removed.
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
        // The number is transformed, so only code that can reverse that can add to it.
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

    /// None, because compressing and encrypting take processor time, which should be spent on other
    /// threads.
    fn for_tasks(&self) -> Option<Arc<dyn AsyncStore>> {
        None
    }

    fn clock(&self) -> &dyn Clock {
        self.inner.clock()
    }

    /// None, because the values of another program have not gone through this layer.
    #[cfg(feature = "python")]
    fn verbatim(
        &self,
        _: crate::store::Content,
    ) -> Result<Option<crate::store::Verbatim<dyn Store>>> {
        Ok(None)
    }

    /// The values that this layer could not read, and those that the store below could not.
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

    /// None, because the values of another program have not gone through this layer.
    #[cfg(feature = "python")]
    fn verbatim(
        &self,
        _: crate::store::Content,
    ) -> Result<Option<crate::store::Verbatim<dyn AsyncStore>>> {
        Ok(None)
    }

    fn damaged(&self) -> u64 {
        self.damaged.load(Ordering::Relaxed) + self.inner.damaged()
    }
}
