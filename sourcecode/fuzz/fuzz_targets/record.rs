//! Whatever a store gives for a session or a cached value: it is read, or it is damaged. The same bytes
//! come once more with a good checksum before them, which gets them past the envelope.

#![no_main]

use std::sync::Arc;

use beaker::clock::Timestamp;
use beaker::key::Namespace;
use beaker::lock::LocalLocks;
use beaker::record::{Header, Record};
use beaker::store::{MemoryStore, Precondition, Store};
use beaker::{Backend, Cache, SessionId, Sessions, Value};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Some(record) = Record::read(bytes) {
        let again = record.header.build(|to| {
            to.extend(record.payload);
            Ok::<_, ()>(())
        });
        assert_eq!(again.unwrap(), bytes);
    }
    read(bytes);
    let Some((&[codec, stored, fresh], payload)) = bytes.split_first_chunk() else { return };
    // From 1970 to the last moment that the envelope has room for.
    let moment = |byte: u8| Timestamp::from_micros((u64::MAX / 255).saturating_mul(byte.into()));
    let fresh_until = (fresh != 255).then(|| moment(fresh));
    // The two codecs that the library has, and any other.
    let codec = if codec < 128 { 1 + codec % 2 } else { codec };
    let header = Header { codec, stored_at: moment(stored), fresh_until };
    let whole = header.build(|to| {
        to.extend(payload);
        Ok::<_, ()>(())
    });
    read(&whole.unwrap());
});

fn read(bytes: &[u8]) {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let backend = Backend::new(store.clone(), LocalLocks::new());
    let put = |key| {
        store.put(&key, bytes, None, Precondition::Always).unwrap();
    };

    let sessions = Sessions::new(backend.clone());
    let id: SessionId = "00112233445566778899aabbccddeeff".parse().unwrap();
    put(Namespace::default().key(id.as_str()));
    match sessions.open(&id) {
        Ok(mut session) => {
            session.set("seen", 1);
            session.save().unwrap();
            let again = sessions.open(&id).unwrap();
            assert_eq!(format!("{:?}", again.values()), format!("{:?}", session.values()));
        }
        Err(_) => assert!(sessions.damaged() <= 1),
    }

    let cache = Cache::<Value>::new(backend, "values");
    cache.put("key", Value::Null).unwrap();
    put(Namespace::new("values").key("key"));
    let found = cache.get("key").unwrap();
    let made = cache.get_or_create("key", || Value::from("made")).unwrap();
    assert!(found.is_none_or(|found| format!("{found:?}") == format!("{made:?}")));
    cache.remove("key").unwrap();
    assert!(!cache.contains("key").unwrap());
}
