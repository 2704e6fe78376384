//! [`AsyncStore`]: the contract of a [`Store`], with futures; and [`AnyStore`], a store of either kind, for
//! code that serves both.

use std::fmt::Debug;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::listing::unlisted;
use super::{
    KeyCursor, KeyPage, Precondition, Put, Store, Stored, SweepProgress, Version, counter,
};
use crate::clock::{Clock, SystemClock};
use crate::error::Result;
use crate::key::{Key, Namespace};

/// The result of an operation of an [`AsyncStore`]: a future that any thread may poll.
///
/// It is boxed, so that a store can be a trait object. Create it with `Box::pin(async move { … })`.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// Stores bytes by key for asynchronous programs. A call does not block a thread while it waits for a
/// server.
///
/// # The contract
///
/// The contract is that of [`Store`](super::Store), promise by promise, and the same suite checks it: see
/// [`Subject::of_async`](super::conformance::Subject::of_async) (feature `conformance`). Futures add two
/// promises:
///
/// 16. Nothing is done before a future is polled.
/// 17. A future may be dropped at any time. Its write is then made completely or not at all, and nothing
///     that it used, such as a connection, disturbs a later call.
///
/// # Examples
///
/// A store in memory, which never has to wait:
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
    /// Returns the value of the key, or `None` if there is none.
    fn get<'a>(&'a self, key: &'a Key) -> StoreFuture<'a, Option<Stored>>;

    /// Writes a value if the condition is met, and returns its new version. Returns `None` if the condition
    /// is not met.
    ///
    /// The value expires after `ttl`; with `None`, it stays until it is removed.
    fn put<'a>(
        &'a self,
        key: &'a Key,
        bytes: &'a [u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> StoreFuture<'a, Option<Version>>;

    /// Removes the value of the key if there is one and the condition is met. Returns whether it was
    /// removed.
    fn delete<'a>(&'a self, key: &'a Key, when: Precondition) -> StoreFuture<'a, bool>;

    /// Returns the values of several keys, in the order of the keys.
    ///
    /// The default implementation reads one key after the other. Override it if your server can answer in
    /// one round trip.
    fn get_many<'a>(&'a self, keys: &'a [Key]) -> StoreFuture<'a, Vec<Option<Stored>>> {
        Box::pin(async move {
            let mut all = Vec::with_capacity(keys.len());
            for key in keys {
                all.push(self.get(key).await?);
            }
            Ok(all)
        })
    }

    /// Writes several values without a condition. If it fails, some of them may have been written.
    fn put_many<'a>(&'a self, puts: &'a [Put<'a>]) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            for put in puts {
                self.put(put.key, put.bytes, put.ttl, Precondition::Always).await?;
            }
            Ok(())
        })
    }

    /// Removes the values of several keys. If it fails, some of them may have been removed.
    fn delete_many<'a>(&'a self, keys: &'a [Key]) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            for key in keys {
                self.delete(key, Precondition::Always).await?;
            }
            Ok(())
        })
    }

    /// Adds `by` to the counter of the key in one atomic step, and returns the new number. If the key has
    /// no value, a counter is created with the value `by` and this `ttl`.
    ///
    /// It behaves like [`Store::increment`] and returns the same errors. The default implementation takes
    /// two round trips.
    ///
    /// # Examples
    ///
    /// ```
    /// use beaker::key::Namespace;
    /// use beaker::store::{AsyncStore, MemoryStore, OnThreads};
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    /// # runtime.block_on(async {
    /// let (store, key) = (OnThreads::new(MemoryStore::new()), Namespace::new("visits").key("today"));
    /// assert_eq!(store.increment(&key, 1, None).await?, 1);
    /// assert_eq!(store.increment(&key, 5, None).await?, 6);
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    fn increment<'a>(
        &'a self,
        key: &'a Key,
        by: u64,
        ttl: Option<Duration>,
    ) -> StoreFuture<'a, u64> {
        Box::pin(counter::by_awaited_puts(self, key, by, ttl))
    }

    /// Removes all values of the namespace.
    fn clear<'a>(&'a self, namespace: &'a Namespace) -> StoreFuture<'a, ()>;

    /// Lists the keys of a namespace in pages, like [`Store::keys`](super::Store::keys).
    ///
    /// # Errors
    ///
    /// Returns `ErrorKind::Config` from a store that does not know its keys (this is the default
    /// implementation), and for a cursor of another store.
    fn keys<'a>(
        &'a self,
        namespace: &'a Namespace,
        from: Option<&'a KeyCursor>,
        most: usize,
    ) -> StoreFuture<'a, KeyPage> {
        let _ = (from, most);
        Box::pin(async move { Err(unlisted(namespace)) })
    }

    /// Runs one step of the cleanup: looks at about `most` values and removes those that have expired.
    ///
    /// It is meant for stores whose server does not remove expired values. The default implementation does
    /// nothing.
    fn sweep(&self, most: usize) -> StoreFuture<'_, SweepProgress> {
        let _ = most;
        Box::pin(async { Ok(SweepProgress { removed: 0, is_done: true }) })
    }

    /// Returns the place of the values that a program in Python has beside those of this store. Default:
    /// `None`.
    #[cfg(feature = "python")]
    #[doc(hidden)]
    fn verbatim(&self, content: super::Content) -> Result<Option<super::Verbatim<dyn AsyncStore>>> {
        let _ = content;
        Ok(None)
    }

    /// Returns the clock by which values expire, for the default [`increment`](AsyncStore::increment).
    /// Default: the system clock.
    fn clock(&self) -> &dyn Clock {
        &SystemClock
    }

    /// Returns how often stored bytes were found damaged and treated as missing.
    fn damaged(&self) -> u64 {
        0
    }
}

/// Forwards to the shared store, so that a part of the program can keep a handle to a store that it has
/// passed on.
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

    fn increment<'a>(
        &'a self,
        key: &'a Key,
        by: u64,
        ttl: Option<Duration>,
    ) -> StoreFuture<'a, u64> {
        (**self).increment(key, by, ttl)
    }

    fn clear<'a>(&'a self, namespace: &'a Namespace) -> StoreFuture<'a, ()> {
        (**self).clear(namespace)
    }

    fn keys<'a>(
        &'a self,
        namespace: &'a Namespace,
        from: Option<&'a KeyCursor>,
        most: usize,
    ) -> StoreFuture<'a, KeyPage> {
        (**self).keys(namespace, from, most)
    }

    fn sweep(&self, most: usize) -> StoreFuture<'_, SweepProgress> {
        (**self).sweep(most)
    }

    #[cfg(feature = "python")]
    fn verbatim(&self, content: super::Content) -> Result<Option<super::Verbatim<dyn AsyncStore>>> {
        (**self).verbatim(content)
    }

    fn clock(&self) -> &dyn Clock {
        (**self).clock()
    }

    fn damaged(&self) -> u64 {
        (**self).damaged()
    }
}

/// A blocking store or an asynchronous one. An asynchronous program uses the former only if it never
/// [blocks](Store::blocks).
#[derive(Debug, Clone)]
pub(crate) enum AnyStore {
    Blocking(Arc<dyn Store>),
    #[cfg(feature = "tokio")]
    Async(Arc<dyn AsyncStore>),
}

/// Calls a blocking store, or awaits the future of an asynchronous one.
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
        asked!(self, store => store.put_many(puts))
    }

    pub(crate) async fn delete(&self, key: &Key, when: Precondition) -> Result<bool> {
        asked!(self, store => store.delete(key, when))
    }

    #[cfg(feature = "python")]
    pub(crate) async fn delete_many(&self, keys: &[Key]) -> Result<()> {
        asked!(self, store => store.delete_many(keys))
    }

    pub(crate) async fn increment(&self, key: &Key, by: u64, ttl: Option<Duration>) -> Result<u64> {
        asked!(self, store => store.increment(key, by, ttl))
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

    /// Returns whether a call may wait for something outside this process.
    #[cfg(feature = "middleware")]
    pub(crate) fn blocks(&self) -> bool {
        match self {
            AnyStore::Blocking(store) => store.blocks(),
            #[cfg(feature = "tokio")]
            AnyStore::Async(_) => true,
        }
    }
}
