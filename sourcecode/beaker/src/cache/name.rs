//! A key in the table of a cache in memory, with all that is to be known of its value.
//!
//! So a hit is one look-up: what is looked for is a key *that is fresh*, and another one is not equal to
//! it. What comes back is the value alone, cloned once, with nothing to take apart.

use std::hash::{Hash, Hasher};
use std::time::Duration;

use quick_cache::Equivalent;

use super::age::{Age, Origin};
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
    /// Which invalidations came before it: 40 bits. And what its making took: 24 bits, in units of
    /// 100 microseconds.
    began_and_cost: u64,
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
            began_and_cost: pack(age.origin.local, age.cost),
            tags: age.tags.is_some().then(|| Box::new(age.tags)),
        }
    }

    pub(super) fn age(&self) -> Age {
        let moment = Timestamp::from_micros;
        Age {
            made_at: moment(self.made_at),
            origin: Origin { local: self.began(), ..Origin::default() },
            fresh_until: (self.fresh_until != u64::MAX).then(|| moment(self.fresh_until)),
            cost: COST_UNIT * (self.began_and_cost & LONGEST_COST) as u32,
            tags: self.tags.as_deref().cloned().flatten(),
        }
    }
}

impl Name {
    #[inline]
    fn began(&self) -> u64 {
        self.began_and_cost >> COST_BITS
    }
}

const COST_BITS: u32 = 24;
const COST_UNIT: Duration = Duration::from_micros(100);
const LONGEST_COST: u64 = (1 << COST_BITS) - 1;
const MOST_COUNTED: u64 = (1 << (64 - COST_BITS)) - 1;

/// After 2^40 invalidations, years of thousands a second, each value counts as invalidated: rather that
/// than one that comes back.
fn pack(count: u64, cost: Duration) -> u64 {
    let cost = u64::try_from(cost.as_micros().div_ceil(COST_UNIT.as_micros()));
    (count.min(MOST_COUNTED) << COST_BITS) | cost.unwrap_or(u64::MAX).min(LONGEST_COST)
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
    /// What began before this count was invalidated.
    pub(super) oldest: u64,
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
            && name.began() >= self.oldest
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
        let origin = Origin { local: MOST_COUNTED, ..Origin::default() };
        for age in [
            Age {
                made_at: at(5),
                origin,
                fresh_until: None,
                cost: Duration::from_millis(50),
                tags,
            },
            Age {
                made_at: at(5),
                origin: Origin::default(),
                fresh_until: Some(at(7)),
                cost: Duration::ZERO,
                tags: None,
            },
        ] {
            assert_eq!(Name::new(b"k", age.clone()).age(), age);
        }
        assert_eq!(pack(u64::MAX, Duration::MAX), u64::MAX);
        assert!(size_of::<Name>() <= 48, "{} bytes", size_of::<Name>());
    }
}
