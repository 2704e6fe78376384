//! A key in the table of a cache in memory, with all that is to be known of its value.
//!
//! So a hit is one look-up: what is looked for is a key *that is fresh*, and another one is not equal to
//! it. What comes back is the value alone, cloned once, with nothing to take apart.

use std::hash::{Hash, Hasher};

use quick_cache::Equivalent;

use super::age::Age;
use crate::clock::Timestamp;

/// Equal to any other of the same bytes.
#[derive(Debug, Clone)]
pub(super) struct Name {
    pub(super) bytes: Box<[u8]>,
    pub(super) age: Age,
}

impl PartialEq for Name {
    fn eq(&self, other: &Name) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(&self.bytes);
    }
}

/// The name of these bytes, if its value is fresh beyond doubt.
pub(super) struct Fresh<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) now: Timestamp,
    /// What was made until then was invalidated; microseconds, 0 for never.
    pub(super) marked: u64,
}

impl Hash for Fresh<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.bytes);
    }
}

impl Equivalent<Name> for Fresh<'_> {
    #[inline]
    fn equivalent(&self, name: &Name) -> bool {
        let age = &name.age;
        *self.bytes == *name.bytes
            && age.made_at.as_micros() > self.marked
            && age.fresh_until.is_none_or(|end| self.now < end)
            && age.is_plausible(self.now)
            && age.tags.is_none()
    }
}
