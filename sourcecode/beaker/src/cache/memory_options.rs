//! [`MemoryOptions`]: the options of a cache in memory; and [`EvictionCause`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Returns the weight of a value.
pub(super) type Weigher<V> = Arc<dyn Fn(&[u8], &V) -> u32 + Send + Sync>;

/// Receives each value that leaves the cache.
pub(super) type Listener<V> = Arc<dyn Fn(&[u8], V, EvictionCause) + Send + Sync>;

/// Sets how much a cache in memory holds, the weight of each value, how long an unused value stays, and a
/// listener for values that leave the cache. Pass it to
/// [`Cache::in_memory_with`](crate::Cache::in_memory_with). An option that is not set costs nothing.
///
/// ```
/// use std::sync::mpsc;
/// use std::time::Duration;
/// use beaker::cache::{Cache, EvictionCause, MemoryOptions};
///
/// # fn main() -> beaker::Result<()> {
/// let (sender, gone) = mpsc::channel();
/// let options = MemoryOptions::new(1_000_000)
///     .weigher(|_key, page: &String| page.len() as u32)
///     .time_to_idle(Duration::from_secs(600))
///     .on_eviction(move |_key, page, cause| drop(sender.send((page, cause))));
/// let pages = Cache::in_memory_with(options);
/// pages.put("/", "welcome".to_owned())?;
/// pages.remove("/")?;
/// assert_eq!(gone.recv().unwrap(), ("welcome".to_owned(), EvictionCause::Removed));
/// # Ok(())
/// # }
/// ```
///
/// Eviction takes into account how often and how recently a value was used (Clock-PRO, which is close to
/// S3-FIFO). Plain LRU (least recently used) is not offered, for two reasons: a single pass over many keys
/// would evict everything else, and the table would have to be written at each hit.
#[derive(Clone)]
#[must_use]
pub struct MemoryOptions<V> {
    pub(super) capacity: usize,
    pub(super) weigher: Option<Weigher<V>>,
    pub(super) time_to_idle: Option<Duration>,
    pub(super) listener: Option<Listener<V>>,
    /// The name in the metrics.
    #[cfg(feature = "metrics")]
    pub(super) name: Option<Box<str>>,
}

impl<V> MemoryOptions<V> {
    /// Sets how many values the cache holds at most; with a [`weigher`](MemoryOptions::weigher), how much
    /// they may weigh together. With 0, nothing is kept.
    pub fn new(capacity: usize) -> MemoryOptions<V> {
        MemoryOptions {
            capacity,
            weigher: None,
            time_to_idle: None,
            listener: None,
            #[cfg(feature = "metrics")]
            name: None,
        }
    }

    /// Sets the name of the cache in the [metrics](crate::metrics), where it is the label `cache`. Default:
    /// no name, and the cache does not appear in the metrics. Use a fixed set of names that your program
    /// defines, never text from a visitor.
    ///
    /// ```
    /// use beaker::cache::{Cache, MemoryOptions};
    ///
    /// let points: Cache<u32> = Cache::in_memory_with(MemoryOptions::new(1_000).name("points"));
    /// ```
    #[cfg(feature = "metrics")]
    pub fn name(mut self, name: &str) -> MemoryOptions<V> {
        self.name = Some(name.into());
        self
    }

    /// Sets the weight of each value, for example its size in bytes. Default: 1.
    ///
    /// The function is called when a value is stored and again when it leaves, and must return the same
    /// weight both times. A weight of 0 counts as 1. The cache has up to four parts of equal size, so a
    /// value that weighs more than a fifth of the capacity may not be kept.
    ///
    /// ```
    /// use beaker::cache::{Cache, MemoryOptions};
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let options = MemoryOptions::new(10_000).weigher(|_key, text: &String| text.len() as u32);
    /// let cache = Cache::in_memory_with(options);
    /// cache.put("long", "x".repeat(10_001))?;
    /// assert_eq!(cache.get("long")?, None);
    /// # Ok(())
    /// # }
    /// ```
    pub fn weigher(
        mut self,
        weigh: impl Fn(&[u8], &V) -> u32 + Send + Sync + 'static,
    ) -> MemoryOptions<V> {
        self.weigher = Some(Arc::new(weigh));
        self
    }

    /// Sets the idle timeout: how long a value stays without being used. Default: forever. A value never
    /// stays longer than its [time to live](crate::Cache::ttl). Each lookup counts as use, including those
    /// of `peek` and `contains`.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::time::Duration;
    /// use beaker::ManualClock;
    /// use beaker::cache::{Cache, MemoryOptions};
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let clock = Arc::new(ManualClock::default());
    /// let options = MemoryOptions::new(100).time_to_idle(Duration::from_secs(60));
    /// let cache: Cache<u32> = Cache::in_memory_with(options).clock(clock.clone());
    /// cache.put("Kimi", 110_u32)?;
    /// clock.advance(Duration::from_secs(59));
    /// assert_eq!(cache.get("Kimi")?, Some(110));
    /// clock.advance(Duration::from_secs(60));
    /// assert_eq!(cache.get("Kimi")?, None);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias("tti", "expire_after_access"))]
    pub fn time_to_idle(mut self, time: Duration) -> MemoryOptions<V> {
        self.time_to_idle = Some(time);
        self
    }

    /// Sets the function that is called with each value that leaves the cache, its key and the cause.
    /// Default: none.
    ///
    /// The function runs on the thread or task that caused the removal, before its call returns. Several
    /// calls may run at the same time. The function may use the cache, but must not block in an
    /// asynchronous program. A value that has expired or was invalidated leaves when its key is next looked
    /// up, or when its room is needed. If the function panics, the panic reaches the call that caused the
    /// removal, and other values of that call are not reported.
    #[doc(alias("eviction_listener", "removal_listener"))]
    pub fn on_eviction(
        mut self,
        listener: impl Fn(&[u8], V, EvictionCause) + Send + Sync + 'static,
    ) -> MemoryOptions<V> {
        self.listener = Some(Arc::new(listener));
        self
    }
}

impl<V> fmt::Debug for MemoryOptions<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryOptions")
            .field("capacity", &self.capacity)
            .field("time_to_idle", &self.time_to_idle)
            .field("has_weigher", &self.weigher.is_some())
            .field("has_listener", &self.listener.is_some())
            .finish()
    }
}

/// States why a value left a cache in memory. See [`MemoryOptions::on_eviction`].
#[doc(alias = "RemovalCause")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EvictionCause {
    /// The value had expired, or nobody had used it for longer than the idle timeout.
    Expired,
    /// Another value was stored under the same key.
    Replaced,
    /// The value was removed or invalidated, alone or with others.
    Removed,
    /// The cache needed room for other values, or the value was too heavy.
    Size,
}
