//! Values in codecs that do not describe themselves: a number for the kind, then the content.
//! Never change the numbers: they are in every record stored so far.

use std::fmt;

use serde::de::{EnumAccess, Error as _, VariantAccess, Visitor};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::depth::Level;
use super::{Value, readable};

const KINDS: &[&str] = &["Null", "Bool", "Int", "Float", "Text", "Bytes", "List", "Map"];

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let _level = Level::enter().map_err(S::Error::custom)?;
        if serializer.is_human_readable() {
            return readable::serialize(self, serializer);
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
            return readable::deserialize(deserializer);
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
