//! The stored bytes, as `book/python/vectors.txt` and the page `formats.md` describe them: each vector is what
//! the library writes; where a random number is in it, the library reads what the vector says. [`reader`] reads
//! the same in another language.

mod reader;
mod stores;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use beaker::codec::{Bincode, Codec, Json};
use beaker::key::Key;
use beaker::layer::{Compress, Encrypt, Layers, Transform};
use beaker::lock::LocalLocks;
use beaker::session::SessionData;
use beaker::store::MemoryStore;
use beaker::{
    Backend, ManualClock, Sealer, Session, SessionId, Sessions, Signer, Timestamp, Value,
};
use data_encoding::HEXLOWER;

const ID: &str = "00112233445566778899aabbccddeeff";
const NEXT_ID: &str = "ffeeddccbbaa99887766554433221100";
const KEY: &str = "0123456789abcdef0123456789abcdef";
const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_250_000);
const COOKIE: &str = "beaker.session.id";

/// The vectors by their names, without blanks and what explains them.
fn vectors() -> BTreeMap<&'static str, String> {
    let (mut vectors, mut name) = (BTreeMap::new(), "");
    for line in include_str!("../../../../../book/python/vectors.txt").lines() {
        match line.split_once(':') {
            _ if line.is_empty() || line.starts_with("//") => {}
            Some((begins, _)) if !line.starts_with(' ') => {
                name = begins;
                assert!(vectors.insert(name, String::new()).is_none(), "`{name}` is there twice");
            }
            _ => {
                let words = line.split('#').next().unwrap_or_default().split_whitespace();
                vectors.get_mut(name).expect("a name comes first").extend(words);
            }
        }
    }
    vectors
}

fn text(name: &str) -> String {
    vectors().remove(name).unwrap_or_else(|| panic!("there is no vector `{name}`"))
}

fn bytes(name: &str) -> Vec<u8> {
    HEXLOWER.decode(text(name).as_bytes()).unwrap_or_else(|error| panic!("`{name}`: {error}"))
}

#[track_caller]
fn check(name: &str, written: &[u8]) {
    assert_eq!(HEXLOWER.encode(written), text(name), "`{name}`");
}

/// A key, and what is stored under it.
type Entry = (String, Vec<u8>);

/// Notes what is stored, in its order.
#[derive(Debug, Default, Clone)]
struct Notes(Arc<Mutex<Vec<Entry>>>);

impl Transform for Notes {
    fn pack(&self, key: &Key, bytes: &[u8]) -> beaker::Result<Vec<u8>> {
        self.0.lock().unwrap().push((key.to_string(), bytes.into()));
        Ok(bytes.into())
    }

    fn unpack(&self, _: &Key, stored: &[u8]) -> Option<Vec<u8>> {
        Some(stored.into())
    }
}

/// These sessions have the ids of the vectors, and their time.
fn of_the_vectors(sessions: Sessions) -> Sessions {
    let ids = Mutex::new([ID, NEXT_ID].into_iter());
    let next = move || ids.lock().unwrap().next().unwrap().parse::<SessionId>().unwrap();
    sessions.id_generator(next).clock(Arc::new(ManualClock::new(NOW)))
}

fn saved(sessions: &Sessions) -> Session {
    let mut session = sessions.create();
    session.set("user", "ada");
    session.set("n", 7);
    session.save().unwrap();
    session
}

fn records(set: impl FnOnce(Sessions) -> Sessions) -> Vec<Entry> {
    let notes = Notes::default();
    let store = MemoryStore::with_clock(Arc::new(ManualClock::new(NOW))).layer(notes.clone());
    let sessions = set(Sessions::new(Backend::new(store, LocalLocks::new())));
    saved(&of_the_vectors(sessions)).regenerate_id().unwrap();
    std::mem::take(&mut *notes.0.lock().unwrap())
}

#[test]
fn records_of_a_session_and_of_its_move() {
    let written = records(|sessions| sessions.grace(Duration::from_secs(10)));
    let keys: Vec<_> = written.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, [ID, NEXT_ID, ID, NEXT_ID]);
    check("record-bincode", &written[0].1);
    check("record-arriving", &written[1].1);
    check("record-forward", &written[2].1);
    check("record-bincode", &written[3].1);
    let written = records(|sessions| sessions.timeout(Duration::from_secs(600)).codec(Json));
    check("record-json", &written[0].1);
}

fn all_kinds() -> Value {
    Value::from([
        Value::Null,
        true.into(),
        (-2).into(),
        0.5.into(),
        "é".into(),
        b"ok".as_slice().into(),
        Value::List(vec![].into()),
        Value::Map([("$k".to_owned(), 7.into())].into()),
    ])
}

#[test]
fn values() {
    let encoded = Codec::<Value>::encode(&Bincode, &all_kinds()).unwrap();
    check("values-bincode", &encoded);
    assert_eq!(Codec::<Value>::decode(&Bincode, &bytes("values-bincode")).unwrap(), all_kinds());
    let floats = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(Value::from);
    let json = Value::from([all_kinds(), Value::from(floats.to_vec())]);
    let encoded = Codec::<Value>::encode(&Json, &json).unwrap();
    assert_eq!(String::from_utf8(encoded).unwrap(), text("values-json"));
    // The keys of the session itself have no `$` more.
    let values = [("$k".to_owned(), 7.into())].into();
    let data = SessionData { created: NOW, accessed: NOW, values };
    let encoded = String::from_utf8(Json.encode(&data).unwrap()).unwrap();
    assert_eq!(encoded, r#"[1700000000250000,1700000000250000,{"$k":7}]"#);
}

fn value_of(header: &str) -> String {
    header.split(';').next().unwrap().strip_prefix(COOKIE).unwrap()[1..].to_owned()
}

fn cookie(session: &Session) -> String {
    value_of(&session.set_cookie().unwrap().unwrap())
}

#[test]
fn cookies() {
    let signer = || Signer::new([KEY]).unwrap();
    let in_store = || Sessions::new(Backend::memory()).signed_by(signer());
    assert_eq!(cookie(&saved(&of_the_vectors(in_store()))), text("id-cookie"));
    let lasting = beaker::CookieOptions::default()
        .lifetime(beaker::CookieLifetime::For(Duration::from_secs(3600)));
    let lasting = of_the_vectors(in_store().cookie(lasting));
    assert_eq!(cookie(&saved(&lasting)), text("id-cookie-sent"));
    let signed = of_the_vectors(Sessions::in_signed_cookies(signer()));
    assert_eq!(cookie(&saved(&signed)), text("signed-cookie"));
    let sealed = of_the_vectors(Sessions::in_sealed_cookies(Sealer::new([KEY]).unwrap()));
    let header = format!("{COOKIE}={}", text("sealed-cookie"));
    let loaded = sealed.load(Some(&header)).unwrap();
    assert_eq!((loaded.id().as_str(), loaded.created()), (ID, NOW));
    assert_eq!(loaded.values(), saved(&signed_again()).values());
}

fn signed_again() -> Sessions {
    of_the_vectors(Sessions::in_signed_cookies(Signer::new([KEY]).unwrap()))
}

#[test]
fn layers() {
    let key = beaker::key::Namespace::default().key(ID);
    let (record, compress) = (bytes("record-bincode"), Compress::default().from_bytes(0));
    assert_eq!(compress.pack(&key, &record).unwrap()[0], b'z');
    assert_eq!(Compress::default().pack(&key, b"short").unwrap(), b"=short");
    let encrypt = Encrypt::new([KEY]).unwrap();
    assert_eq!(encrypt.unpack(&key, &bytes("encrypted")).unwrap(), b"Kimi");
}
