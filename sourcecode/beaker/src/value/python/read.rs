//! From JSON to a value.

use data_encoding::HEXLOWER;

use super::is_like_bytes;
use super::scan::Scanner;
use crate::value::depth::Level;
use crate::value::{Value, Values};

/// Why there is no value.
type Why = &'static str;

const TOO_LARGE: Why = "it is a whole number beyond 64 bits with a sign";
const NO_TEXT: Why = "it is a text with half of a surrogate pair, which is no Unicode";
const TOO_DEEP: Why = "it is nested more than 64 levels deep";
const NO_JSON: Why = "it is no JSON";

/// The value that an entry has; if no value can hold it, the reason.
pub(crate) fn value(json: &str) -> Result<Value, Why> {
    read(&mut Scanner::new(json))
}

fn read(scanner: &mut Scanner<'_>) -> Result<Value, Why> {
    let _level = Level::enter().map_err(|_| TOO_DEEP)?;
    match scanner.peek() {
        Some(b'"') => text(scanner.string().ok_or(NO_JSON)?).map(Value::Text),
        Some(b'[') => list(scanner),
        Some(b'{') => map(scanner),
        _ => scalar(scanner.scalar().ok_or(NO_JSON)?),
    }
}

fn list(scanner: &mut Scanner<'_>) -> Result<Value, Why> {
    let mut values = Vec::new();
    scanner.eat(b'[');
    if !scanner.eat(b']') {
        values.push(read(scanner)?);
        while scanner.eat(b',') {
            values.push(read(scanner)?);
        }
        scanner.eat(b']').then_some(()).ok_or(NO_JSON)?;
    }
    Ok(values.into())
}

fn map(scanner: &mut Scanner<'_>) -> Result<Value, Why> {
    let mut values = Values::new();
    scanner.eat(b'{');
    if !scanner.eat(b'}') {
        loop {
            let key = text(scanner.key().ok_or(NO_JSON)?)?;
            values.insert(key, read(scanner)?);
            if !scanner.eat(b',') {
                break;
            }
        }
        scanner.eat(b'}').then_some(()).ok_or(NO_JSON)?;
    }
    Ok(plain_or_bytes(values))
}

/// A map, unless it stands for bytes.
fn plain_or_bytes(mut values: Values) -> Value {
    if values.len() > 1 {
        return Value::Map(values);
    }
    match values.pop_first() {
        Some((key, Value::Text(text))) if is_like_bytes(&key) => {
            match (HEXLOWER.decode(text.as_bytes()), key.strip_prefix("$$")) {
                (Ok(bytes), None) => Value::Bytes(bytes),
                (Ok(_), Some(shorter)) => {
                    Value::Map([(format!("${shorter}"), Value::Text(text))].into())
                }
                (Err(_), _) => Value::Map([(key, Value::Text(text))].into()),
            }
        }
        entry => Value::Map(entry.into_iter().collect()),
    }
}

fn scalar(word: &str) -> Result<Value, Why> {
    Ok(match word {
        "null" => Value::Null,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        "NaN" => Value::Float(f64::NAN),
        "Infinity" => Value::Float(f64::INFINITY),
        "-Infinity" => Value::Float(f64::NEG_INFINITY),
        number if number.contains(['.', 'e', 'E']) => {
            Value::Float(number.parse().map_err(|_| NO_JSON)?)
        }
        number => Value::Int(number.parse().map_err(|_| TOO_LARGE)?),
    })
}

/// What a text with its quotes says.
pub(crate) fn text(quoted: &str) -> Result<String, Why> {
    serde_json::from_str(quoted).map_err(|_| NO_TEXT)
}
