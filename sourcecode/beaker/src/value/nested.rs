//! [`List`] and [`Values`]: the values that contain other values.
//!
//! They are separate types in order to protect the stack. A program may nest values to any depth, and a
//! recursion over a hundred thousand levels would crash the process. Values are therefore dropped, copied and
//! compared by recursion for the first levels, which is fast, and with an explicit list below them.

use std::cell::Cell;
use std::collections::{BTreeMap, btree_map};
use std::ops::{Deref, DerefMut};
use std::{fmt, mem, slice, vec};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Value;

/// A list of values: like a `Vec`, but dropping it is safe at any depth of nesting.
#[derive(Clone, PartialEq, Default)]
pub struct List(pub(super) Vec<Value>);

/// Values by name, such as the entries of a session: like a `BTreeMap`, sorted by key, but dropping it is
/// safe at any depth of nesting.
#[derive(Clone, PartialEq, Default)]
pub struct Values(pub(super) BTreeMap<String, Value>);

impl Values {
    /// Creates an empty map.
    #[must_use]
    pub fn new() -> Values {
        Values::default()
    }
}

macro_rules! wraps {
    ($name:ident($inner:ty) of $item:ty, owned $owned:ty, borrowed $borrowed:ty as $shown:ty) => {
        impl Deref for $name {
            type Target = $inner;

            fn deref(&self) -> &$inner {
                &self.0
            }
        }

        impl DerefMut for $name {
            fn deref_mut(&mut self) -> &mut $inner {
                &mut self.0
            }
        }

        impl From<$inner> for $name {
            fn from(inner: $inner) -> $name {
                $name(inner)
            }
        }

        impl From<$name> for $inner {
            fn from(mut wrapped: $name) -> $inner {
                std::mem::take(&mut wrapped.0)
            }
        }

        impl<const N: usize> From<[$item; N]> for $name {
            fn from(items: [$item; N]) -> $name {
                $name(items.into())
            }
        }

        impl FromIterator<$item> for $name {
            fn from_iter<I: IntoIterator<Item = $item>>(items: I) -> $name {
                $name(items.into_iter().collect())
            }
        }

        impl Extend<$item> for $name {
            fn extend<I: IntoIterator<Item = $item>>(&mut self, items: I) {
                self.0.extend(items);
            }
        }

        impl IntoIterator for $name {
            type Item = $item;
            type IntoIter = $owned;

            fn into_iter(self) -> $owned {
                <$inner>::from(self).into_iter()
            }
        }

        impl<'a> IntoIterator for &'a $name {
            type Item = $shown;
            type IntoIter = $borrowed;

            fn into_iter(self) -> $borrowed {
                self.0.iter()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.0.serialize(serializer)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                Deserialize::deserialize(deserializer).map($name)
            }
        }
    };
}

/// The first levels end by a recursion, and what is deeper by a list of what is left to end.
impl Drop for List {
    fn drop(&mut self) {
        if self.0.is_empty() {
            return;
        }
        let values = std::mem::take(&mut self.0);
        match Level::enter() {
            Ok(_level) => drop(values),
            Err(_) => take_apart(values),
        }
    }
}

impl Drop for Values {
    fn drop(&mut self) {
        if self.0.is_empty() {
            return;
        }
        let values = std::mem::take(&mut self.0);
        match Level::enter() {
            Ok(_level) => drop(values),
            Err(_) => take_apart(values.into_values().collect()),
        }
    }
}

wraps!(List(Vec<Value>) of Value, owned vec::IntoIter<Value>,
    borrowed slice::Iter<'a, Value> as &'a Value);
wraps!(Values(BTreeMap<String, Value>) of (String, Value), owned btree_map::IntoIter<String, Value>,
    borrowed btree_map::Iter<'a, String, Value> as (&'a String, &'a Value));

/// Limits the depth of nested values while decoding. Bytes from a store could ask for a million levels, and
/// reading those would exhaust the stack, which no caller can catch.
pub(crate) const DEEPEST: usize = 64;

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// One level of nesting; left on drop.
pub(super) struct Level(());

/// There are no more levels.
#[derive(Debug)]
pub struct TooDeep;

impl Level {
    pub(super) fn enter() -> Result<Level, TooDeep> {
        let depth = DEPTH.get();
        if depth == DEEPEST {
            return Err(TooDeep);
        }
        DEPTH.set(depth + 1);
        Ok(Level(()))
    }

    /// A level for what is in this value; none is needed if there is nothing.
    pub(super) fn of(value: &Value) -> Result<Option<Level>, TooDeep> {
        if value.holds_any() { Level::enter().map(Some) } else { Ok(None) }
    }
}

impl fmt::Display for TooDeep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "values are nested more than {DEEPEST} levels deep")
    }
}

impl Drop for Level {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

/// Ends values, and all that is in them.
fn take_apart(mut pending: Vec<Value>) {
    while let Some(mut value) = pending.pop() {
        match &mut value {
            Value::List(list) => pending.extend(list.drain(..).filter(Value::holds_any)),
            Value::Map(map) => {
                let all = mem::take(&mut map.0).into_values();
                pending.extend(all.filter(Value::holds_any));
            }
            _ => {}
        }
        // What is left of it is empty, so it ends without a recursion.
    }
}

/// A list or a map that is being copied.
enum Copied<'a> {
    List(slice::Iter<'a, Value>, List),
    Map(btree_map::Iter<'a, String, Value>, Option<&'a String>, Values),
}

/// A copy.
pub(super) fn cloned(value: &Value) -> Value {
    let Some(mut inner) = Copied::begin(value) else { return value.clone() };
    let mut outer: Vec<Copied<'_>> = Vec::new();
    loop {
        if let Some(value) = inner.next() {
            match Copied::begin(value) {
                Some(begun) => outer.push(mem::replace(&mut inner, begun)),
                None => inner.put(value.clone()),
            }
        } else if let Some(surrounding) = outer.pop() {
            let copy = mem::replace(&mut inner, surrounding).copy();
            inner.put(copy);
        } else {
            return inner.copy();
        }
    }
}

impl<'a> Copied<'a> {
    /// `None` for what holds no others.
    fn begin(value: &'a Value) -> Option<Copied<'a>> {
        match value {
            Value::List(list) => Some(Copied::List(list.iter(), List::default())),
            Value::Map(map) => Some(Copied::Map(map.iter(), None, Values::new())),
            _ => None,
        }
    }

    fn next(&mut self) -> Option<&'a Value> {
        match self {
            Copied::List(rest, _) => rest.next(),
            Copied::Map(rest, name, _) => {
                let (key, value) = rest.next()?;
                *name = Some(key);
                Some(value)
            }
        }
    }

    fn put(&mut self, value: Value) {
        match self {
            Copied::List(_, copy) => copy.push(value),
            Copied::Map(_, name, copy) => {
                copy.extend(name.take().map(|name| (name.clone(), value)));
            }
        }
    }

    fn copy(self) -> Value {
        match self {
            Copied::List(_, copy) => Value::List(copy),
            Copied::Map(_, _, copy) => Value::Map(copy),
        }
    }
}

/// Whether two are equal.
pub(super) fn are_equal(one: &Value, other: &Value) -> bool {
    let mut pairs = vec![(one, other)];
    while let Some((one, other)) = pairs.pop() {
        match (one, other) {
            (Value::List(one), Value::List(other)) if one.len() == other.len() => {
                pairs.extend(one.iter().zip(other.iter()));
            }
            (Value::Map(one), Value::Map(other)) if one.keys().eq(other.keys()) => {
                pairs.extend(one.values().zip(other.values()));
            }
            _ if one.holds_any() || other.holds_any() || one != other => return false,
            _ => {}
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEEP: usize = 100_000;

    /// Lists and maps in turn, around this.
    fn nested(innermost: Value) -> Value {
        (0..DEEP).fold(innermost, |inner, level| match level % 2 {
            0 => Value::List(vec![1.into(), inner, Value::Null].into()),
            _ => Value::Map([("k".to_owned(), inner), ("m".to_owned(), true.into())].into()),
        })
    }

    /// In a thread with as little of a stack as there may be.
    fn on_a_small_stack(run: fn()) {
        let thread = std::thread::Builder::new().stack_size(256 * 1024).spawn(run).unwrap();
        thread.join().unwrap();
    }

    #[test]
    fn deep_values_are_copied_compared_printed_and_ended() {
        on_a_small_stack(|| {
            let value = nested("a".into());
            let copy = value.clone();
            assert!(value == copy && value != nested("b".into()) && value != Value::Null);
            assert!(format!("{value:?}").contains('…'));
            let values = Values::from([("deep".to_owned(), copy)]);
            assert!(values.clone() == values && List::from([value]).len() == 1);
        });
    }

    #[test]
    fn deep_values_have_no_other_form() {
        on_a_small_stack(|| {
            let value = nested(Value::Null);
            assert!(serde_json::to_string(&value).is_err() && bincode::serialize(&value).is_err());
            assert!(value.to::<serde_json::Value>().is_err());
        });
    }
}
