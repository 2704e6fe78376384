//! The life of a session.

use std::sync::Arc;
use std::time::Duration;

use beaker::codec::Json;
use beaker::{Backend, ErrorKind, ManualClock, Origin, Rejection, Signer, Value};

use super::{Session, Sessions};

fn sessions() -> Sessions {
    Sessions::new(Backend::memory())
}

fn saved(sessions: &Sessions) -> Session {
    let mut session = sessions.create();
    session.set("Suomi", "Kimi Räikkönen");
    session.set("Great Britain", "Jenson Button");
    session.save().unwrap();
    session
}

#[test]
fn what_was_saved_is_opened() {
    for sessions in [sessions(), sessions().codec(Json)] {
        let session = saved(&sessions);
        let opened = sessions.open(session.id()).unwrap();
        assert_eq!(opened.values(), session.values());
        assert_eq!(opened.created(), session.created());
        assert_eq!(opened.origin(), Origin::Loaded);
        assert!(!opened.is_new());
    }
}

#[test]
fn nothing_is_stored_before_it_is_saved() {
    let sessions = sessions();
    let mut session = sessions.create();
    session.set("a", 1);
    assert!(session.is_new());
    let error = sessions.open(session.id()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownSession);
}

#[test]
fn a_missing_key_is_named_with_the_session() {
    let session = saved(&sessions());
    let error = session.require("Russian").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MissingKey);
    assert_eq!(
        error.to_string(),
        format!("the session `{}…` has no key `Russian`", &session.id().as_str()[..8])
    );
}

#[test]
fn revert_undoes_everything_since_the_last_save() {
    let sessions = sessions();
    let session = saved(&sessions);
    let mut opened = sessions.open(session.id()).unwrap();
    opened.remove("Suomi");
    opened.set("Great Britain", "Lewis Hamilton");
    opened.set("España", "Fernando Alonso");
    opened.update("laps", |old| old.and_then(Value::as_int).unwrap_or(0) + 1);
    assert!(opened.is_modified());
    opened.revert();
    assert!(!opened.is_modified());
    assert_eq!(opened.values(), session.values());
    opened.clear();
    opened.revert();
    assert_eq!(opened.values(), session.values());
}

#[test]
fn delete_removes_the_record_and_wins_over_a_late_save() {
    let sessions = sessions();
    let mut session = saved(&sessions);
    let mut late = sessions.open(session.id()).unwrap();
    session.delete().unwrap();
    assert!(session.values().is_empty());
    assert_eq!(sessions.open(session.id()).unwrap_err().kind(), ErrorKind::UnknownSession);

    late.set("Suomi", "Valtteri Bottas");
    assert_eq!(late.save().unwrap_err().kind(), ErrorKind::SessionGone);
    assert_eq!(session.save().unwrap_err().kind(), ErrorKind::SessionGone);
    assert_eq!(sessions.open(session.id()).unwrap_err().kind(), ErrorKind::UnknownSession);
}

#[test]
fn invalidate_ends_the_old_id_at_once_and_goes_on_empty() {
    let sessions = sessions();
    let mut session = saved(&sessions);
    let old = *session.id();
    session.invalidate().unwrap();
    assert!(sessions.open(&old).is_err());
    assert!(session.values().is_empty() && session.is_new());
    session.set("a", 1);
    session.save().unwrap();
    assert_ne!(*session.id(), old);
    assert_eq!(sessions.open(session.id()).unwrap().get("a"), Some(&1.into()));
}

#[test]
fn regenerate_id_keeps_the_data_and_ends_the_old_id_at_once() {
    let sessions = sessions();
    let mut session = saved(&sessions);
    let old = *session.id();
    session.set("user", "kimi");
    session.regenerate_id().unwrap();
    assert!(sessions.open(&old).is_err());
    let opened = sessions.open(session.id()).unwrap();
    assert_eq!(opened.values(), session.values());
    assert_eq!(opened.created(), session.created());
}

#[test]
fn regenerate_id_takes_along_what_others_saved_meanwhile() {
    let sessions = sessions();
    let mut session = saved(&sessions);
    let mut other = sessions.open(session.id()).unwrap();
    other.set("basket", 3);
    other.save().unwrap();
    session.regenerate_id().unwrap();
    let opened = sessions.open(session.id()).unwrap();
    assert_eq!(opened.get("basket"), Some(&3.into()));
    // The other request does not know the new id, and its session is over.
    other.set("basket", 4);
    assert_eq!(other.save().unwrap_err().kind(), ErrorKind::SessionGone);
}

#[test]
fn regenerate_id_does_not_bring_back_what_was_deleted() {
    let sessions = sessions();
    let mut session = saved(&sessions);
    sessions.open(session.id()).unwrap().delete().unwrap();
    assert_eq!(session.regenerate_id().unwrap_err().kind(), ErrorKind::SessionGone);
    assert!(sessions.open(session.id()).is_err());
}

#[test]
fn a_session_times_out_when_it_was_idle_for_longer_than_the_timeout() {
    let clock = Arc::new(ManualClock::default());
    let sessions = sessions().clock(clock.clone()).timeout(Duration::from_secs(60));
    let id = *saved(&sessions).id();
    clock.advance(Duration::from_secs(60));
    let mut opened = sessions.open(&id).unwrap();
    assert_eq!(opened.last_accessed(), Some(opened.created()));
    opened.save().unwrap();
    clock.advance(Duration::from_secs(60));
    assert!(sessions.open(&id).is_ok(), "it was used 60 seconds ago");
    clock.advance(Duration::from_micros(1));
    assert!(sessions.open(&id).unwrap_err().to_string().contains("TimedOut"));
    assert!(sessions.open(&id).unwrap_err().to_string().contains("Unknown"), "removed");
}

#[test]
fn a_visitor_is_known_again_by_the_cookie() {
    let sessions = sessions().signed_by(Signer::random().unwrap());
    let session = saved(&sessions);
    let header = session.set_cookie().unwrap().unwrap();
    let pair = header.split(';').next().unwrap();
    let loaded = sessions.load(Some(&format!("other=1; {pair}"))).unwrap();
    assert_eq!(loaded.id(), session.id());
    assert_eq!(loaded.set_cookie().unwrap(), None, "the visitor has the cookie already");
}

#[test]
fn the_cookie_follows_the_session() {
    let sessions = sessions().signed_by(Signer::random().unwrap());
    let cookie = saved(&sessions).set_cookie().unwrap().unwrap();
    let pair = cookie.split(';').next().unwrap();

    let mut session = sessions.load(Some(pair)).unwrap();
    session.regenerate_id().unwrap();
    let renewed = session.set_cookie().unwrap().unwrap();
    assert!(renewed.contains(session.id().as_str()), "{renewed}");

    let mut session = sessions.load(renewed.split(';').next()).unwrap();
    session.delete().unwrap();
    let removed = session.set_cookie().unwrap().unwrap();
    assert!(removed.contains("Max-Age=0"), "{removed}");

    let session = sessions.load(renewed.split(';').next()).unwrap();
    assert_eq!(session.origin(), Origin::Rejected(Rejection::Unknown));
}

#[test]
fn options_that_do_not_fit_together_are_refused() {
    let sessions = sessions().timeout(Duration::from_secs(1)).save_accessed_time(false);
    assert_eq!(sessions.check().unwrap_err().kind(), ErrorKind::Config);
    let error = sessions.load(None).unwrap_err();
    assert!(error.to_string().contains("signed_by"), "{error}");
}

#[test]
fn both_codecs_are_read_whichever_is_set() {
    let backend = Backend::memory();
    let bincode = Sessions::new(backend.clone());
    let json = Sessions::new(backend).codec(Json);
    let mut session = saved(&bincode);
    assert_eq!(json.open(session.id()).unwrap().values(), session.values());
    session = saved(&json);
    assert_eq!(bincode.open(session.id()).unwrap().values(), session.values());
    assert_eq!(bincode.damaged(), 0);
}

#[test]
fn an_access_is_noted_even_if_somebody_who_began_earlier_saves_meanwhile() {
    let clock = Arc::new(ManualClock::default());
    let sessions = sessions().clock(clock.clone()).timeout(Duration::from_secs(60));
    let id = *saved(&sessions).id();
    let mut slow = sessions.open(&id).unwrap();
    clock.advance(Duration::from_secs(50));
    let mut reader = sessions.open(&id).unwrap();
    slow.set("a", 1);
    slow.save().unwrap();
    reader.touch().unwrap();
    clock.advance(Duration::from_secs(11));
    let opened = sessions.open(&id).expect("it was used 11 seconds ago");
    assert_eq!(opened.get("a"), Some(&1.into()));
}

#[test]
fn a_touch_notes_the_access_and_saves_no_change() {
    let clock = Arc::new(ManualClock::default());
    let sessions = sessions().clock(clock.clone()).timeout(Duration::from_secs(60));
    let mut session = saved(&sessions);
    clock.advance(Duration::from_secs(50));
    session.set("a", 1);
    session.touch().unwrap();
    clock.advance(Duration::from_secs(50));
    assert!(!sessions.open(session.id()).unwrap().contains("a"));
    session.save().unwrap();
    assert!(sessions.open(session.id()).unwrap().contains("a"));
}

#[test]
fn what_is_saved_late_counts_from_then() {
    let clock = Arc::new(ManualClock::default());
    let sessions = sessions().clock(clock.clone()).timeout(Duration::from_secs(60));
    let mut session = sessions.create();
    clock.advance(Duration::from_secs(61));
    session.save().unwrap();
    assert!(sessions.open(session.id()).is_ok());
}

#[test]
fn debug_says_nothing_of_what_is_stored() {
    let sessions = sessions().signed_by(Signer::random().unwrap());
    let session = saved(&sessions);
    let printed = format!("{sessions:?}");
    assert!(!printed.contains(session.id().as_str()), "{printed}");
    assert!(printed.len() < 1000, "{printed}");
}
