//! Values of the program's own types in sessions: what is read and changed as what, and what errors say.

use std::collections::BTreeMap;

use beaker::codec::Json;
use beaker::{Backend, ErrorKind, Value};

use super::{Session, Sessions};

use crate::any_backend;

type Basket = BTreeMap<String, u32>;

fn saved(sessions: &Sessions) -> Session {
    let mut session = sessions.create();
    session.save().unwrap();
    session
}

fn in_memory() -> Session {
    Sessions::new(Backend::memory()).create()
}

#[test]
fn what_was_set_as_a_type_is_got_as_it() {
    any_backend::each(|backend| {
        for sessions in [Sessions::new(backend.clone()), Sessions::new(backend.clone()).codec(Json)]
        {
            let mut session = sessions.create();
            let basket = Basket::from([("tea".into(), 2), ("milk".into(), 1)]);
            session.set_as("basket", &basket).unwrap();
            session.set_as("sizes", &(38, Some("wide"), None::<u8>)).unwrap();
            session.set_as("name", "Kimi").unwrap();
            session.save().unwrap();
            let opened = sessions.open(session.id()).unwrap();
            assert_eq!(opened.get_as("basket").unwrap(), Some(basket));
            let sizes = Some((38, Some("wide".to_owned()), None::<u8>));
            assert_eq!(opened.get_as("sizes").unwrap(), sizes);
            assert_eq!(opened.get_as::<String>("name").unwrap().as_deref(), Some("Kimi"));
            assert_eq!(opened.get_as::<Basket>("none").unwrap(), None);
            assert_eq!(opened.get("name"), Some(&"Kimi".into()), "it is an ordinary value");
        }
    });
}

#[test]
fn null_is_a_value() {
    let mut session = in_memory();
    session.set("nothing", Value::Null);
    assert_eq!(session.get_as::<Option<u8>>("nothing").unwrap(), Some(None));
    assert_eq!(session.get_as::<u8>("nothing").unwrap_err().kind(), ErrorKind::Codec);
}

#[test]
fn errors_name_the_session_the_key_and_the_type() {
    let mut session = in_memory();
    session.set("visits", "many");
    let id = &session.id().as_str()[..8].to_owned();
    let error = session.get_as::<u32>("visits").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Codec);
    let wanted = format!("the session `{id}…` has a `visits` that is not a `u32`");
    assert_eq!(error.to_string(), wanted);
    assert!(format!("{error:?}").contains("expected u32"), "{error:?}");

    let error = session.set_as("visits", &u64::MAX).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Codec);
    let wanted = format!("the session `{id}…` can hold no such `u64` under the key `visits`");
    assert_eq!(error.to_string(), wanted);
    assert!(format!("{error:?}").contains("store it as a text"), "{error:?}");
    let no_texts = BTreeMap::from([((1, 2), 3)]);
    assert_eq!(session.set_as("map", &no_texts).unwrap_err().kind(), ErrorKind::Codec);

    let error = session.update_as("visits", |visits: &mut u32| *visits += 1).unwrap_err();
    assert!(error.to_string().contains("`visits` that is not a `u32`"), "{error}");
    let too_large = |number: &mut u64| *number = u64::MAX;
    assert_eq!(session.update_as("large", too_large).unwrap_err().kind(), ErrorKind::Codec);
    assert_eq!(session.get("visits"), Some(&"many".into()), "what fails changes nothing");
    assert!(!session.contains("map") && !session.contains("large"));
}

#[test]
fn updates_in_place_lose_nothing() {
    any_backend::each(|backend| {
        let sessions = Sessions::new(backend);
        let id = *saved(&sessions).id();
        let mut handles: Vec<Session> = (0..8).map(|_| sessions.open(&id).unwrap()).collect();
        for (number, session) in handles.iter_mut().enumerate() {
            let put = move |basket: &mut Basket| {
                *basket.entry("tea".into()).or_default() += 1;
                basket.insert(format!("article {number}"), 1);
            };
            let basket = session.update_as("basket", put).unwrap();
            assert_eq!(basket.len(), 2, "it sees what was loaded");
        }
        for session in &mut handles {
            session.save().unwrap();
        }
        let basket: Basket = sessions.open(&id).unwrap().get_as("basket").unwrap().unwrap();
        assert_eq!((basket["tea"], basket.len()), (8, 9));
    });
}

#[test]
fn a_value_that_has_become_another_one_meanwhile_is_an_error_and_stays() {
    any_backend::each(|backend| {
        let sessions = Sessions::new(backend);
        let id = *saved(&sessions).id();
        let (mut one, mut other) = (sessions.open(&id).unwrap(), sessions.open(&id).unwrap());
        one.set("name", "Kimi");
        one.update_as("visits", |visits: &mut u32| *visits += 1).unwrap();
        other.set("visits", "many");
        other.save().unwrap();
        let error = one.save().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Codec, "{error:?}");
        assert!(error.to_string().contains("`visits` that is not a `u32`"), "{error}");
        let stored = sessions.open(&id).unwrap();
        assert_eq!(stored.get("visits"), Some(&"many".into()));
        assert!(!stored.contains("name"), "all of it is saved, or nothing");
        assert_eq!(one.get("visits"), Some(&1.into()), "its changes are kept");
        // Once it can be applied again, it is.
        other.set("visits", 5);
        other.save().unwrap();
        one.save().unwrap();
        let stored = sessions.open(&id).unwrap();
        assert_eq!(
            (stored.get("visits"), stored.get("name")),
            (Some(&6.into()), Some(&"Kimi".into()))
        );
    });
}

#[test]
fn revert_takes_them_back() {
    let sessions = Sessions::new(Backend::memory());
    let mut session = saved(&sessions);
    session.update_as("visits", |visits: &mut u32| *visits += 1).unwrap();
    session.set_as("sizes", &[38]).unwrap();
    assert!(session.is_modified());
    session.revert();
    assert!(!session.is_modified() && session.values().is_empty());
}

#[cfg(feature = "cookies")]
#[test]
fn sessions_in_cookies_hold_them() {
    use beaker::{Sessions, Signer};
    let keys = [b"0123456789abcdef0123456789abcdef"];
    for signer in [Signer::new(keys).unwrap(), Signer::beaker(keys).unwrap()] {
        let sessions = Sessions::in_signed_cookies(signer);
        let mut session = sessions.create();
        session.set_as("basket", &Basket::from([("tea".into(), 2)])).unwrap();
        session.save().unwrap();
        let header = session.set_cookie().unwrap().unwrap();
        let mut next = sessions.load(header.split(';').next()).unwrap();
        let put = |basket: &mut Basket| *basket.entry("tea".into()).or_default() += 1;
        assert_eq!(next.update_as("basket", put).unwrap()["tea"], 3);
    }
}
