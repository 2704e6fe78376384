//! A store that fails in the middle of what a session does: nothing that was to end lives on, and
//! another try finishes the work.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use beaker::key::{Key, Namespace};
use beaker::lock::LocalLocks;
use beaker::store::{MemoryStore, Precondition, Store, Stored, Version};
use beaker::{Backend, Error, ErrorKind, Result, Session, Sessions, Value};

/// Fails at one call of the calls to come.
#[derive(Debug, Clone, Default)]
struct Failing {
    store: Arc<MemoryStore>,
    calls_until: Arc<AtomicI64>,
}

impl Failing {
    fn call(&self) -> Result<&MemoryStore> {
        match self.calls_until.fetch_sub(1, Ordering::Relaxed) {
            1 => Err(Error::new(ErrorKind::Unavailable, "on purpose")),
            _ => Ok(&self.store),
        }
    }

    fn fail_at(&self, call: i64) {
        self.calls_until.store(call, Ordering::Relaxed);
    }
}

impl Store for Failing {
    fn get(&self, key: &Key) -> Result<Option<Stored>> {
        self.call()?.get(key)
    }

    fn put(
        &self,
        key: &Key,
        bytes: &[u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>> {
        self.call()?.put(key, bytes, ttl, when)
    }

    fn delete(&self, key: &Key, when: Precondition) -> Result<bool> {
        self.call()?.delete(key, when)
    }

    fn clear(&self, namespace: &Namespace) -> Result<()> {
        self.call()?.clear(namespace)
    }
}

/// A saved session, in a store that works so far.
fn saved() -> (Sessions, Session, Failing) {
    let store = Failing::default();
    let sessions = Sessions::new(Backend::new(store.clone(), LocalLocks::new()));
    let mut session = sessions.create();
    session.set("user", "kimi");
    session.set("counter", 1);
    session.save().unwrap();
    (sessions, session, store)
}

fn lives(sessions: &Sessions, session: &Session) -> bool {
    sessions.open(session.id()).is_ok()
}

#[test]
fn a_new_id_is_finished_by_another_try() {
    for call in [1, 2] {
        let (sessions, mut session, store) = saved();
        let old = *session.id();
        session.update("counter", |old| old.and_then(Value::as_int).unwrap_or(0) + 1);
        store.fail_at(call);
        assert_eq!(session.regenerate_id().unwrap_err().kind(), ErrorKind::Unavailable);
        session.save().unwrap();
        assert!(sessions.open(&old).is_err(), "the old id lives on");
        let opened = sessions.open(session.id()).unwrap();
        assert_eq!(opened.get("counter"), Some(&2.into()));
    }
}

#[test]
fn a_new_id_that_failed_can_be_deleted_and_invalidated() {
    for call in [1, 2] {
        for end in [Session::delete, Session::invalidate] {
            let (sessions, mut session, store) = saved();
            let old = *session.id();
            store.fail_at(call);
            session.regenerate_id().unwrap_err();
            let new = *session.id();
            end(&mut session).unwrap();
            assert!(sessions.open(&old).is_err(), "the old id lives on");
            assert!(sessions.open(&new).is_err(), "the new id lives on");
        }
    }
}

#[test]
fn a_deletion_is_finished_by_another_try() {
    let (sessions, mut session, store) = saved();
    let old = *session.id();
    store.fail_at(1);
    session.regenerate_id().unwrap_err();
    store.fail_at(1);
    session.delete().unwrap_err();
    session.delete().unwrap();
    assert!(sessions.open(&old).is_err());
    assert!(!lives(&sessions, &session));
}

#[test]
fn what_was_invalidated_ends_even_if_the_next_save_fails() {
    let (sessions, mut session, store) = saved();
    let old = *session.id();
    store.fail_at(1);
    session.invalidate().unwrap_err();
    let deep = (0..100).fold(Value::Null, |inner, _| Value::from(vec![inner]));
    session.set("too deep", deep);
    assert_eq!(session.save().unwrap_err().kind(), ErrorKind::Codec);
    assert!(sessions.open(&old).is_err(), "the old id lives on");
    session.remove("too deep");
    session.save().unwrap();
}

#[test]
fn a_save_that_failed_keeps_the_changes() {
    let (sessions, mut session, store) = saved();
    session.set("user", "valtteri");
    store.fail_at(1);
    session.save().unwrap_err();
    session.save().unwrap();
    assert_eq!(sessions.open(session.id()).unwrap().get("user"), Some(&"valtteri".into()));
}
