//! What a pickle remembers, by number.

use std::collections::HashMap;

use super::node::NodeId;

/// Python counts from zero, so that most numbers are places in a list. A number that is far beyond them costs no
/// more than any other.
#[derive(Default)]
pub(super) struct Memo {
    first: Vec<NodeId>,
    others: HashMap<u64, NodeId>,
}

impl Memo {
    pub(super) fn len(&self) -> usize {
        self.first.len() + self.others.len()
    }

    pub(super) fn get(&self, key: u64) -> Option<NodeId> {
        let first = usize::try_from(key).ok().and_then(|key| self.first.get(key));
        first.or_else(|| self.others.get(&key)).copied()
    }

    pub(super) fn put(&mut self, key: u64, id: NodeId) {
        match usize::try_from(key) {
            Ok(place) if place < self.first.len() => self.first[place] = id,
            Ok(place) if place == self.first.len() => {
                self.first.push(id);
                if !self.others.is_empty() {
                    self.others.remove(&key);
                }
            }
            _ => drop(self.others.insert(key, id)),
        }
    }
}
