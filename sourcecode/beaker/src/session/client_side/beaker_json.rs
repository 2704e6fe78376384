//! A session as Beaker's cookies hold it with `data_serializer = json`: zlib of a JSON object, with the
//! values, and the id, the times and the cookie's path and domain under names that begin with `_`.

use miniz_oxide::deflate::compress_to_vec_zlib;
use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;

use crate::clock::Timestamp;
use crate::cookie::CookieOptions;
use crate::error::{Error, ErrorKind, Result};
use crate::session::id::SessionId;
use crate::session::stored::{SessionData, Unreadable};
use crate::value::{Value, Values, python};

/// The names of Beaker's own entries.
const DOMAIN: &str = "_domain";
const PATH: &str = "_path";
const ID: &str = "_id";
const CREATED: &str = "_creation_time";
const ACCESSED: &str = "_accessed_time";
const RESERVED: [&str; 5] = [DOMAIN, PATH, ID, CREATED, ACCESSED];

/// What a session may take before it is packed: more than the 4 kB of a cookie can hold, a thousand
/// bytes to each of them at best. So all that Beaker can save can be loaded.
const LARGEST: usize = 4 * 1024 * 1024;

/// As Python's zlib packs by default.
const LEVEL: u8 = 6;

/// What was in a cookie.
pub(super) struct Decoded {
    pub(super) id: SessionId,
    pub(super) data: SessionData,
    pub(super) unreadable: Vec<Unreadable>,
}

/// In the order of Beaker's own: Python, which keeps it, then needs as much room for it.
pub(super) fn encode<'a>(
    cookie: &CookieOptions,
    id: &SessionId,
    data: &SessionData,
    unreadable: impl IntoIterator<Item = &'a Unreadable>,
) -> Result<Vec<u8>> {
    if let Some(key) = RESERVED.into_iter().find(|key| data.values.contains_key(*key)) {
        return Err(Error::config(format!(
            "the key `{key}` is one of Beaker's own in a cookie of its format, and cannot hold a value \
             of the program; give the value another key"
        )));
    }
    let mut json = String::from("{");
    let name = |name: &str, json: &mut String| {
        json.push_str(if json.len() == 1 { "" } else { ", " });
        python::escape(name, json);
        json.push_str(": ");
    };
    name(DOMAIN, &mut json);
    match cookie.get_domain() {
        Some(domain) => python::escape(domain, &mut json),
        None => json.push_str("null"),
    }
    name(PATH, &mut json);
    python::escape(cookie.get_path(), &mut json);
    name(ID, &mut json);
    python::escape(id.as_str(), &mut json);
    for (key, value) in &data.values {
        name(key, &mut json);
        python::write(value, &mut json).map_err(|too_deep| {
            Error::codec(format!("could not encode the session's `{key}`: {too_deep}"))
        })?;
    }
    for entry in unreadable {
        json.extend([", ", &entry.quoted, ": ", &entry.json]);
    }
    name(CREATED, &mut json);
    python::write_float(seconds(data.created), &mut json);
    name(ACCESSED, &mut json);
    python::write_float(seconds(data.accessed), &mut json);
    json.push('}');
    if json.len() > LARGEST {
        return Err(Error::new(
            ErrorKind::TooLarge,
            format!(
                "the session takes {} bytes before it is packed, and no cookie holds one of over \
                 {LARGEST}; keep less in the session, or a backend for it",
                json.len()
            ),
        ));
    }
    Ok(compress_to_vec_zlib(json.as_bytes(), LEVEL))
}

/// `None` if Beaker has not made this.
pub(super) fn decode(bytes: &[u8]) -> Option<Decoded> {
    let text = String::from_utf8(decompress_to_vec_zlib_with_limit(bytes, LARGEST).ok()?).ok()?;
    let (mut values, mut own) = (Values::new(), [const { None }; RESERVED.len()]);
    let mut unreadable: Vec<Unreadable> = Vec::new();
    for entry in python::entries(&text)? {
        let key = python::text(entry.key).ok();
        // Python writes a key twice that was a number and a text, and reads the last.
        unreadable.retain(|former| key.is_none() || former.key != key);
        let read = python::value(entry.json);
        match (key, read) {
            (Some(key), read) if RESERVED.contains(&key.as_str()) => {
                let place = RESERVED.iter().position(|reserved| *reserved == key)?;
                own[place] = read.ok();
            }
            (Some(key), Ok(value)) => drop(values.insert(key, value)),
            (key, read) => {
                key.as_ref().map(|key| values.remove(key));
                let why = read.err().unwrap_or("its key is no Unicode");
                let (quoted, json) = (entry.key.to_owned(), entry.json.to_owned());
                unreadable.push(Unreadable { quoted, key, json, why });
            }
        }
    }
    let [_, _, id, created, accessed] = own;
    let moment = |seconds: Option<Value>| {
        let micros = seconds?.as_float()? * 1e6;
        (0.0..9e18).contains(&micros).then(|| Timestamp::from_micros(micros.round() as u64))
    };
    let (created, accessed) = (moment(created)?, moment(accessed)?);
    let data = SessionData { created, accessed, values };
    Some(Decoded { id: id?.as_str()?.parse().ok()?, data, unreadable })
}

fn seconds(time: Timestamp) -> f64 {
    time.as_micros() as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The content of a cookie that Beaker 1.14.1 made.
    const BEAKERS: &str = "eJx1zT0OwjAMBeCrVJkR5M9F4QrdYEWq3MQVVpsE0XZC3J2ane0969PzW/WpZuSiLk3Z5vn\
        QqP6J62Ov6qSkcZIMCCl6cD4a58cQcQjOkGtx1DCQSUJvW80suOPMzfW+aU2ep0nC2BYqguQRyG58Ea5cS79ypv1ozg\
        EgWOPNMdigrfspjJGWhdI/5e3nC0L4Nmg=";

    fn packed(json: &str) -> Vec<u8> {
        compress_to_vec_zlib(json.as_bytes(), LEVEL)
    }

    fn unpacked(bytes: &[u8]) -> String {
        String::from_utf8(decompress_to_vec_zlib_with_limit(bytes, LARGEST).unwrap()).unwrap()
    }

    /// Beside these entries, written again as Python would.
    fn again(decoded: &Decoded, options: &CookieOptions) -> String {
        let Decoded { id, data, unreadable } = decoded;
        unpacked(&encode(options, id, data, unreadable).unwrap())
    }

    #[test]
    fn reads_what_beaker_wrote() {
        let bytes = data_encoding::BASE64.decode(BEAKERS.as_bytes()).unwrap();
        let Decoded { id, data, unreadable } = decode(&bytes).unwrap();
        assert_eq!(id.as_str(), "5a5dc4534c134f9cab931e36af05be1d");
        assert_eq!(data.created, Timestamp::from_micros(1_795_592_141_929_024));
        let values = [("Suomi", Value::from("Kimi Räikkönen")), ("n", Value::Int(5))];
        assert_eq!(data.values, values.map(|(key, value)| (key.to_owned(), value)).into());
        assert_eq!(unreadable, []);
    }

    #[test]
    fn writes_what_beaker_writes() {
        let json = r#"{"_domain": null, "_path": "/", "_id": "00112233445566778899aabbccddeeff", "n": 7, "user": "R\u00e4ikk\u00f6nen", "_creation_time": 1700000000.25, "_accessed_time": 1700000000.25}"#;
        let decoded = decode(&packed(json)).unwrap();
        assert_eq!(again(&decoded, &CookieOptions::default()), json);
        let shop = CookieOptions::default().path("/shop").domain("example.org");
        let start = r#"{"_domain": "example.org", "_path": "/shop", "_id": "#;
        assert!(again(&decoded, &shop).starts_with(start));
    }

    #[test]
    fn what_no_value_can_hold_is_kept() {
        let id = SessionId::random();
        let entries =
            r#", "a": 1, "big": 18446744073709551616, "deep": {"x": ["\ud800"]}, "\udc00": 5"#;
        let end = r#", "_creation_time": 1.5, "_accessed_time": 2}"#;
        let start = format!(r#"{{"_domain": null, "_path": "/", "_id": "{id}""#);
        let decoded = decode(&packed(&format!("{start}{entries}{end}"))).unwrap();
        let keys: Vec<_> = decoded.unreadable.iter().map(Unreadable::key).collect();
        assert_eq!(keys, ["big", "deep", r"\udc00"]);
        let end = end.replace("2}", "2.0}");
        assert_eq!(again(&decoded, &CookieOptions::default()), format!("{start}{entries}{end}"));
    }

    #[test]
    fn the_last_of_two_equal_keys_counts() {
        let read = |twice: &str| {
            let id = SessionId::random();
            let json =
                format!(r#"{{{twice}, "_id": "{id}", "_creation_time": 1, "_accessed_time": 2}}"#);
            let decoded = decode(&packed(&json)).unwrap();
            (decoded.data.values.get("1").cloned(), decoded.unreadable.len())
        };
        assert_eq!(read(r#""1": 2, "1": 3"#), (Some(3.into()), 0));
        assert_eq!(read(r#""1": 1e999, "1": 99999999999999999999"#), (None, 1));
        assert_eq!(read(r#""1": 99999999999999999999, "1": 3"#), (Some(3.into()), 0));
    }

    #[test]
    fn names_of_beakers_own_are_refused() {
        let at = Timestamp::from_micros(0);
        for key in RESERVED {
            let values = [(key.to_owned(), Value::Null)].into();
            let data = SessionData { created: at, accessed: at, values };
            let error = encode(&CookieOptions::default(), &SessionId::random(), &data, []);
            let error = error.unwrap_err();
            assert!(error.to_string().contains(&format!("`{key}`")), "{error}");
            assert_eq!(error.kind(), ErrorKind::Config);
        }
    }

    #[test]
    fn decode_inverts_encode_and_garbage_is_refused() {
        let at = Timestamp::from_micros(1_795_592_141_929_025);
        let values = [("_mine".to_owned(), Value::Bytes(vec![1, 2]))].into();
        let data = SessionData { created: at, accessed: at, values };
        let id = SessionId::random();
        let bytes = encode(&CookieOptions::default(), &id, &data, []).unwrap();
        let decoded = decode(&bytes).unwrap();
        assert_eq!((decoded.id, decoded.data), (id, data));
        for cut in 0..bytes.len() {
            assert!(decode(&bytes[..cut]).is_none(), "cut at {cut}");
        }
        assert!(decode(&packed(&" ".repeat(LARGEST + 1))).is_none());
        for text in ["[]", "{}", "null", r#"{"_id": 5}"#] {
            assert!(decode(&packed(text)).is_none(), "{text}");
        }
    }

    #[test]
    fn what_is_saved_can_be_loaded() {
        let at = Timestamp::from_micros(0);
        let id = SessionId::random();
        for length in [500_000, LARGEST - 300, LARGEST] {
            let values = [("a".to_owned(), "a".repeat(length).into())].into();
            let data = SessionData { created: at, accessed: at, values };
            match encode(&CookieOptions::default(), &id, &data, []) {
                Ok(bytes) => assert_eq!(decode(&bytes).unwrap().data, data),
                Err(error) => {
                    assert_eq!((error.kind(), length), (ErrorKind::TooLarge, LARGEST), "{error}");
                }
            }
        }
    }
}
