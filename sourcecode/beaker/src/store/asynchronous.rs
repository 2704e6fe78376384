//! [`AsyncStore`]: the contract of a [`Store`], as futures; and [`AnyStore`], a store of either kind, for what
//! is written once for both.

use std::fmt::Debug;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::{Precondition, Put, Store, Stored, SweepProgress, Version};
use crate::error::Result;
use crate::key::{Key, Namespace};

/// What an operation of an [`AsyncStore`] is: a future that any thread may poll.
///
/// It is boxed, so that a store can be a trait object. `Box::pin(async move { … })` makes one.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// Stores bytes by key for asynchronous programs: no call takes a thread while it waits for a server.
///
/// # The contract
///
/// It is that of [`Store`](super::Store), promise by promise, and the same suite checks it: see
/// [`Subject::of_async`](super::conformance::Subject::of_async) (feature `conformance`). Two promises
/// come with futures:
///
/// 14. Nothing is done before a future is polled.
/// 15. A future may be dropped at any time. Then its write is done or is not done, and never half; and
///     what it used, a connection say, is not left in a state that the next call meets.
///
/// # Examples
///
/// A store in memory, for which nothing has to wait:
///
/// ```
/// use std::time::Duration;
/// use beaker::key::{Key, Namespace};
/// use beaker::store::{AsyncStore, MemoryStore, Store, StoreFuture, Stored, Version, Precondition};
///
/// #[derive(Debug)]
/// struct Ready(MemoryStore);
///
/// impl AsyncStore for Ready {
///     fn get<'a>(&'a self, key: &'a Key) -> StoreFuture<'a, Option<Stored>> {
///         Box::pin(async move { self.0.get(key) })
///     }
///
///     fn put<'a>(
///         &'a self,
///         key: &'a Key,
///         bytes: &'a [u8],
///         ttl: Option<Duration>,
///         when: Precondition,
///     ) -> StoreFuture<'a, Option<Version>> {
///         Box::pin(async move { self.0.put(key, bytes, ttl, when) })
///     }
///
///     fn delete<'a>(&'a self, key: &'a Key, when: Precondition) -> StoreFuture<'a, bool> {
///         Box::pin(async move { self.0.delete(key, when) })
///     }
///
///     fn clear<'a>(&'a self, namespace: &'a Namespace) -> StoreFuture<'a, ()> {
///         Box::pin(async move { self.0.clear(namespace) })
///     }
/// }
/// ```
pub trait AsyncStore: Debug + Send + Sync + 'static {
    /// Reads what lives under the key.
    fn get<'a>(&'a self, key: &'a Key) -> StoreFuture<'a, Option<Stored>>;

    /// Writes, if the condition is met, and returns the new version; `None` if it is not met.
    ///
    /// After `ttl`, the value counts as gone; `None` keeps it until it is removed.
    fn put<'a>(
        &'a self,
        key: &'a Key,
        bytes: &'a [u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> StoreFuture<'a, Option<Version>>;

    /// Removes, if something lives there and the condition is met; returns whether it did.
    fn delete<'a>(&'a self, key: &'a Key, when: Precondition) -> StoreFuture<'a, bool>;

    /// Reads what lives under each of the keys, in their order.
    ///
    /// By default one key after the other; where a server answers, override it with one round trip.
    fn get_many<'a>(&'a self, keys: &'a [Key]) -> StoreFuture<'a, Vec<Option<Stored>>> {
        Box::pin(async move {
            let mut all = Vec::with_capacity(keys.len());
            for key in keys {
                all.push(self.get(key).await?);
            }
            Ok(all)
        })
    }

    /// Writes all, without a condition. If it fails, some may have been written.
    fn put_many<'a>(&'a self, puts: &'a [Put<'a>]) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            for put in puts {
                self.put(put.key, put.bytes, put.ttl, Precondition::Always).await?;
            }
            Ok(())
        })
    }

    /// Removes whatever lives under the keys. If it fails, some may have been removed.
    fn delete_many<'a>(&'a self, keys: &'a [Key]) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            for key in keys {
                self.delete(key, Precondition::Always).await?;
            }
            Ok(())
        })
    }

    /// Removes everything in the namespace.
    fn clear<'a>(&'a self, namespace: &'a Namespace) -> StoreFuture<'a, ()>;

    /// Removes what has expired, in one step that looks at about `most` values.
    ///
    /// For stores whose server does not do that; by default there is nothing to do.
    fn sweep(&self, most: usize) -> StoreFuture<'_, SweepProgress> {
        let _ = most;
        Box::pin(async { Ok(SweepProgress { removed: 0, is_done: true }) })
    }

    /// Returns how often stored bytes were found damaged, and treated as nothing.
    fn damaged(&self) -> u64 {
        0
    }
}

/// Is the same store, shared: a part of the program can keep a handle of what it has handed over.
impl<S: AsyncStore + ?Sized> AsyncStore for Arc<S> {
    fn get<'a>(&'a self, key: &'a Key) -> StoreFuture<'a, Option<Stored>> {
        (**self).get(key)
    }

    fn put<'a>(
        &'a self,
        key: &'a Key,
        bytes: &'a [u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> StoreFuture<'a, Option<Version>> {
        (**self).put(key, bytes, ttl, when)
    }

    fn delete<'a>(&'a self, key: &'a Key, when: Precondition) -> StoreFuture<'a, bool> {
        (**self).delete(key, when)
    }

    fn get_many<'a>(&'a self, keys: &'a [Key]) -> StoreFuture<'a, Vec<Option<Stored>>> {
        (**self).get_many(keys)
    }

    fn put_many<'a>(&'a self, puts: &'a [Put<'a>]) -> StoreFuture<'a, ()> {
        (**self).put_many(puts)
    }

    fn delete_many<'a>(&'a self, keys: &'a [Key]) -> StoreFuture<'a, ()> {
        (**self).delete_many(keys)
    }

    fn clear<'a>(&'a self, namespace: &'a Namespace) -> StoreFuture<'a, ()> {
        (**self).clear(namespace)
    }

    fn sweep(&self, most: usize) -> StoreFuture<'_, SweepProgress> {
        (**self).sweep(most)
    }

    fn damaged(&self) -> u64 {
        (**self).damaged()
    }
}

/// A store whose calls wait, or one whose futures do. An asynchronous program has one of the former only
/// if it never [blocks](Store::blocks).
#[derive(Debug, Clone)]
pub(crate) enum AnyStore {
    Blocking(Arc<dyn Store>),
    #[cfg(feature = "tokio")]
    Async(Arc<dyn AsyncStore>),
}

/// Calls a blocking store, or awaits what an asynchronous one is asked.
macro_rules! asked {
    ($self:ident, $store:ident => $call:expr) => {
        match $self {
            AnyStore::Blocking($store) => $call,
            #[cfg(feature = "tokio")]
            AnyStore::Async($store) => $call.await,
        }
    };
}

impl AnyStore {
    pub(crate) async fn get(&self, key: &Key) -> Result<Option<Stored>> {
        asked!(self, store => store.get(key))
    }

    pub(crate) async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>> {
        asked!(self, store => store.get_many(keys))
    }

    pub(crate) async fn put(
        &self,
        key: &Key,
        bytes: &[u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>> {
        asked!(self, store => store.put(key, bytes, ttl, when))
    }

    pub(crate) async fn put_many(&self, puts: &[Put<'_>]) -> Result<()> {
        match self {
            AnyStore::Blocking(store) => store.put_many(puts),
            #[cfg(feature = "tokio")]
            AnyStore::Async(store) => store.put_many(puts).await,
        }
    }

    pub(crate) async fn delete(&self, key: &Key, when: Precondition) -> Result<bool> {
        asked!(self, store => store.delete(key, when))
    }

    pub(crate) async fn clear(&self, namespace: &Namespace) -> Result<()> {
        asked!(self, store => store.clear(namespace))
    }

    pub(crate) fn damaged(&self) -> u64 {
        match self {
            AnyStore::Blocking(store) => store.damaged(),
            #[cfg(feature = "tokio")]
            AnyStore::Async(store) => store.damaged(),
        }
    }

    /// Whether a call may wait for something outside this process.
    #[cfg(feature = "middleware")]
    pub(crate) fn blocks(&self) -> bool {
        match self {
            AnyStore::Blocking(store) => store.blocks(),
            #[cfg(feature = "tokio")]
            AnyStore::Async(_) => true,
        }
    }
}
