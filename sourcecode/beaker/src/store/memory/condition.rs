//! Writing on a condition.

use quick_cache::sync::{EntryAction, EntryResult};

use super::{Entry, MemoryStore};
use crate::key::Key;
use crate::store::Precondition;

impl MemoryStore {
    /// Looks and writes as one act: what is there is replaced in its place, under the table's own
    /// lock; where nothing is, the table keeps the place for whoever came first.
    pub(super) fn put_if(&self, key: &Key, new: Entry, when: Precondition) -> bool {
        let mut new = Some(new);
        let replace = |_: &Key, current: &mut Entry| {
            let version = current.lives(&*self.clock).then_some(current.version);
            let is_met = when.is_met_by(version);
            if is_met && let Some(new) = new.take() {
                *current = new;
            }
            EntryAction::<bool>::Retain(is_met)
        };
        match self.table.entry(key, None, replace) {
            EntryResult::Retained(is_met) => is_met,
            EntryResult::Vacant(place) => match new.filter(|_| when.is_met_by(None)) {
                // It is not kept if somebody wrote there meanwhile without a condition.
                Some(new) => place.insert(new).is_ok(),
                None => false,
            },
            // Not chosen above.
            EntryResult::Removed(..) | EntryResult::Replaced(..) | EntryResult::Timeout => false,
        }
    }
}
