//! What was changed in a session since it was loaded: enough to undo it, and enough to do it again
//! on top of what somebody else has saved meanwhile.

use std::fmt;
use std::mem;
use std::sync::Arc;

use smallvec::{SmallVec, smallvec};

use crate::value::{Value, Values};

/// What an update does: from the old value to the new one.
pub(super) type Update = Arc<dyn Fn(Option<&Value>) -> Value + Send + Sync>;

#[derive(Clone)]
pub(super) enum Changes {
    /// These keys were changed, in the order of the keys.
    Keys(Vec<(String, Change)>),
    /// Nothing of what was there before is to stay, as in a new session and after `clear`.
    All { before: Values, any: bool },
}

#[derive(Clone)]
pub(super) struct Change {
    before: Option<Value>,
    redo: Redo,
}

#[derive(Clone)]
enum Redo {
    /// The key is to have the value that it has now, or to be missing if it is.
    Replace,
    /// These are to be applied to whatever is there, in this order.
    Update(SmallVec<[Update; 1]>),
}

impl Changes {
    /// No changes, of what was loaded.
    pub(super) fn none() -> Changes {
        Changes::Keys(Vec::new())
    }

    /// No changes, of a session that is stored nowhere.
    pub(super) fn of_a_new_session() -> Changes {
        Changes::All { before: Values::new(), any: false }
    }

    pub(super) fn is_empty(&self) -> bool {
        match self {
            Changes::Keys(keys) => keys.is_empty(),
            Changes::All { any, .. } => !any,
        }
    }

    /// Whether the key may have been changed.
    pub(super) fn touches(&self, key: &str) -> bool {
        match self {
            Changes::Keys(keys) => place(keys, key).is_ok(),
            Changes::All { any, .. } => *any,
        }
    }

    /// Whether nothing of what was there before is to stay.
    pub(super) fn clears(&self) -> bool {
        matches!(self, Changes::All { any: true, .. })
    }

    /// Notes that a key is to be missing that is not among the values.
    pub(super) fn note_removed(&mut self, key: &str) {
        if let Changes::Keys(keys) = self {
            note(keys, key.into(), None, Redo::Replace);
        }
    }

    pub(super) fn set(&mut self, values: &mut Values, key: String, value: Value) {
        match self {
            Changes::All { any, .. } => {
                *any = true;
                values.insert(key, value);
            }
            Changes::Keys(keys) => {
                let before = replace(values, &key, value);
                note(keys, key, before, Redo::Replace);
            }
        }
    }

    pub(super) fn remove(&mut self, values: &mut Values, key: &str) -> Option<Value> {
        let before = values.remove(key)?;
        match self {
            Changes::All { any, .. } => *any = true,
            Changes::Keys(keys) => note(keys, key.into(), Some(before.clone()), Redo::Replace),
        }
        Some(before)
    }

    pub(super) fn update(&mut self, values: &mut Values, key: String, update: Update) -> Value {
        let value = update(values.get(&key));
        let before = replace(values, &key, value.clone());
        match self {
            Changes::All { any, .. } => *any = true,
            Changes::Keys(keys) => note(keys, key, before, Redo::Update(smallvec![update])),
        }
        value
    }

    pub(super) fn clear(&mut self, values: &mut Values) {
        let all = mem::take(values);
        *self = Changes::All { before: self.undo(all), any: true };
    }

    /// The values as they were before all changes, which are forgotten.
    pub(super) fn undo(&mut self, mut values: Values) -> Values {
        match self {
            Changes::All { before, any } => {
                *any = false;
                before.clone()
            }
            Changes::Keys(keys) => {
                for (key, change) in mem::take(keys) {
                    match change.before {
                        Some(value) => values.insert(key, value),
                        None => values.remove(&key),
                    };
                }
                values
            }
        }
    }

    /// Makes the same changes to what somebody else has saved: `latest` becomes what is to be
    /// saved, `mine` are the values with the changes as they were made here.
    pub(super) fn redo(&mut self, mine: &Values, latest: &mut Values) {
        match self {
            Changes::All { before, .. } => *before = mem::replace(latest, mine.clone()),
            Changes::Keys(keys) => {
                for (key, change) in keys {
                    change.before = latest.get(key).cloned();
                    match change.redo(mine.get(key)) {
                        Some(value) => latest.insert(key.clone(), value),
                        None => latest.remove(key),
                    };
                }
            }
        }
    }
}

impl Change {
    fn redo(&self, mine: Option<&Value>) -> Option<Value> {
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
fn replace(values: &mut Values, key: &str, value: Value) -> Option<Value> {
    match values.get_mut(key) {
        Some(place) => Some(mem::replace(place, value)),
        None => values.insert(key.to_owned(), value),
    }
}

/// Where a key is, or where it belongs. (A request changes few keys: a list of them takes less than a
/// tree does.)
fn place(keys: &[(String, Change)], key: &str) -> Result<usize, usize> {
    keys.binary_search_by(|(known, _)| known.as_str().cmp(key))
}

/// Remembers the first `before` of a key, and what to do with it in the end.
fn note(keys: &mut Vec<(String, Change)>, key: String, before: Option<Value>, redo: Redo) {
    match place(keys, &key) {
        Err(place) => keys.insert(place, (key, Change { before, redo })),
        Ok(place) => match (&mut keys[place].1.redo, redo) {
            (Redo::Update(updates), Redo::Update(more)) => updates.extend(more),
            (known, _) => *known = Redo::Replace,
        },
    }
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Changes::Keys(keys) => f.debug_set().entries(keys.iter().map(|(key, _)| key)).finish(),
            Changes::All { any, .. } => write!(f, "all: {any}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(pairs: &[(&str, i64)]) -> Values {
        pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
    }

    fn add(amount: i64) -> Update {
        Arc::new(move |old| (old.and_then(Value::as_int).unwrap_or(0) + amount).into())
    }

    /// Changes `a=1 b=2` by `change`, while somebody else saves `latest`.
    #[track_caller]
    fn check(
        change: fn(&mut Changes, &mut Values),
        latest: &[(&str, i64)],
        merged: &[(&str, i64)],
    ) {
        let loaded = values(&[("a", 1), ("b", 2)]);
        let (mut changes, mut mine) = (Changes::none(), loaded.clone());
        change(&mut changes, &mut mine);
        assert_eq!(changes.clone().undo(mine.clone()), loaded, "undo");
        let mut latest = values(latest);
        let before = latest.clone();
        changes.redo(&mine, &mut latest);
        assert_eq!(latest, values(merged), "redo");
        assert_eq!(changes.undo(latest), before, "undo after redo");
    }

    #[test]
    fn merges() {
        let theirs = &[("a", 10), ("b", 2), ("c", 3)];
        check(|_, _| {}, theirs, theirs);
        check(|c, v| c.set(v, "b".into(), 5.into()), theirs, &[("a", 10), ("b", 5), ("c", 3)]);
        check(|c, v| drop(c.remove(v, "a")), theirs, &[("b", 2), ("c", 3)]);
        check(
            |c, v| drop(c.update(v, "a".into(), add(1))),
            theirs,
            &[("a", 11), ("b", 2), ("c", 3)],
        );
        check(|c, v| c.clear(v), theirs, &[]);
    }

    #[test]
    fn several_changes_of_one_key() {
        let twice = |c: &mut Changes, v: &mut Values| {
            c.update(v, "a".into(), add(1));
            c.update(v, "a".into(), add(2));
        };
        check(twice, &[("a", 10)], &[("a", 13)]);
        let set_then_update = |c: &mut Changes, v: &mut Values| {
            c.set(v, "a".into(), 5.into());
            c.update(v, "a".into(), add(1));
        };
        check(set_then_update, &[("a", 10)], &[("a", 6)]);
        let update_then_remove = |c: &mut Changes, v: &mut Values| {
            c.update(v, "a".into(), add(1));
            c.remove(v, "a");
        };
        check(update_then_remove, &[("a", 10), ("b", 2)], &[("b", 2)]);
        let clear_then_set = |c: &mut Changes, v: &mut Values| {
            c.set(v, "b".into(), 7.into());
            c.clear(v);
            c.set(v, "z".into(), 1.into());
        };
        check(clear_then_set, &[("a", 10), ("c", 3)], &[("z", 1)]);
    }
}
