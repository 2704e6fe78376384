//! [`Numbers`]: what a cache has done so far.

use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// What a cache has done so far, to print or to send to a page of metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Numbers {
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
    /// Calls of functions that cannot fail, and that ran without the cache since the store failed.
    pub bypassed: u64,
    /// The time that all the creators took together.
    pub creating: Duration,
}

impl Numbers {
    /// Of all looks, how many found a fresh value: 0 to 1.
    pub fn hit_ratio(&self) -> f64 {
        let looks = self.hits + self.misses + self.stale;
        if looks == 0 { 0.0 } else { self.hits as f64 / looks as f64 }
    }
}

impl fmt::Display for Numbers {
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

/// Each thread counts in a row of its own, as long as there are not more threads: one row for all would
/// be passed around between the cores, which costs more than a hit.
const ROWS: usize = 64;

pub(super) struct Counting {
    rows: Box<[Row; ROWS]>,
}

impl Default for Counting {
    fn default() -> Counting {
        Counting { rows: Box::new(std::array::from_fn(|_| Row::default())) }
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

impl Counting {
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

    #[cfg(feature = "macros")]
    pub(super) fn bypassed(&self) {
        add(&self.row().bypassed, 1);
    }

    pub(super) fn read(&self) -> Numbers {
        let sum = |of: fn(&Row) -> &AtomicU64| {
            self.rows.iter().map(|row| of(row).load(Ordering::Relaxed)).sum::<u64>()
        };
        Numbers {
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
