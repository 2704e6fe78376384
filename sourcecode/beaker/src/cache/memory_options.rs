//! [`MemoryOptions`]: what a cache in memory may be told at its beginning, and [`EvictionCause`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What a value weighs.
pub(super) type Weigher<V> = Arc<dyn Fn(&[u8], &V) -> u32 + Send + Sync>;

/// Who is told what leaves the cache.
pub(super) type Listener<V> = Arc<dyn Fn(&[u8], V, EvictionCause) + Send + Sync>;

/// Says how much a cache in memory holds, what a value weighs, how long an unused one stays, and who is told
/// what leaves it. For [`Cache::in_memory_with`](crate::Cache::in_memory_with). What is not asked for costs
/// nothing.
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
/// Which values make room is decided by how often and how lately they were used (Clock-PRO, close to
/// S3-FIFO). Least recently used alone is not offered: one pass over many keys would empty the cache, and
/// the table would have to write at each hit.
#[derive(Clone)]
#[must_use]
pub struct MemoryOptions<V> {
    pub(super) capacity: usize,
    pub(super) weigher: Option<Weigher<V>>,
    pub(super) time_to_idle: Option<Duration>,
    pub(super) listener: Option<Listener<V>>,
    /// Among metrics.
    #[cfg(feature = "metrics")]
    pub(super) name: Option<Box<str>>,
}

impl<V> MemoryOptions<V> {
    /// Takes how many values the cache holds at most; with a [`weigher`](MemoryOptions::weigher), how much
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

    /// Sets the name of the cache among [metrics](crate::metrics): the label `cache`. Default: it has none, and is
    /// not among them. Names come from the program, and never from a visitor.
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

    /// Sets what a value weighs: its bytes, say. Default: each weighs 1.
    ///
    /// It is called when a value comes and when it goes, and has to say the same both times. 0 counts as 1.
    /// The cache has up to four parts of equal size, so a value of more than a fifth of the capacity may
    /// not be taken in.
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

    /// Sets how long a value stays that nobody looks at. Default: for ever. It stays no longer than its
    /// [time to live](crate::Cache::ttl) in any case. Each look counts, also one of `peek` and `contains`.
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

    /// Sets what is called with each value that leaves the cache, its key, and why. Default: nothing is.
    ///
    /// The call comes from a thread or task that uses the cache, before its own call returns; several may
    /// come at the same time. It may use the cache. It must not block in an asynchronous program. What has
    /// expired or was invalidated leaves when its key is asked for next, or when its room is needed. A
    /// panic of the function goes on in the call that it came from, and what was still to be told is not.
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

/// Tells why a value has left a cache in memory. See [`MemoryOptions::on_eviction`].
#[doc(alias = "RemovalCause")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EvictionCause {
    /// It had expired, or nobody had looked at it for too long.
    Expired,
    /// Another one was put in its place.
    Replaced,
    /// It was removed or invalidated, by itself or with others.
    Removed,
    /// Others needed the room, or it was too heavy.
    Size,
}
