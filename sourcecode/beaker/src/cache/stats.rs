//! What a cache has done: counted in [`Stats`], and told to whoever listens to `tracing`. Making a
//! value is a span, `cache.create`; the target is `beaker::cache`. Hits are counted and not told. The
//! counts of a cache that has a name are published as metrics (feature `metrics`).

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

/// Holds what a cache has done so far in this process, to print or to send to a page of metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Fresh values that were found.
    pub hits: u64,
    /// Looks that found nothing that may be used.
    pub misses: u64,
    /// Stale values that were given because a new one was being made, or could not be.
    pub stale: u64,
    /// Values that were made.
    pub creations: u64,
    /// Calls that waited for a value that another thread made.
    pub waits: u64,
    /// Creators that failed.
    pub failures: u64,
    /// Values that were made and could not be stored.
    pub unstored: u64,
    /// Calls that went on without the store, since it failed: those of functions that cannot fail, and of
    /// caches that [bypass](super::OnStoreFailure::Bypass) it.
    pub bypassed: u64,
    /// The time that all the creators took together.
    pub creating: Duration,
}

impl Stats {
    /// Returns the part of looks that found a fresh value: 0 to 1, and 0 before the first look.
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

/// What a store fails to do. A disk that is full lets others read: that it answers them is no end of the
/// outage.
#[derive(Clone, Copy)]
pub(super) enum Outage {
    Reading = 1,
    /// To give the lock of a key, or to note where the making of its value begins.
    Making,
}

/// Each thread counts in a row of its own, as long as there are not more threads: one row for all would
/// be passed around between the cores, which costs more than a hit.
const ROWS: usize = 64;

/// Counts what a cache does, and tells it. A clone counts in the same place.
#[derive(Clone)]
pub(super) struct Recorder {
    rows: Arc<[Row; ROWS]>,
    /// What the store failed to do when it was bypassed, and has not done since: an [`Outage`], or 0.
    outage: Arc<AtomicU8>,
    /// The function whose values alone are in the cache.
    pub(super) function: Option<&'static str>,
    /// Whether the last look at the store has failed since that cannot be reached.
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

/// On cache lines of its own.
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

    /// Not one act, since that would cost a fifth of a hit: where more threads than there are rows
    /// hit at the same moment, one of them may not be counted.
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

/// What is counted is told as well.
impl Recorder {
    /// The value is being made by what runs in this.
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

    pub(super) fn creator_failed(&self, key: &[u8], error: &dyn Display) {
        self.failed();
        events::failed(self.key(key), error);
    }

    /// A function that cannot fail ran without the cache.
    #[cfg(feature = "macros")]
    pub(super) fn went_past(&self, error: &dyn Display) {
        add(&self.row().bypassed, 1);
        events::ran_without(error);
    }

    /// A call goes on without the store. One event an outage: of thousands, no other says more.
    pub(super) fn bypassed(&self, failed: Outage, error: &dyn Display) {
        add(&self.row().bypassed, 1);
        if self.outage.fetch_max(failed as u8, Ordering::Relaxed) == 0 {
            events::store_failed(error);
        }
    }

    /// The store has done this. So it does again what it failed to do, if that was no more.
    pub(super) fn reached_store(&self, done: Outage) {
        // Nearly always 0, and then nothing is written that is passed around between the cores.
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

    /// Notes whether the store has answered a look.
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

/// Metrics, of a cache that has a name.
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

    /// A loader has run, whatever came of it.
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

    /// So much of a key is told.
    const LONGEST_KEY: usize = 100;

    pub(super) fn creating(key: DisplayKey<'_>) -> Span {
        debug_span!(target: TARGET, "cache.create", key = %text(key))
    }

    /// A future for a task of its own, whose events are told in the span that is entered now.
    #[cfg(feature = "tokio")]
    pub(in crate::cache) fn in_this_span<F: Future>(future: F) -> impl Future<Output = F::Output> {
        tracing::Instrument::in_current_span(future)
    }

    pub(super) fn failed(key: DisplayKey<'_>, error: &dyn Display) {
        warn!(target: TARGET, key = %text(key), %error, "the creator failed");
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

/// `key`, or `function(key)` in a cache that only one function has.
pub(super) struct DisplayKey<'a> {
    function: Option<&'static str>,
    key: &'a [u8],
}

impl Recorder {
    /// The key for those who read errors and logs.
    pub(super) fn key<'a>(&self, key: &'a [u8]) -> DisplayKey<'a> {
        DisplayKey { function: self.function, key }
    }
}

impl DisplayKey<'_> {
    /// Not more than the first bytes.
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
