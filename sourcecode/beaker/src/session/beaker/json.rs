//! A session with `data_serializer = json`: zlib of a JSON object.

use std::sync::Arc;

use miniz_oxide::deflate::compress_to_vec_zlib;
use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;

use super::{ACCESSED, CREATED, DOMAIN, Decoded, ID, PATH, RESERVED, Written, moment, seconds};
use crate::error::{Error, ErrorKind, Result};
use crate::session::kept::{Kept, Place, Unreadable};
use crate::value::{Value, Values, python};

/// What a session may take before it is packed: far more than the 4 kB of a cookie can hold, of which each
/// byte holds a thousand at best. So all that Beaker can save in a cookie can be loaded.
const LARGEST: usize = 4 * 1024 * 1024;

/// The same in a store.
const LARGEST_STORED: usize = 64 * 1024 * 1024;

/// As Python's zlib packs by default.
const LEVEL: u8 = 6;

/// Writes Beaker's own entries in its order: Python, which keeps it, then needs as much room for it.
pub(super) fn encode(written: &Written<'_>) -> Result<Vec<u8>> {
    let Written { id, cookie, data, kept, note } = written;
    let mut json = String::from("{");
    let name = |name: &str, json: &mut String| {
        json.push_str(if json.len() == 1 { "" } else { ", " });
        python::escape(name, json);
        json.push_str(": ");
    };
    let place = kept.place.as_ref().filter(|_| id.is_none());
    name(DOMAIN, &mut json);
    match (place, cookie.get_domain()) {
        (Some(place), _) => json.push_str(&place.domain),
        (None, Some(domain)) => python::escape(domain, &mut json),
        (None, None) => json.push_str("null"),
    }
    name(PATH, &mut json);
    match place {
        Some(place) => json.push_str(&place.path),
        None => python::escape(cookie.get_path(), &mut json),
    }
    if let Some(id) = id {
        name(ID, &mut json);
        python::escape(id.as_str(), &mut json);
    }
    for (key, value) in &data.values {
        name(key, &mut json);
        python::write(value, &mut json).map_err(|too_deep| {
            Error::codec(format!("could not encode the session's `{key}`: {too_deep}"))
        })?;
    }
    for entry in &kept.unreadable {
        json.extend([", ", &entry.quoted, ": ", &entry.text]);
    }
    if let Some((key, text)) = note {
        name(key, &mut json);
        python::escape(text, &mut json);
    }
    name(CREATED, &mut json);
    python::write_float(seconds(data.created), &mut json);
    name(ACCESSED, &mut json);
    python::write_float(seconds(data.accessed), &mut json);
    json.push('}');
    let (largest, holder) = match id {
        Some(_) => (LARGEST, "no cookie holds"),
        None => (LARGEST_STORED, "no record in Beaker's format holds"),
    };
    if json.len() > largest {
        return Err(Error::new(
            ErrorKind::TooLarge,
            format!(
                "the session takes {} bytes before it is packed, and {holder} one of over {largest}; \
                 keep less in the session, or a backend for it",
                json.len()
            ),
        ));
    }
    Ok(compress_to_vec_zlib(json.as_bytes(), LEVEL))
}

/// Returns the reason if Beaker has not made this.
pub(super) fn decode(bytes: &[u8], is_in_cookie: bool) -> Result<Decoded, &'static str> {
    let limit = if is_in_cookie { LARGEST } else { LARGEST_STORED };
    let text = decompress_to_vec_zlib_with_limit(bytes, limit);
    let text = text.map_err(|_| "it is not packed by zlib, or too large")?;
    let text = String::from_utf8(text).map_err(|_| "its JSON is no UTF-8")?;
    let (mut values, mut own) = (Values::new(), [const { None }; RESERVED.len()]);
    let mut kept = Kept::default();
    let (mut domain, mut path) = ("null", "\"/\"");
    for entry in python::entries(&text).ok_or("it is no JSON object")? {
        let key = python::text(entry.key).ok();
        // Python writes a key twice that was a number and a text, and reads the last.
        kept.unreadable.retain(|former| key.is_none() || former.key != key);
        let read = python::value(entry.json);
        match (key, read) {
            (Some(key), read) if RESERVED.contains(&key.as_str()) => {
                match key.as_str() {
                    DOMAIN => domain = entry.json,
                    PATH => path = entry.json,
                    _ => {}
                }
                let place = RESERVED.iter().position(|reserved| *reserved == key);
                own[place.unwrap_or_default()] = read.ok();
            }
            (Some(key), Ok(value)) => drop(values.insert(key, value)),
            (key, read) => {
                key.as_ref().map(|key| values.remove(key));
                let why = read.err().unwrap_or("its key is no Unicode").into();
                let (quoted, text) = (entry.key.to_owned(), entry.json.to_owned());
                kept.unreadable.push(Unreadable { quoted, key, text, why });
            }
        }
    }
    if !is_in_cookie {
        kept.place = Some(Arc::new(Place { domain: domain.to_owned(), path: path.to_owned() }));
    }
    let [_, _, id, created, accessed] = own;
    let id = id.and_then(|id: Value| id.as_str()?.parse().ok());
    let moment = |seconds: Option<Value>| moment(&seconds?);
    let (created, accessed) = (moment(created), moment(accessed));
    Ok(Decoded { id, created, accessed, values, kept })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::cookie::CookieOptions;
    use crate::session::beaker::Serializer;
    use crate::session::id::SessionId;
    use crate::session::stored::SessionData;

    /// A session in a cookie.
    struct InCookie {
        id: SessionId,
        data: SessionData,
        kept: Kept,
    }

    fn encode(cookie: &CookieOptions, id: &SessionId, data: &SessionData) -> Result<Vec<u8>> {
        let (id, kept) = (Some(id), &Kept::default());
        Serializer::Json.encode(&Written { id, cookie, data, kept, note: None })
    }

    fn decode(bytes: &[u8]) -> Option<InCookie> {
        let Decoded { id, created, accessed, values, kept } = super::decode(bytes, true).ok()?;
        let data = SessionData { created: created?, accessed: accessed?, values };
        Some(InCookie { id: id?, data, kept })
    }

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
    fn again(decoded: &InCookie, cookie: &CookieOptions) -> String {
        let InCookie { id, data, kept } = decoded;
        let written = Written { id: Some(id), cookie, data, kept, note: None };
        unpacked(&super::encode(&written).unwrap())
    }

    #[test]
    fn reads_what_beaker_wrote() {
        let bytes = data_encoding::BASE64.decode(BEAKERS.as_bytes()).unwrap();
        let InCookie { id, data, kept } = decode(&bytes).unwrap();
        assert_eq!(id.as_str(), "5a5dc4534c134f9cab931e36af05be1d");
        assert_eq!(data.created, Timestamp::from_micros(1_795_592_141_929_024));
        let values = [("Suomi", Value::from("Kimi Räikkönen")), ("n", Value::Int(5))];
        assert_eq!(data.values, values.map(|(key, value)| (key.to_owned(), value)).into());
        assert_eq!(kept.unreadable, []);
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
        let keys: Vec<_> = decoded.kept.unreadable.iter().map(Unreadable::key).collect();
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
            (decoded.data.values.get("1").cloned(), decoded.kept.unreadable.len())
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
            let error = encode(&CookieOptions::default(), &SessionId::random(), &data);
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
        let bytes = encode(&CookieOptions::default(), &id, &data).unwrap();
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
            match encode(&CookieOptions::default(), &id, &data) {
                Ok(bytes) => assert_eq!(decode(&bytes).unwrap().data, data),
                Err(error) => {
                    assert_eq!((error.kind(), length), (ErrorKind::TooLarge, LARGEST), "{error}");
                }
            }
        }
    }
}
