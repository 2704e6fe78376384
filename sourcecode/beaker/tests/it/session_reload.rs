//! Looking again at what is stored, and ids of the program's own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use beaker::{Backend, ErrorKind, SessionId, Value};

use super::{Session, Sessions};

use crate::any_backend;

fn saved(sessions: &Sessions) -> Session {
    let mut session = sessions.create();
    session.set("points", 100);
    session.save().unwrap();
    session
}

#[test]
fn what_others_saved_is_there_and_own_changes_stay() {
    any_backend::each(|backend| {
        let sessions = Sessions::new(backend);
        let mut session = saved(&sessions);
        let mut other = sessions.open(session.id()).unwrap();
        session.update("points", |old| old.and_then(Value::as_int).unwrap_or(0) + 10);
        session.set("own", true);
        other.set("points", 200);
        other.set("other", "tea");
        other.save().unwrap();
        session.reload().unwrap();
        let seen = ["points", "own", "other"].map(|key| session.get(key).cloned());
        assert_eq!(seen, [Some(210.into()), Some(true.into()), Some("tea".into())]);
        assert!(!sessions.open(session.id()).unwrap().contains("own"), "nothing was stored");
        session.save().unwrap();
        let stored = sessions.open(session.id()).unwrap();
        assert_eq!(stored.values(), session.values());
        // Without own changes it is what is stored.
        session.set("points", 1);
        session.revert();
        session.reload().unwrap();
        assert_eq!(session.get("points"), Some(&210.into()));
        assert!(!session.is_modified());
    });
}

#[test]
fn what_has_ended_is_gone_and_what_is_new_stays() {
    let sessions = Sessions::new(Backend::memory());
    let mut new = sessions.create();
    new.set("a", 1);
    new.reload().unwrap();
    assert_eq!(new.get("a"), Some(&1.into()));

    let mut session = saved(&sessions);
    let mut late = sessions.open(session.id()).unwrap();
    session.delete().unwrap();
    late.set("a", 1);
    for handle in [&mut late, &mut session] {
        assert_eq!(handle.reload().unwrap_err().kind(), ErrorKind::SessionGone);
    }
    assert_eq!(late.get("a"), Some(&1.into()), "it stays as it was");
}

#[test]
fn a_store_that_is_down_leaves_it_as_it_was() {
    let mut session = Sessions::new(any_backend::down()).create();
    session.set("a", 1);
    session.reload().unwrap();
    assert_eq!(session.save().unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(session.get("a"), Some(&1.into()));
}

fn counted() -> (Arc<AtomicU64>, impl Fn() -> SessionId + Send + Sync + 'static) {
    let next = Arc::new(AtomicU64::new(1));
    let counter = Arc::clone(&next);
    let make = move || format!("{:032x}", counter.fetch_add(1, Ordering::SeqCst)).parse().unwrap();
    (next, make)
}

#[test]
fn ids_are_made_as_the_program_says() {
    any_backend::each(|backend| {
        let (next, make) = counted();
        let sessions = Sessions::new(backend).id_generator(make);
        let mut session = saved(&sessions);
        assert!(session.id().as_str().ends_with("0001"));
        session.regenerate_id().unwrap();
        assert!(session.id().as_str().ends_with("0002"));
        session.invalidate().unwrap();
        session.save().unwrap();
        assert!(session.id().as_str().ends_with("0003"));
        // What is in use is not given away.
        next.store(3, Ordering::SeqCst);
        let other = saved(&sessions);
        assert!(other.id().as_str().ends_with("0004"));
        assert!(!sessions.open(session.id()).unwrap().contains("points"));
        // One that gives the same for ever.
        let id = *other.id();
        let stuck = sessions.clone().id_generator(move || id);
        assert_eq!(stuck.create().save().unwrap_err().kind(), ErrorKind::Conflict);
        let mut session = stuck.open(&id).unwrap();
        let error = session.regenerate_id().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("`id_generator`"), "{error}");
        assert!(sessions.open(&id).unwrap().contains("points"), "nothing has become of it");
    });
}
