//! What a cache has done: counted in [`Stats`], and reported as `tracing` events with the target
//! `beaker::cache`. Each computation is a span, `cache.create`. Hits are counted, but not reported as
//! events. The counts of a cache that has a name are published as metrics (feature `metrics`).

use std::cell::Cell;
use std::fmt::{self, Display};
use std::sync::Arc;
#[cfg(feature = "metrics")]
use std::sync::atomic::AtomicBool;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

#[cfg(feature = "tokio")]
pub(super) use events::in_this_span;
pub(super) use tracing::Span;

#[cfg(feature = "metrics")]
use crate::error::ErrorKind;
use crate::error::Result;
#[cfg(feature = "metrics")]
use crate::metrics::{CacheCounts, PublishedCache};

/// Holds the statistics of a cache in this process, to print them or to export them as metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Lookups that found a fresh value.
    pub hits: u64,
    /// Lookups that found no usable value.
    pub misses: u64,
    /// Stale values that were returned because a new one was being computed, or could not be computed.
    pub stale: u64,
    /// Values that were computed.
    pub creations: u64,
    /// Calls that waited for a value that another call computed.
    pub waits: u64,
    /// Loaders that failed.
    pub failures: u64,
    /// Values that were computed but could not be stored.
    pub unstored: u64,
    /// Calls that continued without the store because it had failed: those of functions that cannot return
    /// an error, and of caches that [bypass](super::OnStoreFailure::Bypass) the store.
    pub bypassed: u64,
    /// The total time that loaders took.
    pub creating: Duration,
}

impl Stats {
    /// Returns the share of lookups that found a fresh value: from 0 to 1, and 0 before the first lookup.
    ///
    /// ```
    /// use beaker::cache::Cache;
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let cache: Cache<i32> = Cache::in_memory(10);
    /// cache.get_or_create("Kimi", || 110)?;
    /// cache.get("Kimi")?;
    /// assert_eq!(cache.stats().hit_ratio(), 0.5);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn hit_ratio(&self) -> f64 {
        let looks = self.hits + self.misses + self.stale;
        if looks == 0 { 0.0 } else { self.hits as f64 / looks as f64 }
    }
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} hits, {} misses, {} stale, {} creations in {:.1?}, {} waits, {} failures",
            self.hits,
            self.misses,
            self.stale,
            self.creations,
            self.creating,
            self.waits,
            self.failures,
        )?;
        for (count, what) in [(self.unstored, "unstored"), (self.bypassed, "bypassed")] {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        Ok(())
    }
}

/// An operation that the store fails to do. A store whose disk is full still answers lookups: such an
/// answer does not end the outage.
#[derive(Clone, Copy)]
pub(super) enum Outage {
    Reading = 1,
    /// Giving the lock of a key, or noting where the computation of its value begins.
    Making,
}

/// Each thread counts in a row of its own, unless there are more threads than rows. With one row for all,
/// its cache line would be passed around between the cores, which costs more than a hit.
const ROWS: usize = 64;

/// Counts and reports what a cache does. A clone counts in the same place.
#[derive(Clone)]
pub(super) struct Recorder {
    rows: Arc<[Row; ROWS]>,
    /// The operation because of which the store was bypassed and which has not succeeded since: an
    /// [`Outage`], or 0.
    outage: Arc<AtomicU8>,
    /// The function that alone uses the cache, if there is one.
    pub(super) function: Option<&'static str>,
    /// Whether the last lookup in the store failed because the store cannot be reached.
    #[cfg(feature = "metrics")]
    is_unreachable: Arc<AtomicBool>,
    #[cfg(feature = "metrics")]
    published: Option<Arc<PublishedCache>>,
}

impl Default for Recorder {
    fn default() -> Recorder {
        Recorder {
            rows: Arc::new(std::array::from_fn(|_| Row::default())),
            outage: Arc::default(),
            function: None,
            #[cfg(feature = "metrics")]
            is_unreachable: Arc::default(),
            #[cfg(feature = "metrics")]
            published: None,
        }
    }
}

/// Aligned to cache lines of its own.
#[derive(Default)]
#[repr(align(128))]
struct Row {
    hits: AtomicU64,
    misses: AtomicU64,
    stale: AtomicU64,
    creations: AtomicU64,
    waits: AtomicU64,
    failures: AtomicU64,
    unstored: AtomicU64,
    bypassed: AtomicU64,
    creating: AtomicU64,
}

thread_local! {
    /// The row of this thread, once it has one.
    static ROW: Cell<usize> = const { Cell::new(usize::MAX) };
}

#[cold]
fn next_row() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let row = NEXT.fetch_add(1, Ordering::Relaxed) % ROWS;
    ROW.set(row);
    row
}

impl Recorder {
    #[inline]
    fn row(&self) -> &Row {
        let row = ROW.get();
        &self.rows[if row < ROWS { row } else { next_row() }]
    }

    /// Not one atomic step, because that would cost a fifth of a hit. If there are more threads than rows,
    /// a hit that happens at the same moment as another may not be counted.
    #[inline]
    pub(super) fn hit(&self) {
        let hits = &self.row().hits;
        hits.store(hits.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    pub(super) fn miss(&self) {
        add(&self.row().misses, 1);
    }

    pub(super) fn stale(&self) {
        add(&self.row().stale, 1);
    }

    pub(super) fn waited(&self) {
        add(&self.row().waits, 1);
    }

    pub(super) fn created(&self, took: Duration) {
        add(&self.row().creations, 1);
        add(&self.row().creating, took.as_micros() as u64);
    }

    pub(super) fn failed(&self) {
        add(&self.row().failures, 1);
    }

    pub(super) fn unstored(&self) {
        add(&self.row().unstored, 1);
    }

    pub(super) fn read(&self) -> Stats {
        let sum = |of: fn(&Row) -> &AtomicU64| {
            self.rows.iter().map(|row| of(row).load(Ordering::Relaxed)).sum::<u64>()
        };
        Stats {
            hits: sum(|row| &row.hits),
            misses: sum(|row| &row.misses),
            stale: sum(|row| &row.stale),
            creations: sum(|row| &row.creations),
            waits: sum(|row| &row.waits),
            failures: sum(|row| &row.failures),
            unstored: sum(|row| &row.unstored),
            bypassed: sum(|row| &row.bypassed),
            creating: Duration::from_micros(sum(|row| &row.creating)),
        }
    }
}

fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}

/// Counters that are reported as events as well.
impl Recorder {
    /// Returns the span in which a value is computed.
    pub(super) fn creating(&self, key: &[u8]) -> Span {
        events::creating(self.key(key))
    }

    pub(super) fn gave_stale(&self, key: &[u8]) {
        self.stale();
        events::stale(self.key(key));
    }

    pub(super) fn waits(&self, key: &[u8]) {
        self.waited();
        events::waits(self.key(key));
    }

    pub(super) fn loader_failed(&self, key: &[u8], error: &dyn Display) {
        self.failed();
        events::failed(self.key(key), error);
    }

    /// Counts a call of a function that cannot return an error and ran without the cache.
    #[cfg(feature = "macros")]
    pub(super) fn went_past(&self, error: &dyn Display) {
        add(&self.row().bypassed, 1);
        events::ran_without(error);
    }

    /// Counts a call that continues without the store. One event is reported for each outage, because
    /// thousands of them would say no more.
    pub(super) fn bypassed(&self, failed: Outage, error: &dyn Display) {
        add(&self.row().bypassed, 1);
        if self.outage.fetch_max(failed as u8, Ordering::Relaxed) == 0 {
            events::store_failed(error);
        }
    }

    /// Notes that the store has done this. An outage ends if it was about this operation or a lesser one.
    pub(super) fn reached_store(&self, done: Outage) {
        // Nearly always 0. Then nothing is written, and no cache line is passed around between the cores.
        let failed = self.outage.load(Ordering::Relaxed);
        let is_over = (1..=done as u8).contains(&failed);
        if is_over && self.outage.swap(0, Ordering::Relaxed) != 0 {
            events::store_is_back();
        }
        #[cfg(feature = "metrics")]
        if self.is_unreachable.load(Ordering::Relaxed) {
            self.is_unreachable.store(false, Ordering::Relaxed);
        }
    }

    /// Notes whether the store has answered a lookup.
    pub(super) fn looked<T>(&self, seen: &Result<T>) {
        match seen {
            Ok(_) => self.reached_store(Outage::Reading),
            #[cfg(feature = "metrics")]
            Err(error) if error.kind() == ErrorKind::Unavailable => {
                self.is_unreachable.store(true, Ordering::Relaxed);
            }
            Err(_) => {}
        }
    }

    pub(super) fn not_stored(&self, key: &[u8], error: &dyn Display) {
        self.unstored();
        events::unstored(self.key(key), error);
    }
}

/// The metrics of a cache that has a name.
#[cfg(feature = "metrics")]
impl Recorder {
    pub(super) fn published_as(self, name: &str) -> Recorder {
        let counted = self.clone();
        let published = PublishedCache::new(name, Box::new(move || counted.counts()));
        Recorder { published: Some(Arc::new(published)), ..self }
    }

    fn counts(&self) -> CacheCounts {
        let Stats { hits, misses, stale, waits, failures, unstored, bypassed, .. } = self.read();
        let is_store_down =
            self.outage.load(Ordering::Relaxed) != 0 || self.is_unreachable.load(Ordering::Relaxed);
        CacheCounts { hits, misses, stale, waits, failures, unstored, bypassed, is_store_down }
    }

    /// A loader has run, whatever its result.
    pub(super) fn loader_took(&self, time: Duration) {
        if let Some(published) = &self.published {
            published.loader_took(time);
        }
    }
}

mod events {
    use std::fmt::Display;

    use super::DisplayKey;
    use tracing::{Span, debug, debug_span, warn};

    const TARGET: &str = "beaker::cache";

    /// The length to which a key is cut in events.
    const LONGEST_KEY: usize = 100;

    pub(super) fn creating(key: DisplayKey<'_>) -> Span {
        debug_span!(target: TARGET, "cache.create", key = %text(key))
    }

    /// Wraps a future that will run as a task of its own, so that its events belong to the current span.
    #[cfg(feature = "tokio")]
    pub(in crate::cache) fn in_this_span<F: Future>(future: F) -> impl Future<Output = F::Output> {
        tracing::Instrument::in_current_span(future)
    }

    pub(super) fn failed(key: DisplayKey<'_>, error: &dyn Display) {
        warn!(target: TARGET, key = %text(key), %error, "the loader failed");
    }

    pub(super) fn unstored(key: DisplayKey<'_>, error: &dyn Display) {
        warn!(target: TARGET, key = %text(key), %error, "a value was made and not stored");
    }

    #[cfg(feature = "macros")]
    pub(super) fn ran_without(error: &dyn Display) {
        warn!(target: TARGET, %error, "a function ran without its cache");
    }

    pub(super) fn store_failed(error: &dyn Display) {
        warn!(target: TARGET, %error, "the store failed, and is bypassed");
    }

    pub(super) fn store_is_back() {
        warn!(target: TARGET, "the store answers again");
    }

    pub(super) fn stale(key: DisplayKey<'_>) {
        debug!(target: TARGET, key = %text(key), "a stale value is given");
    }

    pub(super) fn waits(key: DisplayKey<'_>) {
        debug!(target: TARGET, key = %text(key), "waits for another call");
    }

    fn text(key: DisplayKey<'_>) -> impl Display {
        key.cut(LONGEST_KEY)
    }
}

/// Shows `key`, or `function(key)` in a cache that only one function uses.
pub(super) struct DisplayKey<'a> {
    function: Option<&'static str>,
    key: &'a [u8],
}

impl Recorder {
    /// Returns the key as errors and logs show it.
    pub(super) fn key<'a>(&self, key: &'a [u8]) -> DisplayKey<'a> {
        DisplayKey { function: self.function, key }
    }
}

impl DisplayKey<'_> {
    /// Cuts the key to this many bytes.
    pub(super) fn cut(self, longest: usize) -> Self {
        DisplayKey { key: &self.key[..self.key.len().min(longest)], ..self }
    }
}

impl fmt::Display for DisplayKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.key.escape_ascii();
        match self.function {
            Some(function) => write!(f, "{function}({key})"),
            None => write!(f, "{key}"),
        }
    }
}
