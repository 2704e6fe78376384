//! What Laravel's sessions and their handlers are tested for.

use std::sync::Arc;
use std::time::Duration;

use beaker::{Backend, ErrorKind, ManualClock, SessionId, Value};

use super::{Session, Sessions};

fn sessions() -> Sessions {
    Sessions::new(Backend::memory())
}

fn saved(sessions: &Sessions) -> Session {
    let mut session = sessions.create();
    session.set("foo", "bar");
    session.set("bagged", Value::Map([("name".to_owned(), Value::from("taylor"))].into()));
    session.save().unwrap();
    session
}

#[test]
fn a_session_is_loaded_and_goes_on() {
    let sessions = sessions();
    let mut session = sessions.open(saved(&sessions).id()).unwrap();
    assert_eq!(session.get("foo").and_then(Value::as_str), Some("bar"));
    let bagged = session.require("bagged").unwrap().as_map().unwrap();
    assert_eq!(bagged.get("name").and_then(Value::as_str), Some("taylor"));
    assert_eq!(session.get("bar").and_then(Value::as_str).unwrap_or("baz"), "baz");
    session.set("baz", "boom");
    assert!(session.contains("baz"));
}

#[test]
fn an_invalid_id_is_none() {
    let long = "a".repeat(41);
    for text in ["", "wrong", "Z", &long, "\u{e9}"] {
        assert!(text.parse::<SessionId>().is_err(), "{text}");
    }
    let id = SessionId::random();
    assert_eq!(id.as_str().parse::<SessionId>().unwrap(), id);
}

/// Laravel's `migrate` and `regenerate` leave the old record unless they are told to destroy it; ours never
/// does.
#[test]
fn a_session_that_moved_is_not_left_under_its_old_id() {
    let sessions = sessions();
    let mut session = saved(&sessions);
    let old = *session.id();
    session.regenerate_id().unwrap();
    assert_ne!(*session.id(), old);
    assert_eq!(sessions.open(&old).unwrap_err().kind(), ErrorKind::UnknownSession);
    assert_eq!(sessions.open(session.id()).unwrap().values().len(), 2);
}

#[test]
fn an_invalidated_session_has_lost_everything() {
    let sessions = sessions();
    let mut session = saved(&sessions);
    let old = *session.id();
    session.invalidate().unwrap();
    assert!(session.values().is_empty());
    assert_ne!(*session.id(), old);
    assert!(sessions.open(&old).is_err());
}

#[test]
fn several_keys_are_read_replaced_and_left_out() {
    let mut session = sessions().create();
    for (key, value) in [("foo", "bar"), ("bar", "baz"), ("qu", "ux")] {
        session.set(key, value);
    }
    session.set("foo", "baz");
    let but = |left_out: &str| {
        let all = session.values().iter().filter(|(key, _)| *key != left_out);
        all.map(|(key, value)| (key.as_str(), value.as_str().unwrap())).collect::<Vec<_>>()
    };
    assert_eq!(but("foo"), [("bar", "baz"), ("qu", "ux")]);
    assert_eq!(but(""), [("bar", "baz"), ("foo", "baz"), ("qu", "ux")]);
}

#[test]
fn a_key_may_hold_nothing_and_is_there() {
    let sessions = sessions();
    let mut session = sessions.create();
    session.set("null", Value::Null);
    session.set("false", false);
    session.save().unwrap();
    let opened = sessions.open(session.id()).unwrap();
    assert!(opened.contains("null") && opened.contains("false") && !opened.contains("foo"));
    assert!(opened.require("null").unwrap().is_null());
    assert_eq!(opened.require("foo").unwrap_err().kind(), ErrorKind::MissingKey);
}

#[test]
fn pulling_gives_the_value_and_forgets_it() {
    let sessions = sessions();
    let mut session = saved(&sessions);
    assert_eq!(session.remove("foo"), Some("bar".into()));
    assert_eq!(session.remove("foo"), None);
    session.save().unwrap();
    assert!(!sessions.open(session.id()).unwrap().contains("foo"));
}

/// `increment` is `update`: two requests that do it at once count both.
#[test]
fn counters_count_from_nothing_and_lose_no_request() {
    let sessions = sessions();
    let by = |step: i64| move |old: Option<&Value>| old.and_then(Value::as_int).unwrap_or(0) + step;
    let mut session = sessions.create();
    session.set("foo", 5);
    assert_eq!(session.update("foo", by(1)), 6.into());
    assert_eq!(session.update("foo", by(-4)), 2.into());
    assert_eq!(session.update("bar", by(-1)), (-1).into());
    session.save().unwrap();
    let (mut one, mut other) =
        (sessions.open(session.id()).unwrap(), sessions.open(session.id()).unwrap());
    one.update("foo", by(1));
    other.update("foo", by(1));
    one.save().unwrap();
    other.save().unwrap();
    let count = sessions.open(session.id()).unwrap().get("foo").and_then(Value::as_int);
    assert_eq!(count, Some(4));
}

/// `remember` computes a value for the session once.
#[test]
fn a_value_is_computed_if_there_is_none() {
    let mut session = sessions().create();
    let computed = |value: &'static str| {
        move |old: Option<&Value>| old.cloned().unwrap_or_else(|| value.into())
    };
    assert_eq!(session.update("key", computed("foo")), "foo".into());
    assert_eq!(session.update("key", computed("bar")), "foo".into());
}

/// Laravel's handler for arrays reads what is younger than its minutes.
#[test]
fn a_session_is_read_until_its_time_is_over() {
    let clock = Arc::new(ManualClock::default());
    let ten = Duration::from_secs(600);
    let sessions = sessions().clock(clock.clone()).timeout(ten);
    let id = *saved(&sessions).id();
    clock.advance(ten);
    assert!(sessions.open(&id).is_ok());
    clock.advance(Duration::from_micros(1));
    assert!(sessions.open(&id).is_err());
}

#[test]
fn a_store_of_nothing_takes_sessions_and_gives_none() {
    let sessions = Sessions::new(Backend::null());
    let session = saved(&sessions);
    assert!(sessions.open(session.id()).is_err());
}

/// Laravel gives an empty session for one that it cannot decrypt.
#[cfg(feature = "layers")]
#[test]
fn what_another_key_encrypted_is_no_session() {
    use beaker::layer::{Encrypt, Layers};
    use beaker::lock::LocalLocks;
    use beaker::store::MemoryStore;

    let store = Arc::new(MemoryStore::new());
    let with = |key: u8| {
        let encrypted = store.clone().layer(Encrypt::new([[key; 32]]).unwrap());
        Sessions::new(Backend::new(encrypted, LocalLocks::new()))
    };
    let id = *saved(&with(1)).id();
    assert_eq!(with(1).open(&id).unwrap().get("foo"), Some(&"bar".into()));
    assert!(with(2).open(&id).is_err());
    assert!(Sessions::new(Backend::new(store.clone(), LocalLocks::new())).open(&id).is_err());
}
