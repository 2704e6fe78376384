//! [`Seen`]: what a look at a key finds.

use super::age::{Age, Origin};
use super::local_invalidations::Invalidated;
use crate::store::Version;

/// A value and its age.
#[derive(Debug, Clone)]
pub(super) struct Slot<V> {
    pub(super) value: V,
    pub(super) age: Age,
}

/// What is under a key now.
pub(super) struct Seen<V> {
    pub(super) slot: Option<Slot<V>>,
    /// Which write is there, also if it is one of nothing; what comes in its place is written only if
    /// this is still there.
    pub(super) version: Option<Version>,
    pub(super) invalidated: Invalidated,
    /// For a value whose making begins with this look; `None` if that is still to be read.
    pub(super) origin: Option<Origin>,
    /// How many flights had landed before the look.
    pub(super) landings: u64,
}

impl<V> Seen<V> {
    pub(super) fn nothing(origin: Option<Origin>) -> Seen<V> {
        Seen { slot: None, version: None, invalidated: Invalidated::No, origin, landings: 0 }
    }
}
