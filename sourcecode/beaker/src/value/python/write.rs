//! From a value to JSON, byte for byte as Python writes it: so that it takes as much room when Python
//! writes it again.

use std::fmt::Write;

use data_encoding::HEXLOWER;

use super::is_like_bytes;
use crate::value::Value;
use crate::value::depth::{Level, TooDeep};

/// Appends a value.
pub(crate) fn write(value: &Value, json: &mut String) -> Result<(), TooDeep> {
    let _level = Level::enter()?;
    match value {
        Value::Null => json.push_str("null"),
        Value::Bool(true) => json.push_str("true"),
        Value::Bool(false) => json.push_str("false"),
        Value::Int(number) => append(json, format_args!("{number}")),
        Value::Float(number) => write_float(*number, json),
        Value::Text(text) => escape(text, json),
        Value::Bytes(bytes) => {
            append(json, format_args!("{{\"$bytes\": \"{}\"}}", HEXLOWER.encode(bytes)));
        }
        Value::List(values) => {
            json.push('[');
            for (number, value) in values.iter().enumerate() {
                json.push_str(if number == 0 { "" } else { ", " });
                write(value, json)?;
            }
            json.push(']');
        }
        Value::Map(values) => {
            json.push('{');
            let is_single = values.len() == 1;
            for (number, (key, value)) in values.iter().enumerate() {
                json.push_str(if number == 0 { "" } else { ", " });
                match is_single && is_like_bytes(key) && is_hex(value) {
                    true => escape(&format!("${key}"), json),
                    false => escape(key, json),
                }
                json.push_str(": ");
                write(value, json)?;
            }
            json.push('}');
        }
    }
    Ok(())
}

fn is_hex(value: &Value) -> bool {
    value.as_str().is_some_and(|text| HEXLOWER.decode(text.as_bytes()).is_ok())
}

/// Appends a number that is read as one with a fraction.
pub(crate) fn write_float(number: f64, json: &mut String) {
    match number {
        _ if number.is_nan() => json.push_str("NaN"),
        f64::INFINITY => json.push_str("Infinity"),
        f64::NEG_INFINITY => json.push_str("-Infinity"),
        _ => match format!("{number:?}").split_once('e') {
            // Python's exponents have a sign, and two digits at least.
            Some((mantissa, exponent)) => {
                let (sign, digits) = match exponent.strip_prefix('-') {
                    Some(digits) => ('-', digits),
                    None => ('+', exponent),
                };
                append(json, format_args!("{mantissa}e{sign}{digits:0>2}"));
            }
            None => append(json, format_args!("{number:?}")),
        },
    }
}

/// Appends a text in quotes, in ASCII.
pub(crate) fn escape(text: &str, json: &mut String) {
    json.push('"');
    for c in text.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\u{8}' => json.push_str("\\b"),
            '\u{c}' => json.push_str("\\f"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            ' '..='~' => json.push(c),
            '\u{7f}' => json.push(c),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    append(json, format_args!("\\u{unit:04x}"));
                }
            }
        }
    }
    json.push('"');
}

fn append(json: &mut String, text: std::fmt::Arguments<'_>) {
    json.write_fmt(text).expect("a text takes what is appended");
}
