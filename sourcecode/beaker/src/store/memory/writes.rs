//! [`Writes`]: when to look for what has expired.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::store::Version;

/// What has expired is looked for after this many writes at least.
pub(super) const SWEEP_AFTER: usize = 1024;

/// One write of so many, by chance, counts for all of them: a counter of each write would be passed
/// around between the cores.
const COUNTED: usize = 16;

/// How many writes there are to be, about, until what has expired is looked for.
pub(super) struct Writes {
    left: AtomicUsize,
}

impl Default for Writes {
    fn default() -> Writes {
        Writes { left: AtomicUsize::new(SWEEP_AFTER) }
    }
}

impl Writes {
    /// Counts a write that was given this version, and tells whether it is time. Of those who write at
    /// the same moment, one is told so.
    pub(super) fn count(&self, version: Version) -> bool {
        const MIXES_BITS: u64 = 0x9e37_79b9_7f4a_7c15;
        if version.number().wrapping_mul(MIXES_BITS) >> (64 - COUNTED.ilog2()) > 0 {
            return false;
        }
        let before = self.left.fetch_sub(COUNTED, Ordering::Relaxed);
        (1..=COUNTED).contains(&before)
    }

    /// What has expired is gone, and so many are left: each sweep looks at all of them.
    pub(super) fn begin_anew(&self, entries: usize) {
        self.left.store(entries.max(SWEEP_AFTER), Ordering::Relaxed);
    }
}
