//! What was changed in a session since it was loaded: enough to undo it, and enough to do it again
//! on top of what somebody else has saved meanwhile.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::value::{Value, Values};

/// What an update does: from the old value to the new one.
pub(super) type Update = Arc<dyn Fn(Option<&Value>) -> Value + Send + Sync>;

#[derive(Clone, Default)]
pub(super) struct Changes {
    keys: BTreeMap<String, Change>,
    /// All that was there before `clear`, if that was called.
    cleared: Option<Values>,
}

#[derive(Clone)]
struct Change {
    before: Option<Value>,
    redo: Redo,
}

#[derive(Clone)]
enum Redo {
    /// The key is to have the value that it has now, or to be missing if it is.
    Replace,
    /// These are to be applied to whatever is there, in this order.
    Update(Vec<Update>),
}

impl Changes {
    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.cleared.is_none()
    }

    pub(super) fn set(&mut self, values: &mut Values, key: String, value: Value) {
        let before = values.insert(key.clone(), value);
        self.note(key, before, Redo::Replace);
    }

    pub(super) fn remove(&mut self, values: &mut Values, key: &str) -> Option<Value> {
        let before = values.remove(key);
        if before.is_some() {
            self.note(key.into(), before.clone(), Redo::Replace);
        }
        before
    }

    pub(super) fn update(&mut self, values: &mut Values, key: String, update: Update) -> Value {
        let value = update(values.get(&key));
        let before = values.insert(key.clone(), value.clone());
        self.note(key, before, Redo::Update(vec![update]));
        value
    }

    pub(super) fn clear(&mut self, values: &mut Values) {
        let all = std::mem::take(values);
        let loaded = self.undo(all);
        self.cleared = Some(loaded);
    }

    /// The values as they were before all changes, which are forgotten.
    pub(super) fn undo(&mut self, mut values: Values) -> Values {
        let changes = std::mem::take(self);
        if let Some(loaded) = changes.cleared {
            return loaded;
        }
        for (key, change) in changes.keys {
            match change.before {
                Some(value) => values.insert(key, value),
                None => values.remove(&key),
            };
        }
        values
    }

    /// Makes the same changes to what somebody else has saved: `latest` becomes what is to be
    /// saved, `mine` are the values with the changes as they were made here.
    pub(super) fn redo(&mut self, mine: &Values, latest: &mut Values) {
        if let Some(loaded) = &mut self.cleared {
            *loaded = std::mem::take(latest);
        }
        for (key, change) in &mut self.keys {
            let before = latest.get(key).cloned();
            let value = match &change.redo {
                Redo::Replace => mine.get(key).cloned(),
                Redo::Update(updates) => updates
                    .iter()
                    .fold(before.clone(), |value, update| Some(update(value.as_ref()))),
            };
            match value {
                Some(value) => latest.insert(key.clone(), value),
                None => latest.remove(key),
            };
            change.before = before;
        }
    }

    /// Remembers the first `before` of a key, and what to do with it in the end.
    fn note(&mut self, key: String, before: Option<Value>, redo: Redo) {
        match self.keys.get_mut(&key) {
            None => drop(self.keys.insert(key, Change { before, redo })),
            Some(change) => match (&mut change.redo, redo) {
                (Redo::Update(updates), Redo::Update(more)) => updates.extend(more),
                (known, _) => *known = Redo::Replace,
            },
        }
    }
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.keys.keys()).finish()
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
        let (mut changes, mut mine) = (Changes::default(), loaded.clone());
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
