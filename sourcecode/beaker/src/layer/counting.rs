//! [`Counting`]: a layer that counts the operations of a store.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::{Clock, SystemClock, Timestamp};
use crate::error::Result;
use crate::key::{Key, Namespace};
use crate::store::{
    AsyncStore, KeyCursor, KeyPage, Precondition, Put, Store, StoreFuture, Stored, SweepProgress,
    Version,
};

/// Wraps a store and counts its operations. Below other layers, it counts the transformed values; above
/// them, the original ones.
///
/// ```
/// use std::sync::Arc;
/// use beaker::{Backend, Cache};
/// use beaker::layer::Layers;
/// use beaker::lock::LocalLocks;
/// use beaker::store::MemoryStore;
///
/// # fn main() -> beaker::Result<()> {
/// let counting = Arc::new(MemoryStore::new().counted());
/// let cache = Cache::new(Backend::new(Arc::clone(&counting), LocalLocks::new()), "points");
/// cache.put("Kimi", 100)?;
/// // The value, and the cache's first note of what was invalidated in it.
/// assert_eq!(counting.numbers().puts, 2);
/// cache.put("Kimi", 101)?;
/// assert_eq!(counting.numbers().puts, 3);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use]
pub struct Counting<S> {
    inner: S,
    counters: Counters,
    clock: Arc<dyn Clock>,
}

impl<S> Counting<S> {
    /// Wraps a blocking or an asynchronous store, and starts to count.
    pub fn new(store: S) -> Counting<S> {
        Counting { inner: store, counters: Counters::default(), clock: Arc::new(SystemClock) }
    }

    /// Sets the clock that measures durations. Default: the system clock.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Counting<S> {
        self.clock = clock;
        self
    }

    /// Returns the counts so far.
    pub fn numbers(&self) -> StoreNumbers {
        self.counters.read()
    }

    fn call<T>(&self, call: impl FnOnce(&S) -> Result<T>) -> Result<T> {
        let begun = self.clock.now();
        self.ended(begun, call(&self.inner))
    }

    async fn awaited<T>(&self, call: impl Future<Output = Result<T>>) -> Result<T> {
        let begun = self.clock.now();
        self.ended(begun, call.await)
    }

    fn ended<T>(&self, begun: Timestamp, done: Result<T>) -> Result<T> {
        let took = self.clock.now().since(begun);
        self.counters.calls.add(1);
        self.counters.micros.add(took.as_micros() as usize);
        self.counters.errors.add(usize::from(done.is_err()));
        done
    }

    fn note_put(&self, version: Option<Version>, bytes: &[u8]) {
        if version.is_some() {
            self.counters.puts.add(1);
            self.counters.bytes_written.add(bytes.len());
        } else {
            self.counters.refused.add(1);
        }
    }

    fn note_puts(&self, puts: &[Put<'_>]) {
        self.counters.puts.add(puts.len());
        self.counters.bytes_written.add(puts.iter().map(|put| put.bytes.len()).sum());
    }

    fn note_found(&self, found: &[Option<Stored>]) {
        let bytes = found.iter().flatten().map(|stored| stored.bytes.len());
        self.counters.gets.add(found.len());
        self.counters.hits.add(bytes.clone().count());
        self.counters.bytes_read.add(bytes.sum());
    }
}

impl<S: Store> Store for Counting<S> {
    fn get(&self, key: &Key) -> Result<Option<Stored>> {
        let found = self.call(|store| store.get(key))?;
        self.note_found(std::slice::from_ref(&found));
        Ok(found)
    }

    fn put(
        &self,
        key: &Key,
        bytes: &[u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>> {
        let version = self.call(|store| store.put(key, bytes, ttl, when))?;
        self.note_put(version, bytes);
        Ok(version)
    }

    fn delete(&self, key: &Key, when: Precondition) -> Result<bool> {
        let was_there = self.call(|store| store.delete(key, when))?;
        self.counters.deletes.add(1);
        Ok(was_there)
    }

    fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>> {
        let found = self.call(|store| store.get_many(keys))?;
        self.note_found(&found);
        Ok(found)
    }

    fn put_many(&self, puts: &[Put<'_>]) -> Result<()> {
        self.call(|store| store.put_many(puts))?;
        self.note_puts(puts);
        Ok(())
    }

    fn delete_many(&self, keys: &[Key]) -> Result<()> {
        self.call(|store| store.delete_many(keys))?;
        self.counters.deletes.add(keys.len());
        Ok(())
    }

    fn increment(&self, key: &Key, by: u64, ttl: Option<Duration>) -> Result<u64> {
        let count = self.call(|store| store.increment(key, by, ttl))?;
        self.counters.increments.add(1);
        Ok(count)
    }

    fn clear(&self, namespace: &Namespace) -> Result<()> {
        self.call(|store| store.clear(namespace))
    }

    fn keys(
        &self,
        namespace: &Namespace,
        from: Option<&KeyCursor>,
        most: usize,
    ) -> Result<KeyPage> {
        self.call(|store| store.keys(namespace, from, most))
    }

    fn sweep(&self, most: usize) -> Result<SweepProgress> {
        self.call(|store| store.sweep(most))
    }

    fn blocks(&self) -> bool {
        self.inner.blocks()
    }

    /// None, because calls of that store would not be counted.
    fn for_tasks(&self) -> Option<Arc<dyn AsyncStore>> {
        None
    }

    fn clock(&self) -> &dyn Clock {
        self.inner.clock()
    }

    /// None, because calls for the values of another program would not be counted.
    #[cfg(feature = "python")]
    fn verbatim(
        &self,
        _: crate::store::Content,
    ) -> Result<Option<crate::store::Verbatim<dyn Store>>> {
        Ok(None)
    }

    fn damaged(&self) -> u64 {
        self.inner.damaged()
    }
}

/// A future is counted when it ends; one that is dropped before is not counted.
impl<S: AsyncStore> AsyncStore for Counting<S> {
    fn get<'a>(&'a self, key: &'a Key) -> StoreFuture<'a, Option<Stored>> {
        Box::pin(async move {
            let found = self.awaited(self.inner.get(key)).await?;
            self.note_found(std::slice::from_ref(&found));
            Ok(found)
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
            let version = self.awaited(self.inner.put(key, bytes, ttl, when)).await?;
            self.note_put(version, bytes);
            Ok(version)
        })
    }

    fn delete<'a>(&'a self, key: &'a Key, when: Precondition) -> StoreFuture<'a, bool> {
        Box::pin(async move {
            let was_there = self.awaited(self.inner.delete(key, when)).await?;
            self.counters.deletes.add(1);
            Ok(was_there)
        })
    }

    fn get_many<'a>(&'a self, keys: &'a [Key]) -> StoreFuture<'a, Vec<Option<Stored>>> {
        Box::pin(async move {
            let found = self.awaited(self.inner.get_many(keys)).await?;
            self.note_found(&found);
            Ok(found)
        })
    }

    fn put_many<'a>(&'a self, puts: &'a [Put<'a>]) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            self.awaited(self.inner.put_many(puts)).await?;
            self.note_puts(puts);
            Ok(())
        })
    }

    fn delete_many<'a>(&'a self, keys: &'a [Key]) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            self.awaited(self.inner.delete_many(keys)).await?;
            self.counters.deletes.add(keys.len());
            Ok(())
        })
    }

    fn increment<'a>(
        &'a self,
        key: &'a Key,
        by: u64,
        ttl: Option<Duration>,
    ) -> StoreFuture<'a, u64> {
        Box::pin(async move {
            let count = self.awaited(self.inner.increment(key, by, ttl)).await?;
            self.counters.increments.add(1);
            Ok(count)
        })
    }

    fn clear<'a>(&'a self, namespace: &'a Namespace) -> StoreFuture<'a, ()> {
        Box::pin(self.awaited(self.inner.clear(namespace)))
    }

    fn keys<'a>(
        &'a self,
        namespace: &'a Namespace,
        from: Option<&'a KeyCursor>,
        most: usize,
    ) -> StoreFuture<'a, KeyPage> {
        Box::pin(self.awaited(self.inner.keys(namespace, from, most)))
    }

    fn sweep(&self, most: usize) -> StoreFuture<'_, SweepProgress> {
        Box::pin(self.awaited(self.inner.sweep(most)))
    }

    fn clock(&self) -> &dyn Clock {
        self.inner.clock()
    }

    /// None, because calls for the values of another program would not be counted.
    #[cfg(feature = "python")]
    fn verbatim(
        &self,
        _: crate::store::Content,
    ) -> Result<Option<crate::store::Verbatim<dyn AsyncStore>>> {
        Ok(None)
    }

    fn damaged(&self) -> u64 {
        self.inner.damaged()
    }
}

/// Holds the counts of a store, to print them or to export them as metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreNumbers {
    /// Calls of the store. A batch counts as one.
    pub calls: u64,
    /// Calls that failed.
    pub errors: u64,
    /// Keys that were looked up.
    pub gets: u64,
    /// Lookups that found a value.
    pub hits: u64,
    /// Values that were written.
    pub puts: u64,
    /// Writes whose condition was not met.
    pub refused: u64,
    /// Keys that were removed, including those without a value.
    pub deletes: u64,
    /// Counters that were incremented.
    pub increments: u64,
    /// Bytes of values that were read.
    pub bytes_read: u64,
    /// Bytes of values that were written.
    pub bytes_written: u64,
    /// The total time of all calls.
    pub time: Duration,
}

impl fmt::Display for StoreNumbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} calls in {:.1?}, {} errors: {} gets, {} hits, {} bytes; {} puts, {} refused, \
             {} bytes; {} deletes",
            self.calls,
            self.time,
            self.errors,
            self.gets,
            self.hits,
            self.bytes_read,
            self.puts,
            self.refused,
            self.bytes_written,
            self.deletes,
        )?;
        match self.increments {
            0 => Ok(()),
            some => write!(f, "; {some} increments"),
        }
    }
}

/// The same counts, while they are counted.
#[derive(Debug, Default)]
struct Counters {
    calls: Counter,
    errors: Counter,
    gets: Counter,
    hits: Counter,
    puts: Counter,
    refused: Counter,
    deletes: Counter,
    increments: Counter,
    bytes_read: Counter,
    bytes_written: Counter,
    micros: Counter,
}

#[derive(Debug, Default)]
struct Counter(AtomicU64);

impl Counter {
    fn add(&self, count: usize) {
        self.0.fetch_add(count as u64, Ordering::Relaxed);
    }

    fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    fn read(&self) -> StoreNumbers {
        StoreNumbers {
            calls: self.calls.read(),
            errors: self.errors.read(),
            gets: self.gets.read(),
            hits: self.hits.read(),
            puts: self.puts.read(),
            refused: self.refused.read(),
            deletes: self.deletes.read(),
            increments: self.increments.read(),
            bytes_read: self.bytes_read.read(),
            bytes_written: self.bytes_written.read(),
            time: Duration::from_micros(self.micros.read()),
        }
    }
}
