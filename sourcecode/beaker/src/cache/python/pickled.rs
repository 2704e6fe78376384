//! Entries that Python pickles as a whole: dogpile.cache's `CachedValue` in memcached, and Beaker's tuple of
//! three; and [`Pickled`], a value that is pickled alone.
//!
//! A pickle is read without running anything. What no [`Value`] can hold, such as an object of a class, is an
//! error that names it.

use std::any::type_name;
use std::marker::PhantomData;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Entry, Form, Lives, seconds, timestamp};
use crate::clock::Timestamp;
use crate::codec::Codec;
use crate::error::{Error, Result};
use crate::pickle::{Call, Node, NodeId, Object, Pickle};
use crate::value::Value;

/// Each Python since 3.4 reads it.
const PROTOCOL: u8 = 4;

/// A value that is pickled alone, as dogpile.cache does in redis.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pickled;

impl<V: Serialize + DeserializeOwned> Codec<V> for Pickled {
    /// It is in no record.
    fn tag(&self) -> u8 {
        0
    }

    fn encode_into(&self, value: &V, bytes: &mut Vec<u8>) -> Result<()> {
        let mut pickle = Pickle::new();
        let root = add(&mut pickle, value)?;
        pickle.set_root(root);
        bytes.extend(pickle.write(PROTOCOL));
        Ok(())
    }

    fn decode(&self, bytes: &[u8]) -> Result<V> {
        let pickle = read(bytes)?;
        value(&pickle, pickle.root())
    }
}

fn read(bytes: &[u8]) -> Result<Pickle> {
    Pickle::read(bytes).map_err(|refused| Error::codec("it could not be read").caused_by(refused))
}

fn add<V: Serialize>(pickle: &mut Pickle, value: &V) -> Result<NodeId> {
    let no_pickle = |error| {
        Error::codec(format!("a `{}` could not be pickled", type_name::<V>())).caused_by(error)
    };
    let value = Value::of(value).map_err(no_pickle)?;
    pickle.add(&value).map_err(|too_deep| Error::codec(too_deep.to_string()))
}

fn value<V: DeserializeOwned>(pickle: &Pickle, node: NodeId) -> Result<V> {
    let why = |why| Error::codec(format!("its pickle holds no value of this library: {why}"));
    let no_such =
        |error| Error::codec(format!("its value is not a `{}`", type_name::<V>())).caused_by(error);
    pickle.value(node).map_err(why)?.to().map_err(no_such)
}

/// Returns a node as a time in seconds.
fn number(pickle: &Pickle, node: NodeId) -> Option<f64> {
    match pickle.node(node) {
        Node::Float(number) => Some(*number),
        Node::Int(number) => Some(*number as f64),
        _ => None,
    }
}

fn tuple(pickle: &Pickle, node: NodeId) -> Option<&[NodeId]> {
    match pickle.node(node) {
        Node::Tuple(items) => Some(items),
        _ => None,
    }
}

/// The version of entries of dogpile.cache.
const VERSION: i64 = 2;

/// `CachedValue(value, {"ct": …, "v": 2})`, as a client of memcached pickles it.
pub(super) struct CachedValue<V>(PhantomData<fn(V) -> V>);

impl<V> CachedValue<V> {
    pub(super) fn new() -> CachedValue<V> {
        CachedValue(PhantomData)
    }
}

/// The class, as Python names it.
const CLASS: (&str, &str) = ("dogpile.cache.api", "CachedValue");

/// Returns the arguments of the call that makes the `CachedValue`, whatever the protocol.
fn cached_value(pickle: &Pickle) -> Option<&[NodeId]> {
    let Node::Object(object) = pickle.node(pickle.root()) else { return None };
    let is_class = |node: NodeId| match pickle.node(node) {
        Node::Global { module, name, .. } => {
            (pickle.text(*module), pickle.text(*name)) == (Some(CLASS.0), Some(CLASS.1))
        }
        _ => false,
    };
    match &object.call {
        _ if !object.changes.is_empty() => None,
        Call::New { class, arguments } if is_class(*class) => tuple(pickle, *arguments),
        // Protocols 0 and 1 call `copyreg._reconstructor(CachedValue, tuple, (value, metadata))`.
        call @ Call::Function { arguments, .. } => {
            let reconstructs = pickle.called(call)?.ends_with("reg._reconstructor");
            match tuple(pickle, *arguments)? {
                [class, _, items] if reconstructs && is_class(*class) => tuple(pickle, *items),
                _ => None,
            }
        }
        _ => None,
    }
}

impl<V: Serialize + DeserializeOwned> Form<V> for CachedValue<V> {
    fn encode(&self, value: &V, made_at: Timestamp, _: Option<Duration>) -> Result<Vec<u8>> {
        let mut pickle = Pickle::new();
        let payload = add(&mut pickle, value)?;
        let ct = (pickle.add_text("ct"), pickle.push(Node::Float(seconds(made_at))));
        let version = (pickle.add_text("v"), pickle.push(Node::Int(VERSION)));
        let metadata = pickle.add_dict([ct, version]);
        let arguments = pickle.add_tuple([payload, metadata]);
        let (module, name) = (pickle.add_text(CLASS.0), pickle.add_text(CLASS.1));
        let class = pickle.push(Node::Global { module, name, is_python_2: false });
        let object = Object { call: Call::New { class, arguments }, changes: Vec::new() };
        let root = pickle.push(Node::Object(Box::new(object)));
        pickle.set_root(root);
        Ok(pickle.write(PROTOCOL))
    }

    fn decode(&self, bytes: &[u8]) -> Result<Option<Entry<V>>> {
        let pickle = read(bytes)?;
        let foreign = || Error::codec("it is no `CachedValue` of dogpile.cache");
        let [payload, metadata] = cached_value(&pickle).ok_or_else(foreign)? else {
            return Err(foreign());
        };
        let of = |key| number(&pickle, pickle.entry(*metadata, key)?);
        let (Some(ct), Some(version)) = (of("ct"), of("v")) else { return Err(foreign()) };
        // What dogpile.cache would make again.
        let Some(made_at) = timestamp(ct).filter(|_| version == VERSION as f64) else {
            return Ok(None);
        };
        let value = value(&pickle, *payload)?;
        Ok(Some(Entry { value, made_at, lives: Lives::AsReaderSays }))
    }
}

/// `(stored, expire, value)`, as Beaker pickles it; or a client of memcached for Beaker.
pub(super) struct Tuple<V>(PhantomData<fn(V) -> V>);

impl<V> Tuple<V> {
    pub(super) fn new() -> Tuple<V> {
        Tuple(PhantomData)
    }
}

/// Adds the tuple of an entry, and returns its node.
pub(super) fn add_tuple<V: Serialize>(
    pickle: &mut Pickle,
    value: &V,
    made_at: Timestamp,
    ttl: Option<Duration>,
) -> Result<NodeId> {
    let stored = pickle.push(Node::Float(seconds(made_at)));
    // Beaker has whole seconds, and a fraction does no harm there.
    let expire = pickle.push(match ttl {
        None => Node::None,
        Some(ttl) if ttl.subsec_nanos() == 0 => {
            Node::Int(i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX))
        }
        Some(ttl) => Node::Float(ttl.as_secs_f64()),
    });
    let value = add(pickle, value)?;
    Ok(pickle.add_tuple([stored, expire, value]))
}

/// Reads the tuple of an entry.
pub(super) fn read_tuple<V: DeserializeOwned>(
    pickle: &Pickle,
    node: NodeId,
) -> Result<Option<Entry<V>>> {
    let foreign = || {
        Error::codec(
            "it is not the tuple of Beaker's cache: when it was stored, for how long, and the value",
        )
    };
    let Some([stored, expire, payload]) = tuple(pickle, node) else { return Err(foreign()) };
    let stored = number(pickle, *stored).ok_or_else(foreign)?;
    let lives = match (pickle.node(*expire), number(pickle, *expire)) {
        (Node::None, _) => Lives::Forever,
        // It has expired, whenever it was stored.
        (_, Some(seconds)) if seconds <= 0.0 => Lives::For(Duration::ZERO),
        (_, Some(seconds)) => {
            Lives::For(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
        }
        (_, None) => return Err(foreign()),
    };
    let made_at = timestamp(stored).unwrap_or(Timestamp::from_micros(0));
    Ok(Some(Entry { value: value(pickle, *payload)?, made_at, lives }))
}

impl<V: Serialize + DeserializeOwned> Form<V> for Tuple<V> {
    fn encode(&self, value: &V, made_at: Timestamp, ttl: Option<Duration>) -> Result<Vec<u8>> {
        let mut pickle = Pickle::new();
        let root = add_tuple(&mut pickle, value, made_at, ttl)?;
        pickle.set_root(root);
        Ok(pickle.write(PROTOCOL))
    }

    fn decode(&self, bytes: &[u8]) -> Result<Option<Entry<V>>> {
        let pickle = read(bytes)?;
        read_tuple(&pickle, pickle.root())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const AT: Timestamp = Timestamp::from_micros(1_700_000_000_250_000);

    /// `CachedValue({"a": 1, "b": None}, {"ct": 1700000000.25, "v": 2})`, pickled by Python 3.11 with the
    /// protocols 0, 1, 2, 4 and 5.
    const CACHED: [&str; 5] = [
        "63636f70795f7265670a5f7265636f6e7374727563746f720a70300a2863646f6770696c652e63616368652e6170690a43616368656456616c75650a70310a635f5f6275696c74696e5f5f0a7475706c650a70320a28286470330a56610a70340a49310a7356620a70350a4e73286470360a5663740a70370a46313730303030303030302e32350a7356760a70380a49320a737470390a747031300a527031310a2e",
        "63636f70795f7265670a5f7265636f6e7374727563746f720a71002863646f6770696c652e63616368652e6170690a43616368656456616c75650a7101635f5f6275696c74696e5f5f0a7475706c650a7102287d71032858010000006171044b0158010000006271054e757d7106285802000000637471074741d954fc4010000058010000007671084b027574710974710a52710b2e",
        "800263646f6770696c652e63616368652e6170690a43616368656456616c75650a71007d71012858010000006171024b0158010000006271034e757d7104285802000000637471054741d954fc4010000058010000007671064b02758671078171082e",
        "80049550000000000000008c11646f6770696c652e63616368652e617069948c0b43616368656456616c75659493947d94288c0161944b018c0162944e757d94288c026374944741d954fc401000008c0176944b0275869481942e",
        "80059550000000000000008c11646f6770696c652e63616368652e617069948c0b43616368656456616c75659493947d94288c0161944b018c0162944e757d94288c026374944741d954fc401000008c0176944b0275869481942e",
    ];

    /// Beaker's `(1700000000.25, 3600, "v1")` in redis, and in memcached by python-memcached.
    const TUPLES: [&str; 2] = [
        "80049514000000000000004741d954fc401000004d100e8c0276319487942e",
        "2846313730303030303030302e32350a49333630300a5676310a70300a7470310a2e",
    ];

    fn hex(text: &str) -> Vec<u8> {
        data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap()
    }

    type Map = BTreeMap<String, Option<i64>>;

    fn map() -> Map {
        [("a".to_owned(), Some(1)), ("b".to_owned(), None)].into()
    }

    #[test]
    fn a_cached_value_is_read_in_every_protocol() {
        for text in CACHED {
            let entry = CachedValue::<Map>::new().decode(&hex(text)).unwrap().unwrap();
            assert_eq!((entry.value, entry.made_at), (map(), AT), "{text}");
        }
    }

    #[test]
    fn entries_are_what_python_writes() {
        assert_eq!(CachedValue::new().encode(&map(), AT, None).unwrap(), hex(CACHED[3]));
        let hour = Some(Duration::from_secs(3600));
        assert_eq!(Tuple::new().encode(&"v1".to_owned(), AT, hour).unwrap(), hex(TUPLES[0]));
    }

    #[test]
    fn a_tuple_of_beaker_is_read() {
        for text in TUPLES {
            let entry = Tuple::<String>::new().decode(&hex(text)).unwrap().unwrap();
            assert_eq!((entry.value.as_str(), entry.made_at), ("v1", AT));
            assert_eq!(entry.lives, Lives::For(Duration::from_secs(3600)));
        }
        for (ttl, lives) in [
            (None, Lives::Forever),
            (Some(Duration::from_millis(1500)), Lives::For(Duration::from_millis(1500))),
            (Some(Duration::ZERO), Lives::For(Duration::ZERO)),
        ] {
            let bytes = Tuple::new().encode(&Value::Null, AT, ttl).unwrap();
            let entry = Tuple::<Value>::new().decode(&bytes).unwrap().unwrap();
            assert_eq!((entry.value, entry.lives), (Value::Null, lives));
        }
    }

    #[test]
    fn what_is_another_pickle_is_an_error() {
        // A cached value, a tuple of three, a number, a tuple of two, and `datetime.date(2007, 10, 21)`.
        let number = "4b072e";
        let two = "80024741d954fc401000004b01862e";
        let date = "80049520000000000000008c086461746574696d65948c0464617465949394430407d70a1594859452942e";
        for text in [CACHED[0], CACHED[4], number, two, date] {
            assert!(Tuple::<Value>::new().decode(&hex(text)).is_err(), "{text}");
        }
        for text in [TUPLES[0], TUPLES[1], number, two, date] {
            assert!(CachedValue::<Value>::new().decode(&hex(text)).is_err(), "{text}");
        }
        let error = Codec::<Value>::decode(&Pickled, &hex(date)).unwrap_err().to_string();
        assert!(error.contains("`datetime.date`"), "{error}");
        let whole = hex(CACHED[2]);
        for cut in 0..whole.len() {
            assert!(CachedValue::<Map>::new().decode(&whole[..cut]).is_err(), "{cut}");
        }
    }

    #[test]
    fn what_dogpile_would_make_again_counts_as_missing() {
        // The version is 1.
        let other = CACHED[2].replace("71064b02", "71064b01");
        assert_eq!(CachedValue::<Map>::new().decode(&hex(&other)).unwrap(), None);
    }

    proptest::proptest! {
        #[test]
        fn garbage_is_refused_without_a_panic(bytes: Vec<u8>) {
            let _ = CachedValue::<Value>::new().decode(&bytes);
            let _ = Tuple::<Value>::new().decode(&bytes);
            let _ = Codec::<Value>::decode(&Pickled, &bytes);
        }

        #[test]
        fn decode_inverts_encode(value: Vec<Option<String>>) {
            let bytes = Codec::encode(&Pickled, &value).unwrap();
            let back: Vec<Option<String>> = Pickled.decode(&bytes).unwrap();
            proptest::prop_assert_eq!(&back, &value);
            let bytes = CachedValue::new().encode(&value, AT, None).unwrap();
            let entry = CachedValue::new().decode(&bytes).unwrap().unwrap();
            proptest::prop_assert_eq!((&entry.value, entry.made_at), (&value, AT));
        }
    }
}
