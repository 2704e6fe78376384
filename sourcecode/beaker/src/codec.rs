//! [`Codec`]: converts values to bytes and back. [`Bincode`] is small and fast; [`Json`] is readable for
//! people and for other languages.

use std::fmt::Debug;

use bincode::Options;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};

/// Converts values of one type to bytes and back. The type parameter belongs to the trait, so that a
/// program can hold any codec as `Arc<dyn Codec<V>>`.
pub trait Codec<V>: Debug + Send + Sync + 'static {
    /// Returns a number that is stored in each record, so that a store can hold records of several codecs
    /// while a program moves from one to another. The library uses 1 and 2; use 128 or more for your own
    /// codecs.
    fn tag(&self) -> u8;

    /// Appends the bytes of a value to `bytes`. (It appends, so that a record can be built in one buffer
    /// without copying a value that may be large.)
    fn encode_into(&self, value: &V, bytes: &mut Vec<u8>) -> Result<()>;

    /// Returns the bytes of a value.
    fn encode(&self, value: &V) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.encode_into(value, &mut bytes)?;
        Ok(bytes)
    }

    /// Returns the value of these bytes. Invalid bytes must cause an error and never a panic, and must not
    /// use more memory than a small multiple of their length.
    fn decode(&self, bytes: &[u8]) -> Result<V>;
}

/// Encodes values with bincode, a binary format. This is the default.
///
/// The crate behind it is finished and no longer maintained (RUSTSEC-2025-0141). For that reason, only this
/// file uses it, and each record carries the tag of its codec, so that a program can move to another one.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::exhaustive_structs, reason = "its name is its only value")]
pub struct Bincode;

impl Bincode {
    /// Uses fixed-width integers, and rejects bytes that are left over and lengths that exceed the input.
    fn options(limit: usize) -> impl Options {
        bincode::DefaultOptions::new().with_fixint_encoding().with_limit(limit as u64)
    }
}

impl<V: Serialize + DeserializeOwned> Codec<V> for Bincode {
    fn tag(&self) -> u8 {
        1
    }

    fn encode_into(&self, value: &V, bytes: &mut Vec<u8>) -> Result<()> {
        Bincode::options(u32::MAX as usize)
            .serialize_into(bytes, value)
            .map_err(|error| Error::codec("could not encode the value as bincode").caused_by(error))
    }

    fn decode(&self, bytes: &[u8]) -> Result<V> {
        Bincode::options(bytes.len())
            .deserialize(bytes)
            .map_err(|error| Error::codec("could not decode the bincode bytes").caused_by(error))
    }
}

/// Encodes values as JSON in UTF-8.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::exhaustive_structs, reason = "its name is its only value")]
pub struct Json;

impl<V: Serialize + DeserializeOwned> Codec<V> for Json {
    fn tag(&self) -> u8 {
        2
    }

    fn encode_into(&self, value: &V, bytes: &mut Vec<u8>) -> Result<()> {
        serde_json::to_writer(bytes, value)
            .map_err(|error| Error::codec("could not encode the value as JSON").caused_by(error))
    }

    fn decode(&self, bytes: &[u8]) -> Result<V> {
        serde_json::from_slice(bytes)
            .map_err(|error| Error::codec("could not decode the JSON text").caused_by(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{Value, Values};
    use proptest::prelude::*;

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Int),
            any::<f64>()
                .prop_filter("NaN is not equal to itself", |f| !f.is_nan())
                .prop_map(Value::Float),
            "\\PC*".prop_map(Value::Text),
            any::<Vec<u8>>().prop_map(Value::Bytes),
        ];
        leaf.prop_recursive(4, 64, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
                prop::collection::btree_map("[$a-z]{0,6}", inner, 0..8)
                    .prop_map(|map| Value::Map(map.into())),
            ]
        })
    }

    #[track_caller]
    fn check<C: Codec<Value>>(codec: C, value: &Value) {
        let bytes = codec.encode(value).unwrap();
        assert_eq!(&codec.decode(&bytes).unwrap(), value, "{}", bytes.escape_ascii());
    }

    proptest! {
        #[test]
        fn decode_inverts_encode(value in values()) {
            check(Bincode, &value);
            check(Json, &value);
        }

        #[test]
        fn garbage_is_refused_without_a_panic(bytes: Vec<u8>) {
            let _ = Codec::<Values>::decode(&Bincode, &bytes);
            let _ = Codec::<Values>::decode(&Json, &bytes);
        }
    }

    #[test]
    fn json_reads_naturally() {
        let value = Value::from([
            Value::from(1),
            "a".into(),
            Value::Null,
            0.5.into(),
            b"ok".as_slice().into(),
        ]);
        let text = Codec::<Value>::encode(&Json, &value).unwrap();
        assert_eq!(text, br#"[1,"a",null,0.5,{"$bytes":"6f6b"}]"#);
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = (0..100).fold(Value::Null, |inner, _| Value::from(vec![inner]));
        assert!(Codec::<Value>::encode(&Bincode, &deep).is_err());
        // The same in bytes: 6 is a list, 1 its length.
        let level = [6, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0];
        assert!(Codec::<Value>::decode(&Bincode, &level.repeat(100_000)).is_err());
        assert!(Codec::<Value>::decode(&Json, "[".repeat(100_000).as_bytes()).is_err());
    }

    #[test]
    fn a_claimed_length_is_not_believed() {
        let text_of_4_gigabytes = [4, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 0];
        assert!(Codec::<Value>::decode(&Bincode, &text_of_4_gigabytes).is_err());
    }

    #[test]
    fn own_types_go_in_and_come_out() {
        let laps = vec![("Suomi".to_owned(), 1.5), ("España".to_owned(), 2.0)];
        let value = Value::of(&laps).unwrap();
        assert_eq!(value.to::<Vec<(String, f64)>>().unwrap(), laps);
        assert!(value.to::<u32>().unwrap_err().to_string().contains("u32"));
        assert!(Value::of(&u64::MAX).is_err());
    }
}
