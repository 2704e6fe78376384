//! The changes of a session since it was loaded: enough to undo them, and enough to apply them again to what
//! other requests have saved meanwhile.
//!
//! Setting a key to the value that it already has is no change, nor is setting it and setting it back: the
//! key counts as untouched, and what another request saves there is kept.

use std::fmt;
use std::mem;
use std::sync::Arc;

use smallvec::{SmallVec, smallvec};

use super::kept::Unreadable;
use crate::error::Result;
use crate::value::{Value, Values};

/// The changes of one session, and the values that they replaced.
#[derive(Clone)]
pub(super) enum Changes {
    /// These keys were changed, in the order of the keys.
    Keys(Vec<(String, Change)>),
    /// Nothing of what was there before is to stay, as in a new session and after `clear`.
    All { before: Values, any: bool },
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
            Changes::Keys(keys) => !keys.iter().any(|(_, change)| change.differs),
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

    /// Whether a change has taken the place of an entry.
    pub(super) fn replaces(&self, entry: &Unreadable) -> bool {
        match &entry.key {
            Some(key) => self.touches(key),
            None => self.clears(),
        }
    }

    /// Counts a session that is stored nowhere as changed, also where it has no values: so it is stored.
    pub(super) fn want_to_be_stored(&mut self) {
        if let Changes::All { any, .. } = self {
            *any = true;
        }
    }

    /// Notes that a key is to be missing that is not among the values.
    pub(super) fn note_removed(&mut self, key: &str) {
        if let Changes::Keys(keys) = self {
            note_removed(keys, key);
        }
    }

    /// The keys that were changed; after `clear`, those that are there now.
    pub(super) fn keys<'a>(&'a self, values: &'a Values) -> Vec<&'a str> {
        match self {
            Changes::Keys(keys) => {
                let changed = keys.iter().filter(|(_, change)| change.differs);
                changed.map(|(key, _)| key.as_str()).collect()
            }
            Changes::All { .. } => values.keys().map(String::as_str).collect(),
        }
    }

    pub(super) fn set(&mut self, values: &mut Values, key: String, value: Value) {
        match self {
            Changes::All { any, .. } => {
                *any = true;
                values.insert(key, value);
            }
            Changes::Keys(keys) => {
                if values.get(&key).is_some_and(|old| old.is_same(&value))
                    && place(keys, &key).is_err()
                {
                    return;
                }
                let before = replace(values, &key, value);
                note(keys, key, before, values, Redo::Replace);
            }
        }
    }

    pub(super) fn remove(&mut self, values: &mut Values, key: &str) -> Option<Value> {
        let before = values.remove(key)?;
        match self {
            Changes::All { any, .. } => *any = true,
            Changes::Keys(keys) => {
                note(keys, key.into(), Some(before.clone()), values, Redo::Replace);
            }
        }
        Some(before)
    }

    /// Sets a key to what an update has made of its value, or removes it where that is `None`.
    pub(super) fn update(
        &mut self,
        values: &mut Values,
        key: String,
        value: Option<Value>,
        update: Update,
    ) {
        let before = match value {
            Some(value) => replace(values, &key, value),
            None => values.remove(&key),
        };
        match self {
            Changes::All { any, .. } => *any = true,
            Changes::Keys(keys) => note(keys, key, before, values, Redo::Update(smallvec![update])),
        }
    }

    /// Removes all. `has_more` says that something goes besides these values, so that it is a change also
    /// where there are none.
    pub(super) fn clear(&mut self, values: &mut Values, has_more: bool) {
        let all = mem::take(values);
        let is_new = matches!(self, Changes::All { .. });
        let before = self.undo(all);
        // Where nothing was, nothing is removed.
        *self = match before.is_empty() && !is_new && !has_more {
            true => Changes::none(),
            false => Changes::All { before, any: true },
        };
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
    ///
    /// # Errors
    ///
    /// The error of an update that cannot be applied to the values that are stored at that moment. Nothing
    /// has changed then.
    pub(super) fn redo(&mut self, mine: &Values, latest: &mut Values) -> Result<()> {
        match self {
            Changes::All { before, .. } => *before = mem::replace(latest, mine.clone()),
            Changes::Keys(keys) => {
                let redone =
                    keys.iter().map(|(key, change)| change.redo(latest.get(key), mine.get(key)));
                let redone: SmallVec<[Option<Value>; 4]> = redone.collect::<Result<_>>()?;
                for ((key, change), redone) in keys.iter_mut().zip(redone) {
                    change.before = latest.get(key).cloned();
                    change.differs = !is_same(change.before.as_ref(), redone.as_ref());
                    match redone {
                        Some(value) => latest.insert(key.clone(), value),
                        None => latest.remove(key),
                    };
                }
            }
        }
        Ok(())
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

/// What an update does: from the old value to the new one, if there is to be one.
pub(super) type Update = Arc<dyn Fn(Option<&Value>) -> Result<Option<Value>> + Send + Sync>;

#[derive(Clone)]
pub(super) struct Change {
    before: Option<Value>,
    /// Whether the value is another one than `before`. An update that changed nothing here may change what
    /// somebody else has saved, so it is kept.
    differs: bool,
    redo: Redo,
}

#[derive(Clone)]
enum Redo {
    /// The key is to have the value that it has now, or to be missing if it is.
    Replace,
    /// These are to be applied to whatever is there, in this order.
    Update(SmallVec<[Update; 1]>),
}

impl Change {
    fn redo(&self, latest: Option<&Value>, mine: Option<&Value>) -> Result<Option<Value>> {
        match &self.redo {
            Redo::Replace => Ok(mine.cloned()),
            Redo::Update(updates) => {
                let apply = |value: Option<Value>, update: &Update| update(value.as_ref());
                updates.iter().try_fold(latest.cloned(), apply)
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

/// Remembers the first `before` of a key, and what to do with it in the end: nothing, if it has got the
/// value back that it had.
fn note(
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
fn note_removed(keys: &mut Vec<(String, Change)>, key: &str) {
    if let Err(place) = place(keys, key) {
        let change = Change { before: None, differs: true, redo: Redo::Replace };
        keys.insert(place, (key.to_owned(), change));
    }
}

fn is_same(one: Option<&Value>, other: Option<&Value>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.is_same(other),
        (one, other) => one.is_none() && other.is_none(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::error::Error;

    fn values(pairs: &[(&str, i64)]) -> Values {
        pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
    }

    fn add(amount: i64) -> impl Fn(Option<&Value>) -> i64 + Send + Sync + 'static {
        move |old| old.and_then(Value::as_int).unwrap_or(0) + amount
    }

    fn update<F>(changes: &mut Changes, values: &mut Values, key: &str, update: F)
    where
        F: Fn(Option<&Value>) -> i64 + Send + Sync + 'static,
    {
        let value = update(values.get(key)).into();
        let update = Arc::new(move |old: Option<&Value>| Ok(Some(update(old).into())));
        changes.update(values, key.into(), Some(value), update);
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
        changes.redo(&mine, &mut latest).unwrap();
        assert_eq!(latest, values(merged), "redo");
        assert_eq!(changes.undo(latest), before, "undo after redo");
    }

    #[test]
    fn merges() {
        let theirs = &[("a", 10), ("b", 2), ("c", 3)];
        check(|_, _| {}, theirs, theirs);
        check(|c, v| c.set(v, "b".into(), 5.into()), theirs, &[("a", 10), ("b", 5), ("c", 3)]);
        check(|c, v| drop(c.remove(v, "a")), theirs, &[("b", 2), ("c", 3)]);
        check(|c, v| update(c, v, "a", add(1)), theirs, &[("a", 11), ("b", 2), ("c", 3)]);
        check(|c, v| c.clear(v, false), theirs, &[]);
    }

    #[test]
    fn what_is_set_to_what_it_was_is_no_change() {
        let loaded = values(&[("a", 1), ("b", 2)]);
        let no_changes: [fn(&mut Changes, &mut Values); 5] = [
            |c, v| c.set(v, "a".into(), 1.into()),
            |c, v| {
                c.set(v, "a".into(), 5.into());
                c.set(v, "a".into(), 1.into());
            },
            |c, v| {
                c.set(v, "z".into(), 5.into());
                c.remove(v, "z");
            },
            |c, v| {
                c.remove(v, "a");
                c.set(v, "a".into(), 1.into());
            },
            |c, v| drop(c.remove(v, "z")),
        ];
        for change in no_changes {
            let (mut changes, mut mine) = (Changes::none(), loaded.clone());
            change(&mut changes, &mut mine);
            assert!(changes.is_empty() && mine == loaded, "{changes:?}");
            check(change, &[("a", 10), ("z", 3)], &[("a", 10), ("z", 3)]);
        }
        // An update that changes nothing here may change what is there by then.
        let (mut changes, mut mine) = (Changes::none(), loaded.clone());
        update(&mut changes, &mut mine, "a", add(0));
        assert!(changes.is_empty() && changes.touches("a"));
        check(|c, v| update(c, v, "a", add(0)), &[("a", 10)], &[("a", 10)]);
        let half = |c: &mut Changes, v: &mut Values| {
            update(c, v, "a", |old| old.and_then(Value::as_int).unwrap_or(0).min(5));
            c.set(v, "b".into(), 3.into());
        };
        check(half, &[("a", 10)], &[("a", 5), ("b", 3)]);
        let mut nothing = Values::new();
        let mut changes = Changes::none();
        changes.clear(&mut nothing, false);
        assert!(changes.is_empty());
    }

    #[test]
    fn an_update_that_fails_changes_nothing() {
        let only_even = |old: Option<&Value>| match old.and_then(Value::as_int) {
            Some(odd) if odd % 2 == 1 => Err(Error::codec("odd")),
            even => Ok(even.map(|even| (even + 2).into())),
        };
        let (mut changes, mut mine) = (Changes::none(), values(&[("b", 2)]));
        changes.set(&mut mine, "a".into(), 1.into());
        changes.update(&mut mine, "b".into(), Some(4.into()), Arc::new(only_even));
        let theirs = values(&[("a", 5), ("b", 3)]);
        let mut latest = theirs.clone();
        assert!(changes.redo(&mine, &mut latest).is_err());
        assert_eq!(latest, theirs);
        assert_eq!(changes.clone().undo(mine.clone()), values(&[("b", 2)]));
        // Where it can be made, it is; and it may remove.
        let mut latest = values(&[("b", 6)]);
        changes.redo(&mine, &mut latest).unwrap();
        assert_eq!(latest, values(&[("a", 1), ("b", 8)]));
        let mut latest = Values::new();
        changes.redo(&mine, &mut latest).unwrap();
        assert_eq!(latest, values(&[("a", 1)]));
    }

    #[test]
    fn floats_are_compared_by_their_bits() {
        let floats = [0.0, -0.0, f64::NAN, -f64::NAN, f64::from_bits(0x7ff8_0000_0000_0001)];
        for (number, one) in floats.into_iter().enumerate() {
            for (other_number, other) in floats.into_iter().enumerate() {
                let nested = |float: f64| Value::List(vec![Value::Float(float)].into());
                let mut mine: Values = [("a".to_owned(), nested(one))].into();
                let mut changes = Changes::none();
                changes.set(&mut mine, "a".into(), nested(other));
                assert_eq!(changes.is_empty(), number == other_number, "{one} and {other}");
            }
        }
    }

    #[test]
    fn several_changes_of_one_key() {
        let twice = |c: &mut Changes, v: &mut Values| {
            update(c, v, "a", add(1));
            update(c, v, "a", add(2));
        };
        check(twice, &[("a", 10)], &[("a", 13)]);
        let set_then_update = |c: &mut Changes, v: &mut Values| {
            c.set(v, "a".into(), 5.into());
            update(c, v, "a", add(1));
        };
        check(set_then_update, &[("a", 10)], &[("a", 6)]);
        let update_then_remove = |c: &mut Changes, v: &mut Values| {
            update(c, v, "a", add(1));
            c.remove(v, "a");
        };
        check(update_then_remove, &[("a", 10), ("b", 2)], &[("b", 2)]);
        let clear_then_set = |c: &mut Changes, v: &mut Values| {
            c.set(v, "b".into(), 7.into());
            c.clear(v, false);
            c.set(v, "z".into(), 1.into());
        };
        check(clear_then_set, &[("a", 10), ("c", 3)], &[("z", 1)]);
    }
}
