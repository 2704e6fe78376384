//! Values in JSON as Python's module `json` writes it and reads it.
//!
//! This goes beyond JSON: it has `NaN` and `Infinity`, integers of any size, and halves of surrogate pairs.
//! What no [`Value`] can hold is kept as it is written, so that it can be written back.

use std::fmt::Write;

use data_encoding::HEXLOWER;

use super::nested::{Level, TooDeep};
use super::{Value, Values};

/// Beaker's JSON has no bytes. They are a map with one key, `{"$bytes": "6f6b"}`. A map of the program's
/// own that looks like this has one more `$`, so that it does not come back as bytes.
const BYTES: &str = "bytes";

/// Whether this is a key of a map that stands for bytes, or would if it had fewer `$`.
fn is_like_bytes(key: &str) -> bool {
    key.strip_suffix(BYTES)
        .is_some_and(|dollars| !dollars.is_empty() && dollars.bytes().all(|byte| byte == b'$'))
}

/// An entry of an object, as it is written.
pub(crate) struct Entry<'a> {
    /// With its quotes.
    pub(crate) key: &'a str,
    pub(crate) json: &'a str,
}

/// The entries of an object, in their order; `None` if the text is none.
pub(crate) fn entries(text: &str) -> Option<Vec<Entry<'_>>> {
    let mut scanner = Scanner { text, at: 0 };
    let mut entries = Vec::new();
    if !scanner.eat(b'{') {
        return None;
    }
    if !scanner.eat(b'}') {
        loop {
            let key = scanner.key()?;
            entries.push(Entry { key, json: scanner.value()? });
            if !scanner.eat(b',') {
                break;
            }
        }
        if !scanner.eat(b'}') {
            return None;
        }
    }
    scanner.is_at_end().then_some(entries)
}

/// A place in a JSON text. White space is skipped before whatever is asked for.
struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    fn new(text: &'a str) -> Scanner<'a> {
        Scanner { text, at: 0 }
    }

    /// The next byte.
    fn peek(&mut self) -> Option<u8> {
        let rest = &self.text.as_bytes()[self.at..];
        let blank = rest.iter().take_while(|byte| b" \t\r\n".contains(byte)).count();
        self.at += blank;
        rest.get(blank).copied()
    }

    fn eat(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn is_at_end(&mut self) -> bool {
        self.peek().is_none()
    }

    /// A key, and the colon after it.
    fn key(&mut self) -> Option<&'a str> {
        let key = self.string()?;
        self.eat(b':').then_some(key)
    }

    /// A text, with its quotes. Its escapes are not looked at.
    fn string(&mut self) -> Option<&'a str> {
        if self.peek() != Some(b'"') {
            return None;
        }
        let (start, rest) = (self.at, &self.text.as_bytes()[self.at + 1..]);
        let mut is_escaped = false;
        for (length, byte) in rest.iter().enumerate() {
            match byte {
                b'"' if !is_escaped => {
                    self.at += length + 2;
                    return Some(&self.text[start..self.at]);
                }
                ..0x20 => return None,
                _ => is_escaped = *byte == b'\\' && !is_escaped,
            }
        }
        None
    }

    /// A number, or a word such as `null`.
    fn scalar(&mut self) -> Option<&'a str> {
        self.peek()?;
        let rest = &self.text[self.at..];
        let is_end = |c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c));
        let word = &rest[..rest.find(is_end).unwrap_or(rest.len())];
        let words = ["null", "true", "false", "NaN", "Infinity", "-Infinity"];
        if !words.contains(&word) && !is_number(word) {
            return None;
        }
        self.at += word.len();
        Some(word)
    }

    /// Any value. What is open is in a list, and not on the stack.
    fn value(&mut self) -> Option<&'a str> {
        self.peek()?;
        let start = self.at;
        let mut closers = Vec::new();
        loop {
            match self.peek()? {
                b'[' => {
                    self.at += 1;
                    if !self.eat(b']') {
                        closers.push(b']');
                        continue;
                    }
                }
                b'{' => {
                    self.at += 1;
                    if !self.eat(b'}') {
                        closers.push(b'}');
                        self.key()?;
                        continue;
                    }
                }
                b'"' => drop(self.string()?),
                _ => drop(self.scalar()?),
            }
            loop {
                let Some(&closer) = closers.last() else {
                    return Some(&self.text[start..self.at]);
                };
                if self.eat(b',') {
                    if closer == b'}' {
                        self.key()?;
                    }
                    break;
                }
                if !self.eat(closer) {
                    return None;
                }
                closers.pop();
            }
        }
    }
}

/// `-0.5e+10`: what JSON calls a number.
fn is_number(word: &str) -> bool {
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let word = word.strip_prefix('-').unwrap_or(word);
    let (mantissa, exponent) = word.split_once(['e', 'E']).unwrap_or((word, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let has_no_zero_before = whole == "0" || !whole.starts_with('0');
    are_digits(whole) && has_no_zero_before && are_digits(fraction) && are_digits(exponent)
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{List, Value};
    use data_encoding::HEXLOWER;
    use proptest::prelude::*;

    fn read(json: &str) -> Result<Value, &'static str> {
        let object = format!("{{\"k\": {json}}}");
        let entries = entries(&object).unwrap_or_else(|| panic!("{json} is no JSON"));
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].json, json.trim());
        value(entries[0].json)
    }

    fn written(value: &Value) -> String {
        let mut json = String::new();
        write(value, &mut json).unwrap();
        json
    }

    /// Python writes this, it is read as the value, and is written as before.
    #[track_caller]
    fn check(json: &str, value: impl Into<Value>) {
        let value = value.into();
        assert_eq!(read(json), Ok(value.clone()));
        assert_eq!(written(&value), json);
    }

    #[test]
    fn what_python_writes_is_written_back() {
        check("null", Value::Null);
        check("true", true);
        check("-9223372036854775808", i64::MIN);
        check("9223372036854775807", i64::MAX);
        check("0.1", 0.1);
        check("-0.0", -0.0);
        check("0.0001", 0.0001);
        check("1.5e-05", 0.000_015);
        check("1e+16", 1e16);
        check("1.7976931348623157e+308", f64::MAX);
        check("Infinity", f64::INFINITY);
        check("-Infinity", f64::NEG_INFINITY);
        check(r#""R\u00e4ikk\u00f6nen \ud83c\udfc1""#, "Räikkönen 🏁");
        check(r#""\"\\/\b\f\n\r\t\u0000\u001f""#, "\"\\/\u{8}\u{c}\n\r\t\0\u{1f}");
        check("[]", List::default());
        check("[1, [2.0, \"a\"], {}]", {
            let inner = Value::List(vec![2.0.into(), "a".into()].into());
            vec![1.into(), inner, Value::Map([].into())]
        });
        check(r#"{"$ref": 1}"#, Value::Map([("$ref".to_owned(), 1.into())].into()));
        check(r#"{"$float": "1.5"}"#, Value::Map([("$float".to_owned(), "1.5".into())].into()));
        check(r#"{"$bytes": "xyz"}"#, Value::Map([("$bytes".to_owned(), "xyz".into())].into()));
        check(r#"{"$bytes": "6f6b"}"#, b"ok".as_slice());
        check(r#"{"$$bytes": "6f6b"}"#, Value::Map([("$bytes".to_owned(), "6f6b".into())].into()));
        assert!(read("NaN").unwrap().as_float().unwrap().is_nan());
        assert_eq!(written(&f64::NAN.into()), "NaN");
        assert_eq!(read("1e400"), Ok(f64::INFINITY.into()), "as Python reads it");
    }

    #[test]
    fn what_no_value_can_hold_says_so() {
        for number in ["9223372036854775808", "18446744073709551616", "-9223372036854775809"] {
            assert!(read(number).unwrap_err().contains("64 bits"), "{number}");
        }
        assert!(read(&("1".to_owned() + &"0".repeat(400))).unwrap_err().contains("64 bits"));
        for text in [r#""\ud800""#, r#""a\udc00b""#, r#"["\ud800"]"#, r#"{"\ud800": 1}"#] {
            assert!(read(text).unwrap_err().contains("surrogate"), "{text}");
        }
        for levels in [65, 70, 100_000] {
            let json = "[".repeat(levels) + "1" + &"]".repeat(levels);
            assert!(read(&json).unwrap_err().contains("64 levels"), "{levels}");
            let json = r#"{"a": "#.repeat(levels) + "1" + &"}".repeat(levels);
            assert!(read(&json).unwrap_err().contains("64 levels"), "{levels}");
        }
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for text in [
            "",
            "nul",
            "1 2",
            "[1,]",
            "[1",
            "1]",
            "{\"a\"}",
            "{\"a\":}",
            "{1: 2}",
            "'a'",
            "\"a",
            "01",
            "1.",
            ".5",
            "-",
            "+1",
            "1e",
            "0x1",
            "nan",
            "--1",
            "[}",
            "{]",
            "\"\u{1}\"",
            "\"a\\\"",
        ] {
            assert!(entries(&format!("{{\"k\": {text}}}")).is_none(), "{text}");
        }
        for text in ["", "[]", "{", "{}x", "null", r#"{"a": 1,}"#, r#"{"a": 1} {}"#] {
            assert!(entries(text).is_none(), "{text}");
        }
        assert!(read(r#""\x""#).is_err() && read(r#""\u12""#).is_err());
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Int),
            any::<f64>().prop_map(Value::Float),
            Just(Value::Float(f64::INFINITY)),
            any::<String>().prop_map(Value::Text),
            any::<Vec<u8>>().prop_map(Value::Bytes),
        ];
        let key = || prop_oneof!["\\${0,3}(bytes|float|ref)?", any::<String>()];
        let text = || prop_oneof!["([0-9a-f]{2}){0,3}", "[0-9a-f]{1,3}"];
        leaf.prop_recursive(4, 64, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(key(), inner, 0..6)
                    .prop_map(|map| Value::Map(map.into())),
                // What may be taken for something else.
                (key(), text())
                    .prop_map(|(key, text)| Value::Map([(key, Value::Text(text))].into())),
            ]
        })
    }

    proptest! {
        #[test]
        fn read_inverts_write(value in values()) {
            let json = written(&value);
            prop_assert!(json.is_ascii());
            // Unlike `==`, this tells zeros apart by their sign, and knows NaN again.
            prop_assert_eq!(format!("{:?}", read(&json).unwrap()), format!("{value:?}"));
        }

        #[test]
        fn write_inverts_read(text in "\\PC{0,20}", dollars in "\\${0,3}") {
            for inner in [serde_json::json!(text), HEXLOWER.encode(text.as_bytes()).into()] {
                let (bytes, key) = (format!("{dollars}bytes"), format!("{dollars}{text}"));
                for json in [serde_json::json!({bytes: inner}), serde_json::json!({key: [inner]})] {
                    let back = written(&read(&json.to_string()).unwrap());
                    prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&back).unwrap(), json);
                }
            }
        }

        #[test]
        fn anything_at_all_is_read_or_refused(text in "[\\[\\]{}\",:\\\\ 0-9a-zA-Zé.+-]{0,40}") {
            for entry in entries(&text).into_iter().flatten() {
                let _ = value(entry.json);
            }
        }
    }
}
