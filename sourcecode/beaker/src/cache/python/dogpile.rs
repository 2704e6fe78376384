//! [`DogpileFormat`]: entries of dogpile.cache, which are `{"ct": 1700000000.25, "v": 2}|` and the value.
//!
//! `ct` is when the value was made, by the clock of its writer. How long it is fresh after that, each reader
//! says itself.

use std::fmt::Display;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::keys::{Keys, Rule};
use super::pickled::{CachedValue, Pickled};
use super::place::{Kind, Place};
use super::{Entry, Form, Lives, seconds, timestamp};
use crate::cache::policy::KeyMangler;
use crate::clock::Timestamp;
use crate::codec::{Codec, Json};
use crate::error::{Error, Result};
use crate::key::Namespace;
use crate::store::Content;
use crate::store::python::on_disk::sha1_hex;

/// What there is of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Payload {
    Json,
    Pickle,
}

/// The version of entries, which dogpile.cache has had since its first release. It makes a value with
/// another one again.
const VERSION: f64 = 2.0;

/// Describes the entries that a region shares with a region of dogpile.cache (1.5), and the options that both
/// must have in common.
///
/// | dogpile.cache | here |
/// |---|---|
/// | `make_region(serializer=lambda value: json.dumps(value).encode(), deserializer=json.loads)` | [`DogpileFormat::json`] |
/// | another `serializer` and `deserializer` | the same, and a [`Codec`] of your own with [`Region::cache_with_codec`](crate::cache::Region::cache_with_codec) |
/// | `make_region()`, which pickles values | [`DogpileFormat::pickle`] |
/// | `key_mangler=sha1_mangle_key` | [`sha1_keys`](DogpileFormat::sha1_keys) |
/// | `key_mangler=length_conditional_mangler(200, sha1_mangle_key)` | [`sha1_keys_from(200)`](DogpileFormat::sha1_keys_from) |
/// | another `key_mangler` | [`RegionOptions::key_mangler`](crate::cache::RegionOptions::key_mangler) |
/// | `expiration_time` | [`RegionOptions::ttl`](crate::cache::RegionOptions::ttl): it counts from the same moment |
/// | `redis_expiration_time`, `memcached_expire_time` | [`stored_for`](DogpileFormat::stored_for) |
/// | `distributed_lock=True`, `lock_timeout=30` | [`distributed_lock(30 s)`](DogpileFormat::distributed_lock) |
/// | `lock_prefix` | [`lock_prefix`](DogpileFormat::lock_prefix) |
///
/// ```
/// use std::time::Duration;
/// use beaker::Backend;
/// use beaker::cache::{DogpileFormat, Region, RegionOptions};
///
/// # fn main() -> beaker::Result<()> {
/// // In a program: Backend::open("ext:redis", &[("url", "redis://127.0.0.1/")])?
/// let backend = Backend::memory();
/// let format = DogpileFormat::json().distributed_lock(Duration::from_secs(30));
/// let minute = Duration::from_secs(60);
/// let region = Region::named("short_term");
/// region.configure(RegionOptions::new(backend).ttl(minute).shared_with_dogpile(format))?;
///
/// let points = region.cache::<u32>("points")?;
/// let key = DogpileFormat::function_key("myapp.tools:points", None, ["Kimi", "2007"]);
/// assert_eq!(points.get_or_create(&key, || 110)?, 110);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct DogpileFormat {
    payload: Payload,
    hashed_from: Option<usize>,
    pub(super) stored_for: Option<Duration>,
    pub(super) lock: Option<Duration>,
    lock_prefix: String,
}

impl DogpileFormat {
    /// Describes entries whose values are JSON. [`DogpileFormat`] shows the `serializer` and `deserializer`
    /// for the region in Python.
    ///
    /// Values are encoded as by [`Json`]. Python's `NaN` and `Infinity` are not JSON: an entry with them is an
    /// error here, and a `NaN` from here is a `null`.
    pub fn json() -> DogpileFormat {
        DogpileFormat::of(Payload::Json)
    }

    /// Describes entries whose values are pickled, which is what dogpile.cache does by default: in redis the
    /// value, and in memcached the whole entry.
    ///
    /// Pickles are read without running anything. The values that both sides know are those of
    /// [`Value`](crate::Value): `None`, `True`, `False`, integers of 64 bits, floats, texts, bytes, lists, tuples
    /// (which are lists here) and dicts whose keys are texts. Any other value, such as a `datetime`, is an
    /// `ErrorKind::Codec` here that names its class, and stays where it is. A list or a dict that occurs twice in
    /// one value is such a value as well.
    pub fn pickle() -> DogpileFormat {
        DogpileFormat::of(Payload::Pickle)
    }

    fn of(payload: Payload) -> DogpileFormat {
        DogpileFormat {
            payload,
            hashed_from: None,
            stored_for: None,
            lock: None,
            lock_prefix: "_lock".to_owned(),
        }
    }

    /// Hashes every key with SHA-1, as Python's `key_mangler=sha1_mangle_key`. Default: keys are used as they
    /// are.
    pub fn sha1_keys(self) -> DogpileFormat {
        self.sha1_keys_from(0)
    }

    /// Hashes keys of this number of characters or more with SHA-1, as Python's
    /// `key_mangler=length_conditional_mangler(length, sha1_mangle_key)`. Default: keys are used as they are.
    pub fn sha1_keys_from(mut self, length: usize) -> DogpileFormat {
        self.hashed_from = Some(length);
        self
    }

    /// Sets how long the store keeps an entry, Python's `redis_expiration_time` or `memcached_expire_time`.
    /// Default: as long as this region may return it, which is the sum of `ttl` and `stale_for`, or forever
    /// without a `ttl`.
    ///
    /// Python returns a stale entry while somebody computes a new one, as long as the store has it. So let it
    /// be longer than `ttl` by the time that a computation takes.
    pub fn stored_for(mut self, time: Duration) -> DogpileFormat {
        self.stored_for = Some(time);
        self
    }

    /// Takes Python's lock in the store for each computation, so that both sides together compute a value
    /// once: Python's `distributed_lock=True` with this `lock_timeout`. Default: the locks of the backend, of
    /// which Python does not know.
    ///
    /// The store releases a lock whose holder was killed after `timeout`. A loader that takes longer than that
    /// is called a second time meanwhile, so let it be longer than the slowest one takes. Set it in Python too:
    /// without a `lock_timeout` there, a key whose holder was killed stays locked, for both sides.
    pub fn distributed_lock(mut self, timeout: Duration) -> DogpileFormat {
        self.lock = Some(timeout);
        self
    }

    /// Sets what the key of a lock has before that of the entry, Python's `lock_prefix` of redis. Default:
    /// `_lock`.
    pub fn lock_prefix(mut self, prefix: &str) -> DogpileFormat {
        prefix.clone_into(&mut self.lock_prefix);
        self
    }

    /// Returns the key that Python's `function_key_generator` makes for a call of a function that is decorated
    /// with `cache_on_arguments(namespace)`.
    ///
    /// `function` is `module:name`. Arguments are written as Python's `str` writes them: `True`, `None`, `1.0`.
    /// A first argument `self` or `cls` is left out. For `kwarg_function_key_generator`, pass the values of all
    /// arguments, the defaults included, in the order of the arguments' names.
    ///
    /// As in Python, arguments are separated by one space, so `["a b", "c"]` and `["a", "b c"]` share a key.
    ///
    /// ```
    /// use beaker::cache::DogpileFormat;
    ///
    /// let key = DogpileFormat::function_key("myapp.tools:one", Some("foo"), [3, 4]);
    /// assert_eq!(key, "myapp.tools:one|foo|3 4");
    /// assert_eq!(DogpileFormat::function_key("myapp.tools:two", None, ["Kimi"]), "myapp.tools:two|Kimi");
    /// ```
    #[must_use]
    pub fn function_key<A: Display>(
        function: &str,
        namespace: Option<&str>,
        arguments: impl IntoIterator<Item = A>,
    ) -> String {
        let arguments: Vec<String> = arguments.into_iter().map(|one| one.to_string()).collect();
        let namespace = namespace.map(|name| format!("|{name}")).unwrap_or_default();
        format!("{function}{namespace}|{}", arguments.join(" "))
    }

    /// Returns what Python's `sha1_mangle_key` returns.
    ///
    /// ```
    /// use beaker::cache::DogpileFormat;
    ///
    /// assert_eq!(DogpileFormat::sha1_mangle_key("Kimi"), "7c791da726b3fdcb8ec42147ddcc807f9eaeb395");
    /// ```
    #[must_use]
    pub fn sha1_mangle_key(key: &str) -> String {
        sha1_hex(key)
    }

    pub(super) fn content(&self) -> Content {
        match self.payload {
            Payload::Json => Content::Bytes,
            Payload::Pickle => Content::Pickle,
        }
    }

    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let is_fit = |c: char| c.is_alphanumeric() || "_-.:".contains(c);
        let count = self.lock_prefix.chars().count();
        if !(2..=10).contains(&count) || !self.lock_prefix.chars().all(is_fit) {
            let rule = "Python takes 2 to 10 letters, digits, `_`, `-`, `.` and `:`";
            problems.push(format!("the `lock_prefix` `{}`: {rule}", self.lock_prefix));
        }
        if self.lock.is_some_and(|timeout| timeout < Duration::from_millis(1)) {
            problems.push("a `distributed_lock` of less than a millisecond".to_owned());
        }
        if self.stored_for == Some(Duration::ZERO) {
            problems.push("a `stored_for` of zero".to_owned());
        }
        problems
    }

    pub(super) fn form<V>(&self, place: &Place) -> Arc<dyn Form<V>>
    where
        V: Serialize + DeserializeOwned + 'static,
    {
        match (self.payload, place.kind == Kind::Memcached) {
            (Payload::Json, _) => Arc::new(Serialized { codec: Box::new(Json) }),
            (Payload::Pickle, false) => Arc::new(Serialized { codec: Box::new(Pickled) }),
            (Payload::Pickle, true) => Arc::new(CachedValue::new()),
        }
    }

    pub(super) fn form_of<V: 'static>(&self, codec: impl Codec<V>) -> Result<Arc<dyn Form<V>>> {
        match self.payload {
            Payload::Json => Ok(Arc::new(Serialized { codec: Box::new(codec) })),
            Payload::Pickle => Err(Error::config(
                "pickled values take no codec: ask `cache`; or give the region `DogpileFormat::json`, whose \
                 values a codec of your own can encode",
            )),
        }
    }

    pub(super) fn keys(&self, mangler: Option<KeyMangler>, place: &Place) -> Keys {
        let rule = Rule::Dogpile { hashed_from: self.hashed_from };
        let (is_memcached, prefix) = (place.kind == Kind::Memcached, Namespace::default());
        // The one of memcached cannot be changed.
        let lock_prefix = if is_memcached { "_lock".to_owned() } else { self.lock_prefix.clone() };
        Keys { mangler, rule, prefix, is_memcached, lock_prefix }
    }
}

/// An entry whose value went through a serializer: the metadata as JSON, `|`, and its bytes.
struct Serialized<V> {
    codec: Box<dyn Codec<V>>,
}

/// Reads what dogpile.cache notes of a value, which is when it was made: `Some(None)` if dogpile.cache would
/// make it again, and `None` if this is no such note. It ignores what else is there.
fn made_at(metadata: &[u8]) -> Option<Option<Timestamp>> {
    let metadata: serde_json::Value = serde_json::from_slice(metadata).ok()?;
    let (ct, version) = (metadata.get("ct")?.as_f64()?, metadata.get("v")?.as_f64()?);
    Some(timestamp(ct).filter(|_| version == VERSION))
}

impl<V: 'static> Form<V> for Serialized<V> {
    fn encode(&self, value: &V, made_at: Timestamp, _: Option<Duration>) -> Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(256);
        // As `json.dumps` writes it.
        let _ = write!(bytes, "{{\"ct\": {:?}, \"v\": {VERSION}}}|", seconds(made_at));
        self.codec.encode_into(value, &mut bytes)?;
        Ok(bytes)
    }

    fn decode(&self, bytes: &[u8]) -> Result<Option<Entry<V>>> {
        let foreign = "it does not begin with the metadata of dogpile.cache, such as \
                       `{\"ct\": 1700000000.25, \"v\": 2}|`";
        let end = bytes.iter().position(|byte| *byte == b'|');
        let (metadata, payload) =
            end.and_then(|end| bytes.split_at_checked(end)).ok_or_else(|| Error::codec(foreign))?;
        let made_at = made_at(metadata).ok_or_else(|| Error::codec(foreign))?;
        let Some(made_at) = made_at else { return Ok(None) };
        let value = self.codec.decode(&payload[1..])?;
        Ok(Some(Entry { value, made_at, lives: Lives::AsReaderSays }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form<V: Serialize + DeserializeOwned + 'static>() -> Serialized<V> {
        Serialized { codec: Box::new(Json) }
    }

    fn at(micros: u64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    #[test]
    fn an_entry_is_what_python_writes() {
        let rows = [
            (1_700_000_000_250_000, r#"{"ct": 1700000000.25, "v": 2}|58"#),
            (1_700_000_000_000_000, r#"{"ct": 1700000000.0, "v": 2}|58"#),
            (1_700_000_000_123_457, r#"{"ct": 1700000000.123457, "v": 2}|58"#),
        ];
        for (micros, text) in rows {
            let bytes = form::<u32>().encode(&58, at(micros), None).unwrap();
            assert_eq!(str::from_utf8(&bytes), Ok(text));
            let entry = form::<u32>().decode(&bytes).unwrap().unwrap();
            assert_eq!((entry.value, entry.made_at), (58, at(micros)));
        }
    }

    #[test]
    fn what_python_writes_is_read() {
        let read = |text: &str| form::<Vec<Option<String>>>().decode(text.as_bytes());
        // `json.dumps`, and a metadata of which a proxy has made more.
        for metadata in [
            r#"{"ct": 1700000000.2500002, "v": 2}"#,
            r#"{"v":2,"ct":1700000000.25,"by":"a proxy"}"#,
        ] {
            let text = format!(r#"{metadata}|["R\u00e4ikk\u00f6nen \ud83c\udfc1|", null]"#);
            let entry = read(&text).unwrap().unwrap();
            assert_eq!(entry.value, [Some("Räikkönen 🏁|".to_owned()), None]);
            assert_eq!(entry.made_at, at(1_700_000_000_250_000));
        }
        // What dogpile.cache would make again.
        for metadata in [
            r#"{"ct": 1700000000.25, "v": 1}"#,
            r#"{"ct": 0, "v": 2}"#,
            r#"{"ct": -5.5, "v": 2}"#,
            r#"{"ct": 1e300, "v": 2}"#,
        ] {
            assert_eq!(read(&format!("{metadata}|[]")).unwrap(), None, "{metadata}");
        }
    }

    #[test]
    fn what_is_no_entry_is_an_error() {
        let whole = br#"{"ct": 1700000000.25, "v": 2}|[1,2]"#;
        for cut in 0..whole.len() {
            assert!(form::<Vec<u8>>().decode(&whole[..cut]).is_err(), "{cut}");
        }
        for text in [
            &b"|"[..],
            b"{}|1",
            b"null|1",
            b"\x80\x05K\x01.",
            br#"{"ct": NaN, "v": 2}|[1]"#,
            br#"{"ct": 1700000000.25, "v": 2}|["a"]"#,
            br#"{"ct": 1700000000.25, "v": 2}|[1,2] "a""#,
        ] {
            assert!(form::<Vec<u8>>().decode(text).is_err(), "{}", text.escape_ascii());
        }
    }

    proptest::proptest! {
        #[test]
        fn garbage_is_refused_without_a_panic(bytes: Vec<u8>) {
            let _ = form::<crate::Value>().decode(&bytes);
        }

        #[test]
        fn decode_inverts_encode(value: Vec<Option<String>>, micros in 1_u64..4_000_000_000_000_000) {
            let bytes = form().encode(&value, at(micros), None).unwrap();
            let entry = form().decode(&bytes).unwrap().unwrap();
            proptest::prop_assert_eq!((entry.value, entry.made_at), (value, at(micros)));
        }
    }

    #[test]
    fn options_that_python_refuses_are_named() {
        let ok = DogpileFormat::json().distributed_lock(Duration::from_secs(1)).sha1_keys_from(9);
        assert_eq!(ok.problems(), Vec::<String>::new());
        let bad = DogpileFormat::json()
            .lock_prefix("a lock for everybody")
            .distributed_lock(Duration::ZERO)
            .stored_for(Duration::ZERO);
        assert_eq!(bad.problems().len(), 3);
        for prefix in ["", "a", "a b", "12345678901"] {
            assert_eq!(DogpileFormat::json().lock_prefix(prefix).problems().len(), 1, "{prefix}");
        }
    }
}
