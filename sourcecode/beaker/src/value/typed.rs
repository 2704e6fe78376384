//! Values from and to the program's own types, by way of serde.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::Value;
use super::depth::{Level, TooDeep};
use crate::error::{Error, Result};

impl Value {
    /// The value that holds the same data as this, whatever its type: a structure becomes a map,
    /// a vector a list. Fails for what has no such form, such as a map whose keys are no texts,
    /// and for whole numbers over 63 bits. Floats that are no number or infinite become `Null`, as in
    /// JSON.
    pub fn of<T: Serialize + ?Sized>(data: &T) -> Result<Value> {
        let json = serde_json::to_value(data).map_err(|error| {
            Error::codec("could not turn the data into a session's value").caused_by(error)
        })?;
        from_json(json)
    }

    /// The data as a type of the program's own.
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
