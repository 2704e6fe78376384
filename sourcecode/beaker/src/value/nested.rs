//! [`List`] and [`Values`]: what a value can hold others in.
//!
//! They are types of their own for the sake of the stack. A program may nest values as deep as it
//! likes, and a recursion over a hundred thousand levels ends the process.

use std::collections::{BTreeMap, btree_map};
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::{slice, vec};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::depth::Level;
use super::{Value, deep};

/// Values in order: a `Vec` in all but its end, which is safe at any depth.
#[derive(Clone, PartialEq, Default)]
pub struct List(pub(super) Vec<Value>);

/// Values by name, such as the entries of a session: a `BTreeMap`, sorted by key, in all but its end,
/// which is safe at any depth.
#[derive(Clone, PartialEq, Default)]
pub struct Values(pub(super) BTreeMap<String, Value>);

impl Values {
    /// None yet.
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
            Err(_) => deep::take_apart(values),
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
            Err(_) => deep::take_apart(values.into_values().collect()),
        }
    }
}

wraps!(List(Vec<Value>) of Value, owned vec::IntoIter<Value>,
    borrowed slice::Iter<'a, Value> as &'a Value);
wraps!(Values(BTreeMap<String, Value>) of (String, Value), owned btree_map::IntoIter<String, Value>,
    borrowed btree_map::Iter<'a, String, Value> as (&'a String, &'a Value));
