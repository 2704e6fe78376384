//! The encoded forms of a value, through serde.
//!
//! In binary codecs, a value is the number of its kind and then its content. Never change the numbers: they
//! are in every record stored so far.
//!
//! In self-describing codecs such as JSON, a text is a string and a list is an array. Values for which JSON
//! has no form become an object with one key: `{"$bytes": "6f6b"}`, `{"$float": "NaN"}`. A program's own key
//! that starts with `$` gets one more `$`.
//!
//! A program's own types are converted to values and back as if values were JSON.

use std::fmt;

use data_encoding::HEXLOWER;
use serde::de::{
    DeserializeOwned, EnumAccess, Error as _, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value as Json;

use super::nested::{Level, TooDeep};
use super::{Value, Values};
use crate::error::{Error, Result};

const KINDS: &[&str] = &["Null", "Bool", "Int", "Float", "Text", "Bytes", "List", "Map"];

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let _level = Level::enter().map_err(S::Error::custom)?;
        if serializer.is_human_readable() {
            return serialize_readable(self, serializer);
        }
        match self {
            Value::Null => serializer.serialize_unit_variant("Value", 0, KINDS[0]),
            Value::Bool(v) => serializer.serialize_newtype_variant("Value", 1, KINDS[1], v),
            Value::Int(v) => serializer.serialize_newtype_variant("Value", 2, KINDS[2], v),
            Value::Float(v) => serializer.serialize_newtype_variant("Value", 3, KINDS[3], v),
            Value::Text(v) => serializer.serialize_newtype_variant("Value", 4, KINDS[4], v),
            Value::Bytes(v) => serializer.serialize_newtype_variant("Value", 5, KINDS[5], v),
            Value::List(v) => serializer.serialize_newtype_variant("Value", 6, KINDS[6], v),
            Value::Map(v) => serializer.serialize_newtype_variant("Value", 7, KINDS[7], v),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
        let _level = Level::enter().map_err(D::Error::custom)?;
        if deserializer.is_human_readable() {
            return deserializer.deserialize_any(Plain);
        }
        deserializer.deserialize_enum("Value", KINDS, Tagged)
    }
}

struct Tagged;

impl<'de> Visitor<'de> for Tagged {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a session's value")
    }

    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<Value, A::Error> {
        let (kind, content) = data.variant::<u32>()?;
        match kind {
            0 => content.unit_variant().map(|()| Value::Null),
            1 => content.newtype_variant().map(Value::Bool),
            2 => content.newtype_variant().map(Value::Int),
            3 => content.newtype_variant().map(Value::Float),
            4 => content.newtype_variant().map(Value::Text),
            5 => content.newtype_variant().map(Value::Bytes),
            6 => content.newtype_variant().map(Value::List),
            7 => content.newtype_variant().map(Value::Map),
            unknown => Err(A::Error::custom(format!("unknown kind of value: {unknown}"))),
        }
    }
}

fn serialize_readable<S: Serializer>(value: &Value, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Value::Null => serializer.serialize_unit(),
        Value::Bool(v) => serializer.serialize_bool(*v),
        Value::Int(v) => serializer.serialize_i64(*v),
        Value::Float(v) if v.is_finite() => serializer.serialize_f64(*v),
        Value::Float(v) => serializer.collect_map([("$float", v.to_string())]),
        Value::Text(v) => serializer.serialize_str(v),
        Value::Bytes(v) => serializer.collect_map([("$bytes", HEXLOWER.encode(v))]),
        Value::List(v) => v.serialize(serializer),
        Value::Map(v) => serializer.collect_map(v.iter().map(|(key, value)| (escaped(key), value))),
    }
}

/// A value that describes itself.
struct Plain;

impl<'de> Visitor<'de> for Plain {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("null, a truth value, a number within 64 bits, a text, a list or a map")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Int(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Value, E> {
        let too_large = || E::custom(format!("{value} is more than a whole number can hold"));
        i64::try_from(value).map(Value::Int).map_err(|_| too_large())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element()? {
            values.push(value);
        }
        Ok(Value::List(values.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut values = Values::new();
        while let Some((key, value)) = map.next_entry::<String, Value>()? {
            match (key.as_str(), &value) {
                ("$bytes", Value::Text(hex)) => {
                    let bytes = HEXLOWER.decode(hex.as_bytes());
                    return bytes.map(Value::Bytes).map_err(A::Error::custom);
                }
                ("$float", Value::Text(text)) => {
                    return text.parse().map(Value::Float).map_err(A::Error::custom);
                }
                _ => values
                    .insert(key.strip_prefix("$$").map_or(key.clone(), |k| format!("${k}")), value),
            };
        }
        Ok(Value::Map(values))
    }
}

fn escaped(key: &str) -> String {
    if key.starts_with('$') { format!("${key}") } else { key.into() }
}

impl Value {
    /// Converts data of any type that implements `Serialize`: a structure becomes a map, a vector becomes a
    /// list. Floats that are infinite or not a number become `Null`, as in JSON.
    ///
    /// Fails for data without such a form, such as a map whose keys are not strings, and for integers of more
    /// than 63 bits.
    pub fn of<T: Serialize + ?Sized>(data: &T) -> Result<Value> {
        let json = serde_json::to_value(data).map_err(|error| {
            Error::codec("could not turn the data into a session's value").caused_by(error)
        })?;
        from_json(json)
    }

    /// Converts the value to a type of the program's own.
    pub fn to<T: DeserializeOwned>(&self) -> Result<T> {
        let json = to_json(self).map_err(|too_deep| Error::codec(too_deep.to_string()))?;
        serde_json::from_value(json).map_err(|error| {
            let name = std::any::type_name::<T>();
            Error::codec(format!("the session's value is not a `{name}`")).caused_by(error)
        })
    }
}

fn from_json(json: Json) -> Result<Value> {
    Ok(match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(value),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(value), _) => Value::Int(value),
            (None, Some(value)) if number.is_f64() => Value::Float(value),
            _ => {
                let hint = "store it as a text";
                return Err(Error::codec(format!("{number} is over 63 bits; {hint}")));
            }
        },
        Json::String(value) => Value::Text(value),
        Json::Array(list) => Value::List(list.into_iter().map(from_json).collect::<Result<_>>()?),
        Json::Object(map) => {
            let entries = map.into_iter().map(|(key, value)| Ok((key, from_json(value)?)));
            Value::Map(entries.collect::<Result<_>>()?)
        }
    })
}

fn to_json(value: &Value) -> Result<Json, TooDeep> {
    let _level = Level::of(value)?;
    Ok(match value {
        Value::Null => Json::Null,
        Value::Bool(value) => (*value).into(),
        Value::Int(value) => (*value).into(),
        Value::Float(value) => (*value).into(),
        Value::Text(value) => value.as_str().into(),
        Value::Bytes(value) => value.as_slice().into(),
        Value::List(list) => Json::Array(list.iter().map(to_json).collect::<Result<_, _>>()?),
        Value::Map(map) => {
            let entries = map.iter().map(|(key, value)| Ok((key.clone(), to_json(value)?)));
            Json::Object(entries.collect::<Result<_, _>>()?)
        }
    })
}
