//! Values in JSON as Python's module `json` writes it and reads it.
//!
//! It goes beyond JSON: there are `NaN` and `Infinity`, whole numbers of any size, and halves of
//! surrogate pairs. What no [`Value`] can hold is left as it is written, so that it can be written back.

mod read;
mod scan;
mod write;

pub(crate) use read::{text, value};
pub(crate) use scan::entries;
pub(crate) use write::{escape, write, write_float};

/// Beaker's JSON has no bytes. They are a map with one key, `{"$bytes": "6f6b"}`. A map of the program's
/// own that looks like this has one more `$`, so that it does not come back as bytes.
const BYTES: &str = "bytes";

/// Whether this is a key of a map that stands for bytes, or would if it had fewer `$`.
fn is_like_bytes(key: &str) -> bool {
    key.strip_suffix(BYTES)
        .is_some_and(|dollars| !dollars.is_empty() && dollars.bytes().all(|byte| byte == b'$'))
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;
    use proptest::prelude::*;

    use super::*;
    use crate::value::{List, Value};

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
