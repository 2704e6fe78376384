//! [`StoreNumbers`]: what was done with a store so far.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What was done with a store so far, to print or to send to a page of metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreNumbers {
    /// Calls of the store. A batch is one.
    pub calls: u64,
    /// Calls that failed.
    pub errors: u64,
    /// Keys that were looked at.
    pub gets: u64,
    /// Keys under which something lived.
    pub hits: u64,
    /// Values that were written.
    pub puts: u64,
    /// Writes whose condition was not met.
    pub refused: u64,
    /// Keys that were removed, also where nothing lived.
    pub deletes: u64,
    /// Bytes of values that were read.
    pub bytes_read: u64,
    /// Bytes of values that were written.
    pub bytes_written: u64,
    /// The time that all the calls took together.
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
        )
    }
}

/// The same, while it is counted.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) calls: Counter,
    pub(super) errors: Counter,
    pub(super) gets: Counter,
    pub(super) hits: Counter,
    pub(super) puts: Counter,
    pub(super) refused: Counter,
    pub(super) deletes: Counter,
    pub(super) bytes_read: Counter,
    pub(super) bytes_written: Counter,
    pub(super) micros: Counter,
}

#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add(&self, count: usize) {
        self.0.fetch_add(count as u64, Ordering::Relaxed);
    }

    fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    pub(super) fn read(&self) -> StoreNumbers {
        StoreNumbers {
            calls: self.calls.read(),
            errors: self.errors.read(),
            gets: self.gets.read(),
            hits: self.hits.read(),
            puts: self.puts.read(),
            refused: self.refused.read(),
            deletes: self.deletes.read(),
            bytes_read: self.bytes_read.read(),
            bytes_written: self.bytes_written.read(),
            time: Duration::from_micros(self.micros.read()),
        }
    }
}
