//! Values in codecs that people read, such as JSON: text is text, a list is a list.
//!
//! What JSON has no form for is a map with one key: `{"$bytes": "6f6b"}`, `{"$float": "NaN"}`.
//! A key of one's own that starts with `$` is written with one more.

use std::fmt;

use data_encoding::HEXLOWER;
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserializer, Serialize, Serializer};

use super::{Value, Values};

pub(super) fn serialize<S: Serializer>(value: &Value, serializer: S) -> Result<S::Ok, S::Error> {
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

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    deserializer.deserialize_any(Plain)
}

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
