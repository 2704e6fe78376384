//! A damaged record is no session, and is counted.

use beaker::key::Namespace;
use beaker::store::{FileStore, Precondition};
use beaker::{Backend, SessionId, Sessions, lock::LocalLocks};

fn saved(sessions: &Sessions) -> SessionId {
    let mut session = sessions.create();
    session.set("Suomi", "Kimi Räikkönen");
    session.save().unwrap();
    *session.id()
}

/// All cuts, and all single flipped bits.
fn damages(whole: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let cuts = (0..whole.len()).map(|length| whole[..length].to_vec());
    let flips = (0..whole.len() * 8).map(|bit| {
        let mut bytes = whole.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        bytes
    });
    cuts.chain(flips)
}

#[test]
fn in_any_store() {
    let backend = Backend::memory();
    let sessions = Sessions::new(backend.clone());
    let id = saved(&sessions);
    let key = Namespace::default().key(id.as_str());
    let whole = backend.store().get(&key).unwrap().unwrap().bytes;
    for (number, bytes) in damages(&whole).enumerate() {
        backend.store().put(&key, &bytes, None, Precondition::Always).unwrap();
        assert!(sessions.open(&id).is_err(), "damage {number}");
        assert_eq!(sessions.damaged(), number as u64 + 1);
    }
}

#[test]
fn in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = FileStore::open(folder.path()).unwrap();
    let sessions = Sessions::new(Backend::new(store, LocalLocks::new()));
    let id = saved(&sessions);
    let (first, two) = (&id.as_str()[..1], &id.as_str()[..2]);
    let path = folder.path().join(format!("container_file/{first}/{two}/{id}.cache"));
    let whole = std::fs::read(&path).unwrap();
    for (number, bytes) in damages(&whole).enumerate() {
        std::fs::write(&path, bytes).unwrap();
        assert!(sessions.open(&id).is_err(), "damage {number}");
        assert_eq!(sessions.damaged(), number as u64 + 1);
    }
    std::fs::write(&path, whole).unwrap();
    assert!(sessions.open(&id).is_ok());
}
