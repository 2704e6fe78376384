//! How much a memory may hold.

use quick_cache::{Options, OptionsBuilder, Weighter};

use super::Entry;
use crate::error::{Error, Result};
use crate::key::Key;

/// What an entry takes beside its key and its bytes: its place in the table, with the room that the
/// table keeps free, and what the allocator adds.
const OVERHEAD: usize = 200;

/// More parts let more threads write at once; each has its share of the bound.
const MOST_PARTS: u64 = 64;

/// A bound in bytes is not cut into smaller parts than this.
const SMALLEST_PART: u64 = 16 * 1024 * 1024;

/// How much a [`MemoryStore`](super::MemoryStore) may hold. What is used least makes room for
/// what is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capacity {
    /// So many values, 1 at least.
    Entries(usize),
    /// About so many bytes, 1,000 at least: keys, values, and 200 for each.
    Bytes(usize),
}

impl Capacity {
    /// The table's settings. Each part has an equal share, and keys do not spread evenly over few
    /// places: so a small bound has one part.
    pub(super) fn options(self) -> Result<Options> {
        let (capacity, parts, entries) = match self {
            Capacity::Entries(0) => return Err(too_small("1 entry")),
            Capacity::Bytes(..1000) => return Err(too_small("1000 bytes")),
            Capacity::Entries(most) => (most as u64, most as u64 / 1024, most),
            Capacity::Bytes(most) => (most as u64, most as u64 / SMALLEST_PART, most / OVERHEAD),
        };
        options(capacity, parts, entries)
    }

    /// The settings of a table that is not bounded.
    pub(super) fn none() -> Result<Options> {
        options(u64::MAX, MOST_PARTS, 1024 * 1024)
    }
}

fn options(capacity: u64, parts: u64, entries: usize) -> Result<Options> {
    let parts = parts.clamp(1, MOST_PARTS) as usize;
    // Rounded down, since the table rounds up.
    let parts = 1 << parts.ilog2();
    let options = OptionsBuilder::new()
        // Each part has an equal share, which the table rounds up.
        .weight_capacity(capacity / parts as u64 * parts as u64)
        .estimated_items_capacity(entries.max(parts * 32))
        .shards(parts)
        .build();
    options.map_err(|error| Error::config("the memory cannot be set up").caused_by(error))
}

fn too_small(least: &str) -> Error {
    Error::config(format!("a memory holds {least} at least; give it more room"))
}

/// What an entry counts towards the bound.
#[derive(Debug, Clone, Copy)]
pub(super) enum Scale {
    Entries,
    Bytes,
}

impl Scale {
    pub(super) fn of(bound: Option<Capacity>) -> Scale {
        match bound {
            Some(Capacity::Bytes(_)) => Scale::Bytes,
            Some(Capacity::Entries(_)) | None => Scale::Entries,
        }
    }

    pub(super) fn weight_of(self, key: &Key, bytes: &[u8]) -> u64 {
        match self {
            Scale::Entries => 1,
            Scale::Bytes => {
                (OVERHEAD + key.name().len() + key.namespace().name().len() + bytes.len()) as u64
            }
        }
    }
}

impl Weighter<Key, Entry> for Scale {
    fn weight(&self, key: &Key, entry: &Entry) -> u64 {
        self.weight_of(key, &entry.bytes)
    }
}
