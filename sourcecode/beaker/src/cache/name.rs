//! A key in the table of a cache in memory, with all that is to be known of its value.
//!
//! So a hit is one look-up: what is looked for is a key *that is fresh*, and another one is not equal to
//! it. What comes back is the value alone, cloned once, with nothing to take apart.

use std::hash::{Hash, Hasher};
use std::time::Duration;

use quick_cache::Equivalent;

use super::age::Age;
use super::made::Tags;
use crate::clock::Timestamp;

/// Equal to any other of the same bytes. There are as many of these as values, so what an [`Age`] says
/// is kept in half the room.
#[derive(Debug, Clone)]
pub(super) struct Name {
    bytes: Box<[u8]>,
    made_at: u64,
    /// Microseconds; all ones: for ever.
    fresh_until: u64,
    /// Microseconds.
    cost: u32,
    /// Most have none, and then this is all they cost.
    #[allow(clippy::box_collection, reason = "a thin pointer")]
    tags: Option<Box<Tags>>,
}

impl Name {
    pub(super) fn new(bytes: &[u8], age: Age) -> Name {
        Name {
            bytes: bytes.into(),
            made_at: age.made_at.as_micros(),
            fresh_until: age.fresh_until.map_or(u64::MAX, Timestamp::as_micros),
            cost: u32::try_from(age.cost.as_micros()).unwrap_or(u32::MAX),
            tags: age.tags.is_some().then(|| Box::new(age.tags)),
        }
    }

    pub(super) fn age(&self) -> Age {
        let moment = Timestamp::from_micros;
        Age {
            made_at: moment(self.made_at),
            fresh_until: (self.fresh_until != u64::MAX).then(|| moment(self.fresh_until)),
            cost: Duration::from_micros(self.cost.into()),
            tags: self.tags.as_deref().cloned().flatten(),
        }
    }
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
        *self.bytes == *name.bytes
            && name.made_at > self.marked
            && self.now.as_micros() < name.fresh_until
            && Age::is_plausible(Timestamp::from_micros(name.made_at), self.now)
            && name.tags.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_an_age_and_is_small() {
        let at = Timestamp::from_micros;
        let tags: Tags = Some(vec!["a".into(), "b".into()].into());
        for age in [
            Age { made_at: at(5), fresh_until: None, cost: Duration::from_millis(50), tags },
            Age { made_at: at(5), fresh_until: Some(at(7)), cost: Duration::ZERO, tags: None },
        ] {
            assert_eq!(Name::new(b"k", age.clone()).age(), age);
        }
        assert!(size_of::<Name>() <= 48, "{} bytes", size_of::<Name>());
    }
}
