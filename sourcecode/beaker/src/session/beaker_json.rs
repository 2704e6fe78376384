//! A session as Beaker's cookies hold it with `data_serializer = json`: zlib of a JSON object, with the
//! values, and the id and the times under names that begin with `_`.

use miniz_oxide::deflate::compress_to_vec_zlib;
use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;
use serde_json::{Map, Value as Json};

use super::SessionId;
use super::data::SessionData;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::value::Values;

/// The names of Beaker's own entries.
const ID: &str = "_id";
const CREATED: &str = "_creation_time";
const ACCESSED: &str = "_accessed_time";
/// What the cookie's options say here, and Beaker's sessions say themselves.
const ATTRIBUTES: [(&str, Json); 1] = [("_domain", Json::Null)];
const PATH: &str = "_path";

/// What 4 kB of a cookie may become when it is unpacked.
const LARGEST: usize = 256 * 1024;

/// As Python's zlib packs by default.
const LEVEL: u8 = 6;

pub(super) fn encode(id: &SessionId, data: &SessionData) -> Result<Vec<u8>> {
    let unwritable = |error| Error::codec("could not encode the session as JSON").caused_by(error);
    let mut all = match serde_json::to_value(&data.values).map_err(unwritable)? {
        Json::Object(values) => values,
        _ => Map::new(),
    };
    all.extend(ATTRIBUTES.map(|(name, value)| (name.to_owned(), value)));
    all.insert(PATH.into(), "/".into());
    all.insert(ID.into(), id.as_str().into());
    all.insert(CREATED.into(), seconds(data.created).into());
    all.insert(ACCESSED.into(), seconds(data.accessed).into());
    let text = serde_json::to_vec(&all).map_err(unwritable)?;
    Ok(compress_to_vec_zlib(&text, LEVEL))
}

pub(super) fn decode(bytes: &[u8]) -> Option<(SessionId, SessionData)> {
    let text = decompress_to_vec_zlib_with_limit(bytes, LARGEST).ok()?;
    let mut all: Map<String, Json> = serde_json::from_slice(&text).ok()?;
    let id = all.remove(ID)?.as_str()?.parse().ok()?;
    let created = moment(&all.remove(CREATED)?)?;
    let accessed = moment(&all.remove(ACCESSED)?)?;
    for name in ATTRIBUTES.iter().map(|(name, _)| *name).chain([PATH]) {
        all.remove(name);
    }
    let values: Values = serde_json::from_value(Json::Object(all)).ok()?;
    Some((id, SessionData { created, accessed, values }))
}

fn seconds(time: Timestamp) -> f64 {
    time.as_micros() as f64 / 1e6
}

fn moment(seconds: &Json) -> Option<Timestamp> {
    let micros = seconds.as_f64()? * 1e6;
    (0.0..9e18).contains(&micros).then(|| Timestamp::from_micros(micros.round() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    /// The content of a cookie that Beaker 1.14.1 made.
    const BEAKERS: &str = "eJx1zT0OwjAMBeCrVJkR5M9F4QrdYEWq3MQVVpsE0XZC3J2ane0969PzW/WpZuSiLk3Z5vn\
        QqP6J62Ov6qSkcZIMCCl6cD4a58cQcQjOkGtx1DCQSUJvW80suOPMzfW+aU2ep0nC2BYqguQRyG58Ea5cS79ypv1ozg\
        EgWOPNMdigrfspjJGWhdI/5e3nC0L4Nmg=";

    #[test]
    fn reads_what_beaker_wrote() {
        let bytes = data_encoding::BASE64.decode(BEAKERS.as_bytes()).unwrap();
        let (id, data) = decode(&bytes).unwrap();
        assert_eq!(id.as_str(), "5a5dc4534c134f9cab931e36af05be1d");
        assert_eq!(data.created, Timestamp::from_micros(1_795_592_141_929_024));
        let values = [("Suomi", Value::from("Kimi Räikkönen")), ("n", Value::Int(5))];
        assert_eq!(data.values, values.map(|(key, value)| (key.to_owned(), value)).into());
    }

    #[test]
    fn decode_inverts_encode_and_garbage_is_refused() {
        let at = Timestamp::from_micros(1_795_592_141_929_025);
        let values = [("_mine".to_owned(), Value::Bytes(vec![1, 2]))].into();
        let data = SessionData { created: at, accessed: at, values };
        let id = SessionId::random();
        let bytes = encode(&id, &data).unwrap();
        assert_eq!(decode(&bytes), Some((id, data)));
        for cut in 0..bytes.len() {
            assert_eq!(decode(&bytes[..cut]), None, "cut at {cut}");
        }
        let bomb = compress_to_vec_zlib(&vec![b' '; 10_000_000], LEVEL);
        assert_eq!(decode(&bomb), None);
        for text in ["[]", "{}", "null", r#"{"_id": 5}"#] {
            assert_eq!(decode(&compress_to_vec_zlib(text.as_bytes(), LEVEL)), None, "{text}");
        }
    }
}
