//! [`Seen`]: what a look at a key finds.

use super::age::{Age, Marks};
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
    pub(super) marks: Marks,
    /// How many flights had landed before the look.
    pub(super) landings: u64,
}

impl<V> Seen<V> {
    pub(super) fn nothing(marks: Marks) -> Seen<V> {
        Seen { slot: None, version: None, marks, landings: 0 }
    }
}
