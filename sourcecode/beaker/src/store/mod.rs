//! [`Store`]: stores bytes by key; and the contract that every store keeps.

mod asynchronous;
#[cfg(feature = "conformance")]
pub mod conformance;
pub(crate) mod counter;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod database;
#[cfg(feature = "dbm")]
mod dbm;
#[cfg(any(feature = "redis", all(feature = "postgres", feature = "tokio")))]
mod deadline;
mod file;
mod listing;
#[cfg(feature = "memcached")]
mod memcached;
mod memory;
mod null;
#[cfg(feature = "tokio")]
mod on_threads;
#[cfg(any(feature = "redis", feature = "postgres"))]
mod parameters;
#[cfg(feature = "python")]
pub mod python;
#[cfg(feature = "redis")]
mod redis;
#[cfg(any(feature = "redis-tls", feature = "postgres-tls"))]
mod tls;
#[cfg(feature = "python")]
mod verbatim;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

pub(crate) use asynchronous::AnyStore;
pub use asynchronous::{AsyncStore, StoreFuture};
pub use counter::MAX_COUNT;
#[cfg(all(feature = "postgres", feature = "tokio"))]
pub use database::AsyncPostgresStore;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use database::DatabaseStore;
#[cfg(feature = "dbm")]
pub use dbm::DbmStore;
pub use file::FileStore;
pub use listing::{KeyCursor, KeyPage};
#[cfg(feature = "memcached")]
pub use memcached::MemcachedStore;
pub use memory::{Capacity, MemoryStore};
pub use null::NullStore;
#[cfg(feature = "tokio")]
pub use on_threads::OnThreads;
#[cfg(feature = "redis")]
pub use redis::{AsyncRedisStore, RedisStore};
#[cfg(feature = "python")]
#[doc(hidden)]
pub use verbatim::{Content, Verbatim};

use crate::clock::{Clock, SystemClock};
use crate::error::Result;
use crate::key::{Key, Namespace};

/// Stores bytes by key. A store knows nothing about sessions, codecs or locks.
///
/// # The contract
///
/// Every store keeps the promises below. The test suite in `store::conformance` (feature `conformance`) has
/// a case for each of them except 10 and 13. Those two need tests of the store's own, which damage its data
/// or stop its server.
///
/// 1. `get` returns exactly the bytes of the last `put`, from any thread and through any handle.
/// 2. If a key has no value, or its time to live has passed, `get` returns `None` and not an error.
/// 3. Each write gives the value a version that no other write of that key has had.
/// 4. `Precondition::Absent` writes only if the key has no value. If several calls do this at the same
///    time, exactly one succeeds.
/// 5. `Precondition::Unchanged(version)` acts only on the value that has this version. If several calls do
///    this at the same time, exactly one succeeds. If the condition is not met, nothing changes.
/// 6. `delete` returns whether a value was removed, and may be repeated.
/// 7. `clear` removes all values of one namespace, and none of any other.
/// 8. Keys may be any bytes and namespaces any text, of any length. Different keys never share a value.
/// 9. A value of up to 900,000 bytes, including an empty one, is accepted. A value that is too large for
///    the store returns `ErrorKind::TooLarge`, and the previous value stays.
/// 10. Damaged bytes count as a missing value (see [`damaged`](Store::damaged)) or return an error, and
///     never cause a panic. A store that keeps its values on a disk of this host or in a table verifies each
///     of them with a checksum. memcached and redis are trusted with their own memory: a raw `get` returns
///     what the server answers, and sessions and caches are protected by the checksum of the record.
/// 11. `sweep`, called until it is done, removes everything that has expired, and nothing else.
/// 12. A batch has the same effect as its single operations in the order of the batch.
/// 13. An error means that the system failed: for example, a server is down, or a folder is not writable.
///     Errors are returned within the store's deadline, and later calls work once the cause is gone.
/// 14. `increment` loses no call, however many run at the same time, and returns a different number to each
///     of them. The call that creates the counter sets its time to live. A value that is not a counter stays
///     unchanged, and the error names the key.
/// 15. `keys`, called until there is no next page, lists each key that has a value all the while, and
///     nothing that has expired. A store without a list of keys returns an error from every call instead.
pub trait Store: Debug + Send + Sync + 'static {
    /// Returns the value of the key, or `None` if there is none.
    fn get(&self, key: &Key) -> Result<Option<Stored>>;

    /// Writes a value if the condition is met, and returns its new version. Returns `None` if the condition
    /// is not met.
    ///
    /// The value expires after `ttl`; with `None`, it stays until it is removed.
    fn put(
        &self,
        key: &Key,
        bytes: &[u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>>;

    /// Removes the value of the key if there is one and the condition is met. Returns whether it was
    /// removed.
    fn delete(&self, key: &Key, when: Precondition) -> Result<bool>;

    /// Returns the values of several keys, in the order of the keys. A store on a server needs about one
    /// round trip to each server, not one for each key.
    fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>> {
        keys.iter().map(|key| self.get(key)).collect()
    }

    /// Writes several values without a condition. If it fails, some of them may have been written.
    fn put_many(&self, puts: &[Put<'_>]) -> Result<()> {
        puts.iter().try_for_each(|put| {
            self.put(put.key, put.bytes, put.ttl, Precondition::Always).map(|_| ())
        })
    }

    /// Removes the values of several keys. If it fails, some of them may have been removed.
    fn delete_many(&self, keys: &[Key]) -> Result<()> {
        keys.iter().try_for_each(|key| self.delete(key, Precondition::Always).map(|_| ()))
    }

    /// Adds `by` to the counter of the key in one atomic step, and returns the new number. If the key has
    /// no value, a counter is created with the value `by`.
    ///
    /// `ttl` counts from the moment when the counter is created, and later calls do not extend it: a
    /// counter with a `ttl` of a minute ends after that minute, however often it is incremented. With
    /// `None`, it stays until it is removed. Use a `by` of 0 to read a counter or to create one.
    ///
    /// [`get`](Store::get) returns the number in decimal digits, which [`Stored::count`] reads. Use
    /// `increment` only for counters that `increment` has created: whether it continues from digits that
    /// were put depends on the store.
    ///
    /// The default implementation reads the counter and writes it on the condition that it has not changed,
    /// which takes two calls, and tries again if another call came first. It stores the time at which the
    /// counter expires, by [`clock`](Store::clock), after the number. Override it if your server can do
    /// this in one round trip.
    ///
    /// # Errors
    ///
    /// Returns `ErrorKind::Codec` if the value is not a counter, `ErrorKind::TooLarge` for a number above
    /// [`MAX_COUNT`], and any error of the store. After an error of the store, the call may have been
    /// counted nevertheless, so a caller that tries again may count twice.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use beaker::key::Namespace;
    /// use beaker::store::{MemoryStore, Store};
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let (store, key) = (MemoryStore::new(), Namespace::new("visits").key("today"));
    /// let day = Some(Duration::from_secs(24 * 3600));
    /// assert_eq!(store.increment(&key, 1, day)?, 1);
    /// assert_eq!(store.increment(&key, 5, day)?, 6);
    /// assert_eq!(store.get(&key)?.unwrap().count(), Some(6));
    /// # Ok(())
    /// # }
    /// ```
    fn increment(&self, key: &Key, by: u64, ttl: Option<Duration>) -> Result<u64> {
        counter::by_puts(self, key, by, ttl)
    }

    /// Removes all values of the namespace.
    fn clear(&self, namespace: &Namespace) -> Result<()>;

    /// Lists the keys of a namespace in pages of about `most` keys. `None` returns the first page, and the
    /// cursor of a page returns the one after it.
    ///
    /// The method is meant for maintenance programs rather than for requests, because it goes through the
    /// whole store. Keys that appear or disappear meanwhile may or may not be listed, a server may list a
    /// key twice, and a value that would turn out to be damaged is listed too. A store in memory returns
    /// all keys in one page.
    ///
    /// # Errors
    ///
    /// Returns `ErrorKind::Config` from a store that does not know its keys, such as memcached (this is the
    /// default implementation), and for a cursor of another store.
    ///
    /// ```
    /// use beaker::key::Namespace;
    /// use beaker::store::{MemoryStore, Precondition, Store};
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let (store, points) = (MemoryStore::new(), Namespace::new("points"));
    /// store.put(&points.key("Kimi"), b"100", None, Precondition::Always)?;
    ///
    /// let mut from = None;
    /// loop {
    ///     let page = store.keys(&points, from.as_ref(), 1000)?;
    ///     for key in &page.keys {
    ///         assert_eq!(key.name(), b"Kimi");
    ///     }
    ///     from = page.next;
    ///     if from.is_none() {
    ///         break;
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    fn keys(
        &self,
        namespace: &Namespace,
        from: Option<&KeyCursor>,
        most: usize,
    ) -> Result<KeyPage> {
        let _ = (from, most);
        Err(listing::unlisted(namespace))
    }

    /// Runs one step of the cleanup: looks at about `most` values, removes those that have expired, and
    /// does not block readers. It is meant for stores whose server does not remove expired values. For
    /// others, it does nothing.
    fn sweep(&self, most: usize) -> Result<SweepProgress> {
        let _ = most;
        Ok(SweepProgress { removed: 0, is_done: true })
    }

    /// Returns whether a call may wait for a disk, a server or another thread's write. An asynchronous
    /// server calls a store that never waits directly in the task of the request, and any other store from
    /// a thread that may block.
    fn blocks(&self) -> bool {
        true
    }

    /// Returns an asynchronous store of the same records, if there is one. Default: `None`; an asynchronous
    /// program then calls this store [on threads](OnThreads).
    fn for_tasks(&self) -> Option<Arc<dyn AsyncStore>> {
        None
    }

    /// Returns the place of the values that a program in Python has beside those of this store. Default:
    /// `None`.
    #[cfg(feature = "python")]
    #[doc(hidden)]
    fn verbatim(&self, content: Content) -> Result<Option<Verbatim<dyn Store>>> {
        let _ = content;
        Ok(None)
    }

    /// Returns the clock by which values expire, for the default [`increment`](Store::increment). Default:
    /// the system clock. A store that accepts a clock must return it here.
    fn clock(&self) -> &dyn Clock {
        &SystemClock
    }

    /// Returns how often stored bytes were found damaged and treated as missing.
    fn damaged(&self) -> u64 {
        0
    }
}

/// Reports what one step of a cleanup did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores and layers of other programs build it")]
pub struct SweepProgress {
    /// How many expired values were removed.
    pub removed: usize,
    /// Whether the cleanup has reached the end of the store. The next step starts from the beginning.
    pub is_done: bool,
}

/// Holds a value that a store returns.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores and layers of other programs build it")]
pub struct Stored {
    /// The bytes as they were put. They are shared, so that a store in memory need not copy them.
    pub bytes: Arc<[u8]>,
    /// The version of the write that stored them.
    pub version: Version,
}

impl Stored {
    /// Returns the number of a counter that [`Store::increment`] created, or `None` for other values.
    #[must_use]
    pub fn count(&self) -> Option<u64> {
        counter::parse(&self.bytes).map(|(count, _)| count)
    }
}

/// Holds one of the values that [`Store::put_many`] writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores and layers of other programs build it")]
pub struct Put<'a> {
    /// The key of the value.
    pub key: &'a Key,
    /// The bytes of the value.
    pub bytes: &'a [u8],
    /// The time to live; with `None`, the value stays until it is removed.
    pub ttl: Option<Duration>,
}

/// Identifies one write of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Version(u64);

impl Version {
    /// Creates a version from a number, for stores that number their writes themselves.
    #[must_use]
    pub const fn new(number: u64) -> Version {
        Version(number)
    }

    /// Returns the number of this version.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }

    /// Returns the version of a value that another program wrote, which numbers no writes: the beginning of
    /// the SHA-1 hash of its content.
    #[cfg(feature = "python")]
    pub(crate) fn of_content(content: &[u8]) -> Version {
        use sha1::{Digest, Sha1};
        let hash = Sha1::digest(content);
        Version(hash[..8].iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// Returns a version that no other write has, in this process or another. Each process counts from a
    /// random 64-bit number. Each thread takes a block of numbers at a time, because the cores would
    /// otherwise pass a single counter around with every write.
    pub(crate) fn fresh() -> Version {
        use std::cell::Cell;
        use std::sync::LazyLock;
        use std::sync::atomic::{AtomicU64, Ordering};
        const BLOCK: u64 = 1024;
        static NEXT: LazyLock<AtomicU64> =
            LazyLock::new(|| AtomicU64::new(uuid::Uuid::new_v4().as_u64_pair().1));
        thread_local! {
            /// The next version of this thread, and how many are left in its block.
            static OWN: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
        }
        let (next, left) = match OWN.get() {
            (_, 0) => (NEXT.fetch_add(BLOCK, Ordering::Relaxed), BLOCK),
            own => own,
        };
        OWN.set((next.wrapping_add(1), left - 1));
        Version(next)
    }
}

/// The condition on which a store writes or removes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a store must know every condition that it is given")]
pub enum Precondition {
    /// No condition.
    Always,
    /// The key has no value. (A `delete` with this condition never removes anything.)
    Absent,
    /// The value of the key still has this version.
    Unchanged(Version),
}

impl Precondition {
    /// Returns whether the condition is met if the value of the key has this version.
    #[must_use]
    pub fn is_met_by(self, current: Option<Version>) -> bool {
        match self {
            Precondition::Always => true,
            Precondition::Absent => current.is_none(),
            Precondition::Unchanged(version) => current == Some(version),
        }
    }
}

/// Forwards to the shared store. So a layer can wrap a shared store, while another part of the program
/// keeps a handle to it.
impl<S: Store + ?Sized> Store for Arc<S> {
    fn get(&self, key: &Key) -> Result<Option<Stored>> {
        (**self).get(key)
    }

    fn put(
        &self,
        key: &Key,
        bytes: &[u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>> {
        (**self).put(key, bytes, ttl, when)
    }

    fn delete(&self, key: &Key, when: Precondition) -> Result<bool> {
        (**self).delete(key, when)
    }

    fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>> {
        (**self).get_many(keys)
    }

    fn put_many(&self, puts: &[Put<'_>]) -> Result<()> {
        (**self).put_many(puts)
    }

    fn delete_many(&self, keys: &[Key]) -> Result<()> {
        (**self).delete_many(keys)
    }

    fn increment(&self, key: &Key, by: u64, ttl: Option<Duration>) -> Result<u64> {
        (**self).increment(key, by, ttl)
    }

    fn clear(&self, namespace: &Namespace) -> Result<()> {
        (**self).clear(namespace)
    }

    fn keys(
        &self,
        namespace: &Namespace,
        from: Option<&KeyCursor>,
        most: usize,
    ) -> Result<KeyPage> {
        (**self).keys(namespace, from, most)
    }

    fn sweep(&self, most: usize) -> Result<SweepProgress> {
        (**self).sweep(most)
    }

    fn blocks(&self) -> bool {
        (**self).blocks()
    }

    fn for_tasks(&self) -> Option<Arc<dyn AsyncStore>> {
        (**self).for_tasks()
    }

    #[cfg(feature = "python")]
    fn verbatim(&self, content: Content) -> Result<Option<Verbatim<dyn Store>>> {
        (**self).verbatim(content)
    }

    fn clock(&self) -> &dyn Clock {
        (**self).clock()
    }

    fn damaged(&self) -> u64 {
        (**self).damaged()
    }
}
