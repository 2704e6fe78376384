//! What would take a level of the stack for each level of a value, done with a list instead: ending,
//! copying and comparing values that are nested as deep as only a program can nest them.

use std::collections::btree_map;
use std::{mem, slice};

use super::{List, Value, Values};

/// Ends values, and all that is in them.
pub(super) fn take_apart(mut pending: Vec<Value>) {
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
