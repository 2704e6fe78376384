//! Messages that are shown once, also where several pages of a visitor load at the same time.

use beaker::{Backend, Value};

use super::{Session, Sessions};

use crate::any_backend;

fn saved(sessions: &Sessions, texts: &[&str]) -> Session {
    let mut session = sessions.create();
    for text in texts {
        session.flash("info", *text);
    }
    session.save().unwrap();
    session
}

fn taken(session: &mut Session) -> Vec<String> {
    session.take_flashes().iter().map(|flash| flash.text().to_owned()).collect()
}

#[test]
fn each_is_shown_once_and_in_order() {
    any_backend::each(|backend| {
        let sessions = Sessions::new(backend);
        let mut session = sessions.create();
        session.flash("success", "Saved.");
        session.flash("error".to_owned(), "And not sent.");
        session.save().unwrap();
        let mut next = sessions.open(session.id()).unwrap();
        let flashes = next.take_flashes();
        let shown: Vec<_> = flashes.iter().map(|it| (it.kind(), it.text())).collect();
        assert_eq!(shown, [("success", "Saved."), ("error", "And not sent.")]);
        assert!(next.take_flashes().is_empty());
        next.save().unwrap();
        let mut last = sessions.open(session.id()).unwrap();
        assert!(last.values().is_empty(), "nothing is left of them");
        assert!(last.take_flashes().is_empty() && !last.is_modified());
    });
}

#[test]
fn what_is_taken_and_not_saved_is_shown_again() {
    let sessions = Sessions::new(Backend::memory());
    let id = *saved(&sessions, &["a"]).id();
    let mut session = sessions.open(&id).unwrap();
    assert_eq!(taken(&mut session), ["a"]);
    session.revert();
    assert_eq!(taken(&mut session), ["a"]);
    session.revert();
    assert_eq!(taken(&mut sessions.open(&id).unwrap()), ["a"]);
}

#[test]
fn a_message_that_comes_while_others_are_shown_stays() {
    any_backend::each(|backend| {
        let sessions = Sessions::new(backend);
        let id = *saved(&sessions, &["a", "b"]).id();
        let mut page = sessions.open(&id).unwrap();
        let mut form = sessions.open(&id).unwrap();
        assert_eq!(taken(&mut page), ["a", "b"]);
        form.flash("info", "c");
        form.save().unwrap();
        page.save().unwrap();
        // The same the other way round: the form saves last.
        let mut page = sessions.open(&id).unwrap();
        let mut form = sessions.open(&id).unwrap();
        assert_eq!(taken(&mut page), ["c"]);
        page.save().unwrap();
        form.flash("info", "d");
        form.save().unwrap();
        assert_eq!(taken(&mut sessions.open(&id).unwrap()), ["d"]);
    });
}

#[test]
fn two_tabs_lose_none_and_bring_none_back() {
    any_backend::each(|backend| {
        let sessions = Sessions::new(backend);
        let id = *saved(&sessions, &["a"]).id();
        let (mut one, mut other) = (sessions.open(&id).unwrap(), sessions.open(&id).unwrap());
        one.flash("info", "one's own");
        assert_eq!(taken(&mut one), ["a", "one's own"]);
        assert_eq!(taken(&mut other), ["a"]);
        other.flash("info", "for later");
        other.save().unwrap();
        one.save().unwrap();
        assert_eq!(taken(&mut sessions.open(&id).unwrap()), ["for later"]);
    });
}

#[test]
fn equal_messages_are_different_ones() {
    let sessions = Sessions::new(Backend::memory());
    let id = *saved(&sessions, &["a"]).id();
    let (mut one, mut other) = (sessions.open(&id).unwrap(), sessions.open(&id).unwrap());
    assert_eq!(taken(&mut one), ["a"]);
    other.flash("info", "a");
    other.save().unwrap();
    one.save().unwrap();
    assert_eq!(taken(&mut sessions.open(&id).unwrap()), ["a"]);
}

#[test]
fn what_nobody_takes_does_not_grow() {
    let sessions = Sessions::new(Backend::memory());
    let mut session = sessions.create();
    for number in 0..1000 {
        session.flash("info", number.to_string());
        session.save().unwrap();
    }
    let texts = taken(&mut session);
    assert_eq!((texts.len(), texts.first().unwrap().as_str()), (100, "900"));
}

#[test]
fn what_else_is_under_the_key_does_no_harm() {
    let sessions = Sessions::new(Backend::memory());
    for odd in [Value::Null, "text".into(), 7.into(), Value::Map([].into())] {
        let mut session = sessions.create();
        session.set("_flash", odd.clone());
        assert!(session.take_flashes().is_empty());
        session.flash("info", "a");
        assert_eq!(taken(&mut session), ["a"], "{odd:?}");
    }
    let mut session = sessions.create();
    let good = Value::from([Value::from(7), "info".into(), "good".into()]);
    session.set("_flash", [Value::Null, ["a"].into(), good, ["a", "b", "c"].into()]);
    assert_eq!(taken(&mut session), ["good"]);
    assert!(!session.contains("_flash"));
}

#[cfg(feature = "cookies")]
#[test]
fn cookies_carry_them_in_both_forms() {
    use beaker::Signer;
    let keys = [b"0123456789abcdef0123456789abcdef"];
    for signer in [Signer::new(keys).unwrap(), Signer::beaker(keys).unwrap()] {
        let sessions = beaker::Sessions::in_signed_cookies(signer);
        let mut session = sessions.create();
        session.flash("info", "ä");
        session.save().unwrap();
        let header = session.set_cookie().unwrap().unwrap();
        let mut next = sessions.load(header.split(';').next()).unwrap();
        assert_eq!(next.take_flashes()[0].text(), "ä");
        next.save().unwrap();
        let header = next.set_cookie().unwrap().unwrap();
        assert!(sessions.load(header.split(';').next()).unwrap().take_flashes().is_empty());
    }
}

#[test]
fn templates_get_kind_and_text() {
    let mut session = Sessions::new(Backend::memory()).create();
    session.flash("info", "a");
    assert_eq!(
        Value::of(&session.take_flashes()).unwrap(),
        Value::from([Value::from_iter([("kind", "info"), ("text", "a")])])
    );
}
