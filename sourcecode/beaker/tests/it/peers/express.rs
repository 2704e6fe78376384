//! What express-session is tested for: a visitor, a site and a store, around each of the middlewares.

use beaker::middleware::{RequestSession, Response, SessionMiddleware, text};
use beaker::{
    Backend, CookieLifetime, CookieOptions, ErrorKind, Origin, Rejection, Result, Sessions, Signer,
    Value,
};

use crate::cache_bypass::Server;
use crate::middleware::site::{Visitor, everywhere, get};

fn plain(sessions: Sessions) -> Sessions {
    sessions
}

/// A visit is counted; the other pages do what they are called.
fn page(session: &mut RequestSession, path: &str) -> Result<Response> {
    let count = session.get("count").and_then(Value::as_int).unwrap_or(0);
    match path {
        "/look" => return Ok(text(count.to_string())),
        "/destroy" => session.delete()?,
        "/regenerate" => session.invalidate()?,
        "/names" => {
            for name in ["id", "save", "cookie", "reload", "__proto__"] {
                session.set(name, "nope");
            }
            session.save()?;
            let names = session.values().keys().map(String::as_str);
            return Ok(text(names.collect::<Vec<_>>().join(",")));
        }
        "/thrice" => {
            for _ in 0..3 {
                session.set("count", count + 1);
                session.save()?;
            }
        }
        "/own" => {
            session.set("count", count + 1);
            session.save()?;
            let mut response = text("own");
            response.headers_mut().append("set-cookie", "other=1".parse().unwrap());
            return Ok(response);
        }
        _ => {
            session.set("count", count + 1);
            session.save()?;
        }
    }
    Ok(text((count + 1).to_string()))
}

fn cookies(response: &Response) -> Vec<&str> {
    let all = response.headers().get_all("set-cookie");
    all.iter().map(|header| header.to_str().unwrap()).collect()
}

#[test]
fn each_new_visitor_gets_a_session_and_one_cookie_for_it() {
    everywhere(plain, page, |site, _, sessions| {
        let (one, two) = (Visitor::new(site), Visitor::new(site));
        for visitor in [&one, &two] {
            let response = visitor.visit("/").unwrap();
            let [cookie] = cookies(&response)[..] else { panic!("one cookie: {response:?}") };
            assert!(cookie.starts_with("beaker.session.id="), "{cookie}");
            assert!(sessions.open(&visitor.id()).is_ok(), "saved before the answer went out");
        }
        assert_ne!(one.id(), two.id());
        assert_eq!((one.body("/"), two.body("/look")), ("2".to_owned(), "1".to_owned()));
    });
}

/// express-session stores every visitor unless `saveUninitialized` is off; ours never stores one who was not
/// saved.
#[test]
fn a_visitor_who_was_not_saved_is_not_stored() {
    everywhere(plain, page, |site, store, _| {
        let response = Visitor::new(site).visit("/look").unwrap();
        assert!(cookies(&response).is_empty());
        assert_eq!(store.calls(), 0);
    });
}

/// express-session writes every session back unless `resave` is off.
#[test]
fn a_session_that_did_not_change_is_not_written() {
    let untouched = |sessions: Sessions| sessions.save_accessed_time(false);
    everywhere(untouched, page, |site, store, _| {
        let visitor = Visitor::new(site);
        visitor.body("/");
        let before = store.calls();
        assert!(
            cookies(&visitor.visit("/look").unwrap()).is_empty(),
            "nor is the cookie sent again"
        );
        assert_eq!(store.calls(), before + 1, "one read");
        assert_eq!(visitor.body("/"), "2");
    });
}

#[test]
fn however_often_it_is_saved_it_is_written_once() {
    everywhere(plain, page, |site, store, _| {
        let visitor = Visitor::new(site);
        visitor.body("/thrice");
        assert_eq!(store.calls(), 1);
        assert_eq!(visitor.body("/look"), "1");
    });
}

#[test]
fn no_name_of_a_value_is_reserved() {
    everywhere(plain, page, |site, _, sessions| {
        let visitor = Visitor::new(site);
        let names = "__proto__,cookie,id,reload,save";
        assert_eq!(visitor.body("/names"), names);
        let session = sessions.open(&visitor.id()).unwrap();
        assert_eq!(session.get("id").and_then(Value::as_str), Some("nope"));
        assert_eq!(*session.id(), visitor.id());
    });
}

#[test]
fn an_id_that_the_store_does_not_know_is_not_taken_over() {
    everywhere(plain, page, |site, _, sessions| {
        let visitor = Visitor::new(site);
        visitor.body("/");
        let old = visitor.id();
        sessions.open(&old).unwrap().delete().unwrap();
        assert_eq!(visitor.body("/"), "1");
        assert_ne!(visitor.id(), old);
    });
}

#[test]
fn a_cookie_that_is_not_ours_is_not_looked_up() {
    everywhere(plain, page, |site, store, sessions| {
        let session = sessions.create();
        let id = session.id();
        for cookie in
            [format!("{id}"), format!("{id}.AAAA"), "s%3Afoo.bar".to_owned(), String::new()]
        {
            let before = store.calls();
            let header = format!("beaker.session.id={cookie}");
            let response = site.call(get("/look", Some(&header))).unwrap();
            assert_eq!(response.body(), b"0");
            assert_eq!(store.calls(), before, "{cookie}");
        }
    });
}

#[test]
fn an_expired_session_is_replaced_and_removed() {
    use std::sync::Arc;
    use std::time::Duration;

    let clock = Arc::new(beaker::ManualClock::default());
    let minute = Duration::from_secs(60);
    let (time, passes) = (clock.clone(), clock);
    let options = move |sessions: Sessions| sessions.timeout(minute).clock(time.clone());
    everywhere(options, page, move |site, _, sessions| {
        let visitor = Visitor::new(site);
        visitor.body("/");
        let old = visitor.id();
        passes.advance(minute + Duration::from_micros(1));
        assert_eq!(visitor.body("/"), "1");
        assert_ne!(visitor.id(), old);
        let error = sessions.open(&old).unwrap_err().to_string();
        assert!(error.contains("Unknown"), "it is gone, and not only refused: {error}");
    });
}

#[test]
fn a_store_that_fails_is_an_error_and_works_again_when_it_is_back() {
    let server = Server::default();
    let sessions = Sessions::new(server.backend()).signed_by(Signer::random().unwrap());
    let mut session = sessions.create();
    session.save().unwrap();
    let cookie = session.set_cookie().unwrap().unwrap();
    let cookie = cookie.split(';').next();
    server.stop(true);
    assert_eq!(sessions.load(cookie).unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(session.save().unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(session.delete().unwrap_err().kind(), ErrorKind::Unavailable);
    server.stop(false);
    assert_eq!(sessions.load(cookie).unwrap().id(), session.id());
}

#[test]
fn an_error_of_a_save_reaches_the_program() {
    everywhere(plain, page, |site, store, _| {
        let visitor = Visitor::new(site);
        store.set_full(true);
        // Around a service of tower it is the answer, and around an `App` an error.
        let status = visitor.visit("/").map(|response| response.status().as_u16());
        assert!(status.as_ref().map_or(true, |status| *status == 500), "{status:?}");
        store.set_full(false);
        assert_eq!(visitor.body("/"), "1");
    });
}

#[test]
fn destroying_removes_the_session_and_its_cookie() {
    everywhere(plain, page, |site, _, sessions| {
        let visitor = Visitor::new(site);
        visitor.body("/");
        let old = visitor.id();
        let response = visitor.visit("/destroy").unwrap();
        assert!(cookies(&response)[0].contains("Max-Age=0"), "{response:?}");
        assert!(sessions.open(&old).is_err());
        // There was none to remove.
        assert!(cookies(&Visitor::new(site).visit("/destroy").unwrap()).is_empty());
    });
}

/// `regenerate` is [`Session::invalidate`](beaker::Session::invalidate); what keeps the values is
/// `regenerate_id`, which express-session has not.
#[test]
fn regenerating_begins_an_empty_session_under_a_new_id() {
    everywhere(plain, page, |site, _, sessions| {
        let visitor = Visitor::new(site);
        visitor.body("/");
        let old = visitor.id();
        visitor.body("/regenerate");
        assert!(sessions.open(&old).is_err());
        assert_eq!(visitor.body("/look"), "0");
    });
}

#[test]
fn cookies_of_the_application_stay() {
    everywhere(plain, page, |site, _, _| {
        let response = Visitor::new(site).visit("/own").unwrap();
        let sent = cookies(&response);
        assert!(sent.contains(&"other=1") && sent.len() == 2, "{sent:?}");
    });
}

#[test]
fn the_cookie_is_for_the_browsers_session_unless_it_is_given_a_time() {
    use std::time::Duration;

    let sent = |options: CookieOptions| {
        let sessions = Sessions::new(Backend::memory()).signed_by(Signer::random().unwrap());
        let mut session = sessions.cookie(options).create();
        session.save().unwrap();
        session.set_cookie().unwrap().unwrap()
    };
    let cookie = sent(CookieOptions::default());
    assert!(cookie.starts_with("beaker.session.id=") && cookie.contains("Path=/"), "{cookie}");
    assert!(!cookie.contains("Max-Age") && !cookie.contains("Expires"), "{cookie}");
    let hour = CookieLifetime::For(Duration::from_secs(3600));
    let cookie = sent(CookieOptions::default().name("sid").path("/admin").lifetime(hour));
    assert!(cookie.starts_with("sid=") && cookie.contains("Path=/admin"), "{cookie}");
    assert!(cookie.contains("Max-Age=3600"), "{cookie}");
}

#[test]
fn without_a_key_nothing_starts() {
    assert_eq!(Signer::new([[0; 0]; 0]).unwrap_err().kind(), ErrorKind::Config);
    let sessions = Sessions::new(Backend::memory());
    let app = |_: &mut beaker::middleware::Request| Ok(text(""));
    let started = SessionMiddleware::new(app, sessions);
    assert!(started.is_err_and(|error| error.kind() == ErrorKind::Config));
}

#[test]
fn the_first_key_signs_and_all_of_them_verify() {
    let (old, new) = ([1_u8; 32], [2_u8; 32]);
    let backend = Backend::memory();
    let with =
        |keys: &[[u8; 32]]| Sessions::new(backend.clone()).signed_by(Signer::new(keys).unwrap());
    let mut session = with(&[old]).create();
    session.save().unwrap();
    let by_old = session.set_cookie().unwrap().unwrap();
    let by_old = by_old.split(';').next();
    let read = with(&[new, old]).load(by_old).unwrap();
    assert_eq!(read.origin(), Origin::Loaded);
    // express-session goes on with the old signature; ours is renewed, so that the old key can go.
    let by_new = read.set_cookie().unwrap().expect("signed again");
    assert_eq!(with(&[new]).load(by_new.split(';').next()).unwrap().id(), session.id());
    let origin = with(&[new]).load(by_old).unwrap().origin();
    assert_eq!(origin, Origin::Rejected(Rejection::Signature));
}
