//! The change of one key, and the keys that were changed.

use std::mem;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::value::{Value, Values};

/// What an update does: from the old value to the new one.
pub(in super::super) type Update = Arc<dyn Fn(Option<&Value>) -> Value + Send + Sync>;

#[derive(Clone)]
pub(in super::super) struct Change {
    pub(super) before: Option<Value>,
    /// Whether the value is another one than `before`. An update that changed nothing here may change what
    /// somebody else has saved, so it is kept.
    pub(super) differs: bool,
    redo: Redo,
}

#[derive(Clone)]
pub(super) enum Redo {
    /// The key is to have the value that it has now, or to be missing if it is.
    Replace,
    /// These are to be applied to whatever is there, in this order.
    Update(SmallVec<[Update; 1]>),
}

impl Change {
    pub(super) fn redo(&self, mine: Option<&Value>) -> Option<Value> {
        match &self.redo {
            Redo::Replace => mine.cloned(),
            Redo::Update(updates) => {
                let apply = |value: Option<Value>, update: &Update| Some(update(value.as_ref()));
                updates.iter().fold(self.before.clone(), apply)
            }
        }
    }
}

/// Sets a key, and gives what was there. A key that is there already needs no copy.
pub(super) fn replace(values: &mut Values, key: &str, value: Value) -> Option<Value> {
    match values.get_mut(key) {
        Some(place) => Some(mem::replace(place, value)),
        None => values.insert(key.to_owned(), value),
    }
}

/// Where a key is, or where it belongs. (A request changes few keys: a list of them takes less than a
/// tree does.)
pub(super) fn place(keys: &[(String, Change)], key: &str) -> Result<usize, usize> {
    keys.binary_search_by(|(known, _)| known.as_str().cmp(key))
}

/// Remembers the first `before` of a key, and what to do with it in the end: nothing, if it has got the
/// value back that it had.
pub(super) fn note(
    keys: &mut Vec<(String, Change)>,
    key: String,
    before: Option<Value>,
    values: &Values,
    redo: Redo,
) {
    let now = values.get(&key);
    let place = match place(keys, &key) {
        Err(place) => {
            keys.insert(place, (key, Change { before, differs: true, redo }));
            place
        }
        Ok(place) => {
            match (&mut keys[place].1.redo, redo) {
                (Redo::Update(updates), Redo::Update(more)) => updates.extend(more),
                (known, _) => *known = Redo::Replace,
            }
            place
        }
    };
    let change = &mut keys[place].1;
    change.differs = !is_same(change.before.as_ref(), now);
    if !change.differs && matches!(change.redo, Redo::Replace) {
        keys.remove(place);
    }
}

/// Remembers that a key is to be missing that was not among the values.
pub(super) fn note_removed(keys: &mut Vec<(String, Change)>, key: &str) {
    if let Err(place) = place(keys, key) {
        let change = Change { before: None, differs: true, redo: Redo::Replace };
        keys.insert(place, (key.to_owned(), change));
    }
}

pub(super) fn is_same(one: Option<&Value>, other: Option<&Value>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.is_same(other),
        (one, other) => one.is_none() && other.is_none(),
    }
}
