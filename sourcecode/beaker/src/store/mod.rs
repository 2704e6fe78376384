//! [`Store`]: bytes by key, and the contract that every backend keeps.

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
#[cfg(feature = "redis")]
mod redis;
#[cfg(any(feature = "redis-tls", feature = "postgres-tls"))]
mod tls;

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

use crate::clock::{Clock, SystemClock};
use crate::error::Result;
use crate::key::{Key, Namespace};

/// Bytes by key. A store knows nothing of sessions, codecs or locks.
///
/// # The contract
///
/// Each promise but 10 and 13 is a case of the suite in `store::conformance` (feature
/// `conformance`). For those two, a store's own tests have to damage what it holds, and to stop it:
///
/// 1. What was put is what the next `get` gives, to the byte, from any thread and any handle.
/// 2. Nothing under a key, or something whose time to live has passed, is `None`, not an error.
/// 3. Each write gives the value a version that no other write of that key had.
/// 4. `Precondition::Absent` writes only where nothing lives, and of several at once one succeeds.
/// 5. `Precondition::Unchanged(version)` acts only on the value of that version; of several at once one
///    succeeds. An unmet condition changes nothing.
/// 6. `delete` tells whether something was there to remove, and may be repeated.
/// 7. `clear` removes all of one namespace and nothing of any other.
/// 8. Keys and namespaces are any bytes and texts of any length, and no two share a value.
/// 9. A value is 0 to 900,000 bytes at least; more than the store takes is `ErrorKind::TooLarge`,
///    and leaves what was there.
/// 10. Damaged bytes count as nothing (see [`damaged`](Store::damaged)), or are an error, and never a
///     panic. A store that keeps its values on a disk of this host, or in a table, checks each of them by
///     a checksum. What memcached and redis have in their memory is theirs to keep: a raw `get` from them
///     gives what they answer, and the checksum of the record is what protects sessions and caches there.
/// 11. `sweep`, called until it is done, leaves nothing that has expired, and everything else.
/// 12. A batch does what its single operations do, in the batch's order.
/// 13. Errors mean that the system failed: a server that is down, a folder that cannot be written.
///     They come within the store's deadline, and a later call works once the cause is gone.
/// 14. `increment` loses nothing, however many call it at once, and gives each of them a number of its own.
///     The time to live is that of the call which made the counter. What is no counter stays as it is, and is
///     an error that names the key.
/// 15. `keys`, called until there is no next page, gives each key under which something lives all the
///     while, and nothing that has expired; or every call is an error that says that the store has no list.
pub trait Store: Debug + Send + Sync + 'static {
    /// What lives under the key.
    fn get(&self, key: &Key) -> Result<Option<Stored>>;

    /// Writes, if the condition is met, and gives the new version; `None` if it is not met.
    ///
    /// After `ttl`, the value counts as gone; `None` keeps it until it is removed.
    fn put(
        &self,
        key: &Key,
        bytes: &[u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>>;

    /// Removes, if something lives there and the condition is met; tells whether it did.
    fn delete(&self, key: &Key, when: Precondition) -> Result<bool>;

    /// What lives under each of the keys, in their order. Where a server answers, this is about one
    /// round trip to each server, and not one a key.
    fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>> {
        keys.iter().map(|key| self.get(key)).collect()
    }

    /// Writes all, without a condition. If it fails, some may have been written.
    fn put_many(&self, puts: &[Put<'_>]) -> Result<()> {
        puts.iter().try_for_each(|put| {
            self.put(put.key, put.bytes, put.ttl, Precondition::Always).map(|_| ())
        })
    }

    /// Removes whatever lives under the keys. If it fails, some may have been removed.
    fn delete_many(&self, keys: &[Key]) -> Result<()> {
        keys.iter().try_for_each(|key| self.delete(key, Precondition::Always).map(|_| ()))
    }

    /// Adds to the counter that lives under the key, as one act, and returns what it is then. Where nothing
    /// lives, a counter is made that is `by`.
    ///
    /// `ttl` counts from the moment at which the counter is made, and later calls do not move that: so a
    /// counter of a minute ends after a minute, however often it is incremented. `None` keeps it until it is
    /// removed. `by` may be 0, to read a counter or to make one.
    ///
    /// [`get`](Store::get) shows the number in decimal digits, which [`Stored::count`] reads. A counter is what
    /// this has made: whether it goes on from digits that were put is the store's to decide.
    ///
    /// By default it reads and writes on the condition that nothing has changed, which is two calls, and
    /// tries again where somebody else was first. It keeps the end of the counter's life behind its number, by
    /// [`clock`](Store::clock). Where a server can do it, override it with one round trip.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Codec` if what lives there is no counter, `ErrorKind::TooLarge` for a number over
    /// [`MAX_COUNT`], and what the store fails with. After a failure of the store it may have been counted, so
    /// whoever tries again may count twice.
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

    /// Removes everything in the namespace.
    fn clear(&self, namespace: &Namespace) -> Result<()>;

    /// Lists the keys of a namespace, a page at a time: about `most` keys from where a page before said
    /// that the next one begins, and from the beginning with `None`.
    ///
    /// For programs that look after a store, not for requests: it goes through what is there. What comes or
    /// goes meanwhile may be listed or not, a server may list a key twice, and a value that is found
    /// damaged when it is read is listed all the same. A store in memory gives all in one page.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` from a store that does not know its keys, such as memcached, which is the default;
    /// and for a cursor of another store.
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

    /// Removes what has expired, in one step that looks at `most` values or so and holds up nobody
    /// who reads. For stores whose server does not do that; the others have nothing to do.
    fn sweep(&self, most: usize) -> Result<SweepProgress> {
        let _ = most;
        Ok(SweepProgress { removed: 0, is_done: true })
    }

    /// Whether a call may wait: for a disk, a server or another thread's write. An async server
    /// calls a store that never does where the request runs, and any other from a thread on which
    /// waiting holds up nobody.
    fn blocks(&self) -> bool {
        true
    }

    /// Returns a store of the same records whose futures wait, if there is one. Default: `None`, and an
    /// asynchronous program calls this one [on threads](OnThreads).
    fn for_tasks(&self) -> Option<Arc<dyn AsyncStore>> {
        None
    }

    /// Returns the clock by which values expire, for the default [`increment`](Store::increment). A store that
    /// takes a clock gives it back here. Default: the system's.
    fn clock(&self) -> &dyn Clock {
        &SystemClock
    }

    /// How often stored bytes were found damaged, and treated as nothing.
    fn damaged(&self) -> u64 {
        0
    }
}

/// What one step of a sweep did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores and layers of other programs build it")]
pub struct SweepProgress {
    /// So many expired values were removed.
    pub removed: usize,
    /// All of the store has been looked at since the last time that this was true.
    pub is_done: bool,
}

/// What a store gives back.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores and layers of other programs build it")]
pub struct Stored {
    /// The bytes, as they were put; shared, so that a store in memory need not copy them.
    pub bytes: Arc<[u8]>,
    /// Which write they are from.
    pub version: Version,
}

impl Stored {
    /// Returns the number of a counter that [`Store::increment`] made; `None` for other values.
    #[must_use]
    pub fn count(&self) -> Option<u64> {
        counter::parse(&self.bytes).map(|(count, _)| count)
    }
}

/// One of the values that [`Store::put_many`] writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores and layers of other programs build it")]
pub struct Put<'a> {
    /// Under this key.
    pub key: &'a Key,
    /// These bytes.
    pub bytes: &'a [u8],
    /// For so long; `None` keeps them until they are removed.
    pub ttl: Option<Duration>,
}

/// Names one write of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Version(u64);

impl Version {
    /// The version of this number, for stores that number their writes themselves.
    #[must_use]
    pub const fn new(number: u64) -> Version {
        Version(number)
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }

    /// A version that no other write has, in this process or another: they count on from a random
    /// 64-bit number, one a process. Each thread takes a block of them, since one counter for all
    /// would be passed around between the cores with every write.
    pub(crate) fn fresh() -> Version {
        use std::cell::Cell;
        use std::sync::LazyLock;
        use std::sync::atomic::{AtomicU64, Ordering};
        const BLOCK: u64 = 1024;
        static NEXT: LazyLock<AtomicU64> =
            LazyLock::new(|| AtomicU64::new(uuid::Uuid::new_v4().as_u64_pair().1));
        thread_local! {
            /// The next one of this thread's, and how many are left.
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

/// On what condition a store writes or removes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a store must know every condition that it is given")]
pub enum Precondition {
    /// Always.
    Always,
    /// If nothing lives under the key. (A `delete` with this never removes anything.)
    Absent,
    /// If what lives there is still of this version.
    Unchanged(Version),
}

impl Precondition {
    /// Is the condition met, if this is the version that lives under the key?
    #[must_use]
    pub fn is_met_by(self, current: Option<Version>) -> bool {
        match self {
            Precondition::Always => true,
            Precondition::Absent => current.is_none(),
            Precondition::Unchanged(version) => current == Some(version),
        }
    }
}

/// The same store: what wraps a store can wrap a shared one, and a part of the program can keep a
/// handle of what it has wrapped.
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

    fn clock(&self) -> &dyn Clock {
        (**self).clock()
    }

    fn damaged(&self) -> u64 {
        (**self).damaged()
    }
}
