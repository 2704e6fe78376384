//! Conversions between values and Rust's types: the arguments of `set("n", list.len())`, and the results of
//! `try_into`. The program's own types are converted by serde, in [`typed`](super::typed).

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use super::{List, Value, Values};
use crate::error::Error;

macro_rules! from {
    ($($type:ty => $variant:ident),* $(,)?) => { $(
        impl From<$type> for Value {
            fn from(value: $type) -> Value {
                Value::$variant(value.into())
            }
        }
    )* };
}

from! {
    bool => Bool,
    i8 => Int, i16 => Int, i32 => Int, i64 => Int, u8 => Int, u16 => Int, u32 => Int,
    f32 => Float, f64 => Float,
    &str => Text, String => Text, Box<str> => Text, Cow<'_, str> => Text, char => Text,
    List => List,
    Values => Map,
}

impl From<&String> for Value {
    fn from(text: &String) -> Value {
        Value::Text(text.clone())
    }
}

/// What has more than 63 bits becomes a text of its digits, since [`Value::Int`] cannot hold it; [`u64`] and
/// [`usize`] are made of either with `try_into`.
macro_rules! from_wide {
    ($($type:ty),*) => { $(
        /// A number of more than 63 bits becomes a text of its digits, because [`Value::Int`] cannot hold it;
        /// `try_into` converts it back.
        ///
        /// ```
        /// use beaker::Value;
        ///
        /// assert_eq!(Value::from(vec!["tea"].len()), Value::Int(1));
        /// assert_eq!(Value::from(u64::MAX).as_str(), Some("18446744073709551615"));
        /// assert_eq!(u64::try_from(Value::from(u64::MAX)).unwrap(), u64::MAX);
        /// ```
        impl From<$type> for Value {
            fn from(number: $type) -> Value {
                i64::try_from(number).map_or_else(|_| Value::Text(number.to_string()), Value::Int)
            }
        }
    )* };
}

from_wide!(u64, usize, isize);

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Null, Into::into)
    }
}

/// A type whose vectors, slices and arrays can become a [`Value`]: every type that is `Into<Value>` here.
/// Elements of the type `u8` become [`Value::Bytes`], all others a [`Value::List`].
///
/// Implement it for your own type that is `Into<Value>`, so that its vectors become values too.
///
/// ```
/// use beaker::Value;
/// use beaker::value::Element;
///
/// struct Article(u32);
///
/// impl From<Article> for Value {
///     fn from(article: Article) -> Value {
///         article.0.into()
///     }
/// }
///
/// impl Element for Article {}
///
/// let mut session = beaker::Sessions::new(beaker::Backend::memory()).create();
/// session.set("basket", vec![Article(7), Article(9)]);
/// session.set("sizes", [38, 39]);
/// session.set("avatar", vec![0xff_u8, 0xd8]);
/// assert_eq!(session.get("basket").and_then(Value::as_list), Some(&[7.into(), 9.into()][..]));
/// assert_eq!(session.get("avatar").and_then(Value::as_bytes), Some(&[0xff, 0xd8][..]));
/// ```
pub trait Element: Into<Value> {
    /// Converts many elements into one value. Default: a list.
    fn together(elements: Vec<Self>) -> Value {
        Value::List(elements.into_iter().map(Into::into).collect())
    }
}

impl Element for u8 {
    fn together(bytes: Vec<u8>) -> Value {
        Value::Bytes(bytes)
    }
}

impl Element for Value {
    fn together(values: Vec<Value>) -> Value {
        Value::List(values.into())
    }
}

macro_rules! elements {
    ($($type:ty),* $(,)?) => { $( impl Element for $type {} )* };
}

elements! {
    bool, i8, i16, i32, i64, isize, u16, u32, u64, usize, f32, f64, char,
    &str, String, &String, Box<str>, Cow<'_, str>, List, Values,
}

impl<T: Into<Value>> Element for Option<T> {}
impl<T: Element> Element for Vec<T> {}
impl<T: Element, const N: usize> Element for [T; N] {}
impl<K: Into<String>, V: Into<Value>> Element for BTreeMap<K, V> {}
impl<K: Into<String>, V: Into<Value>, S> Element for HashMap<K, V, S> {}

impl<T: Element> From<Vec<T>> for Value {
    fn from(elements: Vec<T>) -> Value {
        T::together(elements)
    }
}

impl<T: Element + Clone> From<&[T]> for Value {
    fn from(elements: &[T]) -> Value {
        T::together(elements.to_vec())
    }
}

impl<T: Element, const N: usize> From<[T; N]> for Value {
    fn from(elements: [T; N]) -> Value {
        T::together(elements.into())
    }
}

impl<T: Element + Clone, const N: usize> From<&[T; N]> for Value {
    fn from(elements: &[T; N]) -> Value {
        T::together(elements.to_vec())
    }
}

impl<T: Element> FromIterator<T> for Value {
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Value {
        T::together(elements.into_iter().collect())
    }
}

impl<K: Into<String>, V: Into<Value>> From<BTreeMap<K, V>> for Value {
    fn from(entries: BTreeMap<K, V>) -> Value {
        entries.into_iter().collect()
    }
}

impl<K: Into<String>, V: Into<Value>, S> From<HashMap<K, V, S>> for Value {
    fn from(entries: HashMap<K, V, S>) -> Value {
        entries.into_iter().collect()
    }
}

/// Collects pairs into a map.
///
/// ```
/// use beaker::Value;
///
/// let address: Value = [("city", "Espoo"), ("country", "Suomi")].into_iter().collect();
/// assert_eq!(address.as_map().and_then(|map| map.get("city")), Some(&"Espoo".into()));
/// ```
impl<K: Into<String>, V: Into<Value>> FromIterator<(K, V)> for Value {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Value {
        let entries = entries.into_iter().map(|(key, value)| (key.into(), value.into()));
        Value::Map(entries.collect())
    }
}

/// Tells what a value is instead of what was asked for, and not what it holds.
fn wrong(value: &Value, wanted: &str) -> Error {
    Error::codec(format!("the session's value is {}, and not {wanted}", value.kind()))
}

impl Value {
    /// Returns what it is, for errors.
    fn kind(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "a truth value",
            Value::Int(_) => "a whole number",
            Value::Float(_) => "a number with a fraction",
            Value::Text(_) => "a text",
            Value::Bytes(_) => "bytes",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }
}

/// Every conversion from a borrowed value exists for an owned one as well.
macro_rules! try_owned {
    ($($type:ty),* $(,)?) => { $(
        impl TryFrom<Value> for $type {
            type Error = Error;

            fn try_from(value: Value) -> Result<$type, Error> {
                <$type>::try_from(&value)
            }
        }
    )* };
}

macro_rules! try_whole {
    ($($type:ty),*) => { $(
        /// # Errors
        ///
        /// `ErrorKind::Codec` for another kind of value, and for a number that does not fit.
        impl TryFrom<&Value> for $type {
            type Error = Error;

            fn try_from(value: &Value) -> Result<$type, Error> {
                let whole = match value {
                    Value::Int(number) => (*number).try_into().ok(),
                    // As `From` writes what has more than 63 bits.
                    Value::Text(digits) if digits.parse::<i64>().is_err() => digits.parse().ok(),
                    _ => None,
                };
                whole.ok_or_else(|| match value {
                    Value::Int(_) => Error::codec(concat!(
                        "the session's value is a whole number that does not fit into `",
                        stringify!($type),
                        "`"
                    )),
                    _ => wrong(value, concat!("a `", stringify!($type), "`")),
                })
            }
        }
    )* };
}

try_whole!(i8, i16, i32, i64, isize, u8, u16, u32, u64, usize);

macro_rules! try_parts {
    ($($type:ty, $wanted:literal, $as:ident;)*) => { $(
        /// # Errors
        ///
        /// `ErrorKind::Codec` for another kind of value.
        impl<'a> TryFrom<&'a Value> for $type {
            type Error = Error;

            fn try_from(value: &'a Value) -> Result<$type, Error> {
                value.$as().ok_or_else(|| wrong(value, $wanted))
            }
        }
    )* };
}

try_parts! {
    bool, "a truth value", as_bool;
    f64, "a number", as_float;
    &'a str, "a text", as_str;
    &'a [u8], "bytes", as_bytes;
    &'a [Value], "a list", as_list;
    &'a Values, "a map", as_map;
}

try_owned!(bool, i8, i16, i32, i64, isize, u8, u16, u32, u64, usize, f64);

macro_rules! try_whole_parts {
    ($($type:ty, $wanted:literal, $variant:ident;)*) => { $(
        /// # Errors
        ///
        /// `ErrorKind::Codec` for another kind of value.
        impl TryFrom<Value> for $type {
            type Error = Error;

            fn try_from(value: Value) -> Result<$type, Error> {
                match value {
                    Value::$variant(inner) => Ok(inner),
                    other => Err(wrong(&other, $wanted)),
                }
            }
        }
    )* };
}

try_whole_parts! {
    String, "a text", Text;
    Vec<u8>, "bytes", Bytes;
    List, "a list", List;
    Values, "a map", Map;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_of_what() {
        let list = |values: Vec<Value>| Value::List(values.into());
        let text = |text: &str| Value::Text(text.into());
        for (made, wanted) in [
            (Value::from(3_usize), Value::Int(3)),
            (Value::from(u64::MAX), text("18446744073709551615")),
            (Value::from(1_u64 << 63), text("9223372036854775808")),
            (Value::from((1_u64 << 63) - 1), Value::Int(i64::MAX)),
            (Value::from(-3_isize), Value::Int(-3)),
            (Value::from(vec![1_u8, 2]), Value::Bytes(vec![1, 2])),
            (Value::from([1_u8, 2]), Value::Bytes(vec![1, 2])),
            (Value::from(b"ab"), Value::Bytes(b"ab".to_vec())),
            (Value::from(&[1_u8, 2][..]), Value::Bytes(vec![1, 2])),
            (Value::from(Vec::<u8>::new()), Value::Bytes(Vec::new())),
            (Value::from(vec![1_u16, 2]), list(vec![Value::Int(1), Value::Int(2)])),
            (Value::from([1_i64].as_slice()), list(vec![Value::Int(1)])),
            (Value::from(vec![Some("a"), None]), list(vec![text("a"), Value::Null])),
            (Value::from(vec![b"a".to_vec()]), list(vec![Value::Bytes(b"a".to_vec())])),
            (Value::from(&"a".to_owned()), text("a")),
            (Value::from('ä'), text("ä")),
            (Value::from(Cow::Borrowed("a")), text("a")),
            (["a", "b"].into_iter().collect(), list(vec![text("a"), text("b")])),
            ([1_u8].into_iter().collect(), Value::Bytes(vec![1])),
            (
                Value::from(BTreeMap::from([("a", 1)])),
                Value::Map([("a".to_owned(), Value::Int(1))].into()),
            ),
            (
                Value::from(HashMap::from([("a".to_owned(), vec!["b"])])),
                Value::Map([("a".to_owned(), list(vec![text("b")]))].into()),
            ),
        ] {
            assert_eq!(made, wanted);
        }
    }

    #[test]
    fn what_is_taken_out_of_what() {
        let number = Value::Int(300);
        assert_eq!(u16::try_from(&number).unwrap(), 300);
        assert_eq!(usize::try_from(number.clone()).unwrap(), 300);
        assert_eq!(f64::try_from(&number).unwrap().to_bits(), 300.0_f64.to_bits());
        let text = Value::from("tea");
        assert_eq!(<&str>::try_from(&text).unwrap(), "tea");
        assert_eq!(String::try_from(text).unwrap(), "tea");
        assert_eq!(Vec::try_from(Value::from(b"ab")).unwrap(), b"ab");
        assert!(bool::try_from(Value::from(true)).unwrap());
        assert_eq!(List::try_from(Value::from(["a"])).unwrap().len(), 1);
        for number in [0, 1, i64::MAX as u64, i64::MAX as u64 + 1, u64::MAX] {
            assert_eq!(u64::try_from(Value::from(number)).unwrap(), number);
        }
    }

    #[test]
    fn what_does_not_fit_is_an_error_that_shows_no_value() {
        let message = |error: Error| error.to_string();
        for (error, wanted) in [
            (
                message(u8::try_from(Value::Int(300)).unwrap_err()),
                "the session's value is a whole number that does not fit into `u8`",
            ),
            (
                message(u64::try_from(Value::Int(-1)).unwrap_err()),
                "the session's value is a whole number that does not fit into `u64`",
            ),
            (
                message(i64::try_from(Value::from("secret")).unwrap_err()),
                "the session's value is a text, and not a `i64`",
            ),
            // A text of digits stays a text: only what no number could hold is read.
            (
                message(u64::try_from(Value::from("7")).unwrap_err()),
                "the session's value is a text, and not a `u64`",
            ),
            (
                message(i64::try_from(Value::from(u64::MAX)).unwrap_err()),
                "the session's value is a text, and not a `i64`",
            ),
            (
                message(String::try_from(Value::Null).unwrap_err()),
                "the session's value is null, and not a text",
            ),
        ] {
            assert_eq!(error, wanted);
        }
    }
}
