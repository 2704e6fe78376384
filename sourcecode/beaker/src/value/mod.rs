//! [`Value`]: the values that a session can hold.

mod convert;
mod forms;
mod nested;
#[cfg(feature = "cookies")]
pub(crate) mod python;

use std::fmt;

pub use convert::Element;
use nested::Level;
#[cfg(feature = "python")]
pub(crate) use nested::{DEEPEST, TooDeep};
pub use nested::{List, Values};

/// A value in a session: plain data, never code, so loading a session from a store cannot run anything.
/// (Beaker uses pickle, with which anybody who can write to the store can run code.)
///
/// Values can be nested to any depth in memory, but codecs accept at most 64 levels: saving a session with
/// deeper values is an error of the kind `Codec`.
#[derive(Default)]
#[non_exhaustive]
pub enum Value {
    /// The absence of a value, as a value of its own.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A floating-point number.
    Float(f64),
    /// A text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A list of values.
    List(List),
    /// A map from strings to values.
    Map(Values),
}

impl Value {
    /// Are both the same to the bit? `0.0` and `-0.0` are equal and not the same, and what is no number
    /// is the same as itself.
    pub(crate) fn is_same(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Float(one), Value::Float(other)) => one.to_bits() == other.to_bits(),
            (Value::List(one), Value::List(other)) => {
                let pairs = one.iter().zip(other);
                one.len() == other.len() && pairs.into_iter().all(|(one, other)| one.is_same(other))
            }
            (Value::Map(one), Value::Map(other)) => {
                let is_same = |((key, value), (other_key, other)): ((&String, &Value), (_, _))| {
                    key == other_key && Value::is_same(value, other)
                };
                one.len() == other.len() && one.iter().zip(other).all(is_same)
            }
            (one, other) => one == other,
        }
    }

    /// Returns whether this is [`Value::Null`].
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// Returns the boolean, if this is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// Returns the integer, if this is one.
    #[must_use]
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Value::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// Returns the number as a float, if this is an integer or a float.
    #[must_use]
    pub fn as_float(&self) -> Option<f64> {
        match self {
            Value::Float(value) => Some(*value),
            Value::Int(value) => Some(*value as f64),
            _ => None,
        }
    }

    /// Returns the text, if this is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::Text(value) => Some(value),
            _ => None,
        }
    }

    /// Returns the bytes, if this is bytes.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Value::Bytes(value) => Some(value),
            _ => None,
        }
    }

    /// Returns the list, if this is one.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Value::List(value) => Some(value.as_slice()),
            _ => None,
        }
    }

    /// Returns the map, if this is one.
    #[must_use]
    pub fn as_map(&self) -> Option<&Values> {
        match self {
            Value::Map(value) => Some(value),
            _ => None,
        }
    }
}

impl Value {
    /// Is it a list or a map with anything in it?
    fn holds_any(&self) -> bool {
        match self {
            Value::List(list) => !list.is_empty(),
            Value::Map(map) => !map.is_empty(),
            _ => false,
        }
    }
}

impl Clone for Value {
    #[inline]
    fn clone(&self) -> Value {
        match self {
            Value::Null => Value::Null,
            Value::Bool(value) => Value::Bool(*value),
            Value::Int(value) => Value::Int(*value),
            Value::Float(value) => Value::Float(*value),
            Value::Text(value) => Value::Text(value.clone()),
            Value::Bytes(value) => Value::Bytes(value.clone()),
            Value::List(_) | Value::Map(_) => self.clone_level(),
        }
    }
}

impl PartialEq for Value {
    #[inline]
    fn eq(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(one), Value::Bool(other)) => one == other,
            (Value::Int(one), Value::Int(other)) => one == other,
            (Value::Float(one), Value::Float(other)) => one == other,
            (Value::Text(one), Value::Text(other)) => one == other,
            (Value::Bytes(one), Value::Bytes(other)) => one == other,
            (Value::List(_), Value::List(_)) | (Value::Map(_), Value::Map(_)) => {
                self.equals_level(other)
            }
            _ => false,
        }
    }
}

/// What may hold others: a recursion, and where that would go too deep, a list of what is left to do.
impl Value {
    fn clone_level(&self) -> Value {
        match (self, &Level::of(self)) {
            (Value::List(value), Ok(_)) => Value::List(value.clone()),
            (Value::Map(value), Ok(_)) => Value::Map(value.clone()),
            _ => nested::cloned(self),
        }
    }

    fn equals_level(&self, other: &Value) -> bool {
        match (self, other, &Level::of(self)) {
            (Value::List(one), Value::List(other), Ok(_)) => one == other,
            (Value::Map(one), Value::Map(other), Ok(_)) => one == other,
            _ => nested::are_equal(self, other),
        }
    }
}

/// Prints only the value: `"text"`, `42`, `[1, 2]`. Prints `…` for values nested over 64 levels deep.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ok(_level) = Level::of(self) else { return f.write_str("…") };
        match self {
            Value::Null => f.write_str("null"),
            Value::Bool(value) => value.fmt(f),
            Value::Int(value) => value.fmt(f),
            Value::Float(value) => value.fmt(f),
            Value::Text(value) => value.fmt(f),
            Value::Bytes(value) => write!(f, "b\"{}\"", value.escape_ascii()),
            Value::List(value) => value.fmt(f),
            Value::Map(value) => value.fmt(f),
        }
    }
}
