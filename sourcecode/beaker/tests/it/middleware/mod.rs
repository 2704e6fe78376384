//! The middleware, called without a network: the same cases around an [`App`], and around a service
//! of tower with stores that wait and stores that do not.

mod lagging;
pub(crate) mod site;
pub(crate) mod watched;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use beaker::middleware::{
    App, Request, RequestSession, Response, SessionExt, SessionMiddleware, text,
};
use beaker::{Backend, Error, ErrorKind, ManualClock, Result, Sessions, Signer, Value};
use http::StatusCode;
use site::{Visitor, everywhere, get};

/// The pages of the site. (`/static` is the one that does not ask for its session.)
fn page(session: &mut RequestSession, path: &str) -> Result<Response> {
    let count = session.get("counter").and_then(Value::as_int).unwrap_or(0) + 1;
    session.set("counter", count);
    match path {
        "/look" => return Ok(text(format!("{}", count - 1))),
        "/login" => session.regenerate_id()?,
        "/logout" => session.invalidate()?,
        "/delete" => session.delete()?,
        _ => session.save()?,
    }
    match path {
        "/500" => {
            let mut response = text("failed");
            *response.status_mut() = StatusCode::BAD_GATEWAY;
            Ok(response)
        }
        "/error" => Err(Error::new(ErrorKind::Application, "on purpose")),
        "/panic" => panic!("on purpose"),
        _ => Ok(text(count.to_string())),
    }
}

/// The sessions with the options that most cases want: none.
fn plain(sessions: Sessions) -> Sessions {
    sessions
}

#[test]
fn each_visitor_is_counted_alone() {
    everywhere(plain, page, |site, _, _| {
        let (one, two) = (Visitor::new(site), Visitor::new(site));
        assert_eq!(one.body("/"), "1");
        assert_eq!(two.body("/"), "1");
        assert_eq!(one.body("/"), "2");
        assert_eq!(one.body("/"), "3");
        assert_eq!(two.body("/"), "2");
    });
}

#[test]
fn a_request_that_does_not_ask_for_its_session_costs_nothing() {
    everywhere(plain, page, |site, store, _| {
        let visitor = Visitor::new(site);
        visitor.body("/");
        let before = store.calls();
        let response = visitor.visit("/static").unwrap();
        assert_eq!(store.calls(), before);
        assert!(!response.headers().contains_key("set-cookie"));
        assert!(!response.headers().contains_key("vary"));
    });
}

#[test]
fn the_cookie_is_sent_once() {
    everywhere(plain, page, |site, _, _| {
        let visitor = Visitor::new(site);
        let first = visitor.visit("/").unwrap();
        let cookie = first.headers()["set-cookie"].to_str().unwrap();
        assert!(cookie.ends_with("; HttpOnly; SameSite=Lax; Path=/"), "{cookie}");
        assert_eq!(first.headers()["vary"], "Cookie");
        let second = visitor.visit("/").unwrap();
        assert!(!second.headers().contains_key("set-cookie"));
        assert_eq!(second.headers()["vary"], "Cookie");
    });
}

#[test]
fn what_is_not_saved_is_dropped() {
    everywhere(plain, page, |site, store, _| {
        let visitor = Visitor::new(site);
        assert!(!visitor.visit("/look").unwrap().headers().contains_key("set-cookie"));
        assert_eq!(store.calls(), 0, "a new visitor who looks is not stored");
        assert_eq!(visitor.body("/"), "1");
        assert_eq!(visitor.body("/look"), "1");
        assert_eq!(visitor.body("/"), "2");
    });
}

#[test]
fn auto_saves_what_changed() {
    let auto = |sessions: Sessions| sessions.auto(true);
    everywhere(auto, page, |site, _, _| {
        let visitor = Visitor::new(site);
        assert_eq!(visitor.body("/look"), "0");
        assert_eq!(visitor.body("/look"), "1");
    });
}

/// What is saved by itself goes by the answer: one that failed may have stopped half way.
#[test]
fn auto_saves_nothing_of_a_request_that_failed() {
    let visit = |session: &mut RequestSession, path: &str| {
        let count = session.get("counter").and_then(Value::as_int).unwrap_or(0) + 1;
        session.set("counter", count);
        let mut response = text(count.to_string());
        *response.status_mut() = StatusCode::from_u16(path[1..].parse().unwrap()).unwrap();
        Ok(response)
    };
    let auto = |sessions: Sessions| sessions.auto(true);
    everywhere(auto, visit, |site, _, _| {
        let visitor = Visitor::new(site);
        for (path, count) in [
            ("/200", "1"),
            ("/302", "2"),
            ("/404", "3"),
            ("/500", "4"),
            ("/503", "4"),
            ("/422", "4"),
        ] {
            assert_eq!(visitor.body(path), count, "{path}");
        }
        assert_eq!(visitor.body("/200"), "5");
    });
}

#[test]
fn reading_notes_the_access_in_one_write_or_none() {
    for (save_accessed_time, writes) in [(true, 1), (false, 0)] {
        let options = |sessions: Sessions| sessions.save_accessed_time(save_accessed_time);
        everywhere(options, page, |site, store, _| {
            let visitor = Visitor::new(site);
            visitor.body("/");
            let before = store.calls();
            visitor.body("/look");
            assert_eq!(store.calls() - before, 1 + writes);
        });
    }
}

#[test]
fn who_only_looks_gets_the_answer_though_nothing_can_be_written() {
    everywhere(plain, page, |site, store, _| {
        let visitor = Visitor::new(site);
        assert_eq!(visitor.body("/"), "1");
        store.set_full(true);
        let looked = visitor.visit("/look").unwrap();
        assert_eq!((looked.status(), looked.body().as_slice()), (StatusCode::OK, b"1".as_slice()));
        let saved = visitor.visit("/");
        assert!(saved.is_err() || saved.is_ok_and(|saved| saved.status() == 500));
        store.set_full(false);
        assert_eq!(visitor.body("/"), "2");
    });
}

#[test]
fn a_failed_request_saves_nothing() {
    everywhere(plain, page, |site, store, _| {
        let visitor = Visitor::new(site);
        assert_eq!(visitor.body("/"), "1");
        let before = store.calls();
        assert_eq!(visitor.visit("/500").unwrap().status(), 502);
        assert_eq!(visitor.visit("/error").unwrap_err().kind(), ErrorKind::Application);
        let cookie = visitor.cookie.lock().unwrap().clone();
        let panics = || site.call(get("/panic", cookie.as_deref()));
        assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
        assert_eq!(store.calls(), before + 3, "each has loaded, and none has saved");
        assert_eq!(visitor.body("/"), "2");
    });
}

#[test]
fn a_new_visitor_whose_request_fails_gets_no_cookie() {
    everywhere(plain, page, |site, store, _| {
        let response = Visitor::new(site).visit("/500").unwrap();
        assert!(!response.headers().contains_key("set-cookie"));
        assert_eq!(response.headers()["vary"], "Cookie");
        assert_eq!(store.calls(), 0);
    });
}

#[test]
fn logging_in_changes_the_id_and_the_old_cookie_is_worth_nothing() {
    everywhere(plain, page, |site, _, _| {
        let visitor = Visitor::new(site);
        visitor.body("/");
        let thief = Visitor::new(site);
        *thief.cookie.lock().unwrap() = visitor.cookie.lock().unwrap().clone();
        assert_eq!(visitor.body("/login"), "2");
        assert_eq!(visitor.body("/"), "3");
        assert_eq!(thief.body("/"), "1");
    });
}

#[test]
fn logging_out_and_deleting_remove_the_cookie() {
    everywhere(plain, page, |site, _, _| {
        for path in ["/logout", "/delete"] {
            let visitor = Visitor::new(site);
            visitor.body("/");
            let before = visitor.cookie.lock().unwrap().clone();
            visitor.body(path);
            assert_eq!(*visitor.cookie.lock().unwrap(), None, "{path}");
            *visitor.cookie.lock().unwrap() = before;
            assert_eq!(visitor.body("/"), "1", "{path}");
        }
    });
}

/// The `Set-Cookie` headers of an answer.
fn sent(response: &Response) -> Vec<&str> {
    response.headers().get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect()
}

/// How the cookie of the site is removed.
fn is_removal(header: &str) -> bool {
    header.starts_with("beaker.session.id=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0; Expires=")
}

#[test]
fn a_rejected_cookie_is_removed_once_and_costs_nothing_from_then_on() {
    let clock = Arc::new(ManualClock::default());
    let minute = Duration::from_secs(60);
    let short = {
        let clock = clock.clone();
        move |sessions: Sessions| sessions.timeout(minute).clock(clock.clone())
    };
    everywhere(short, page, |site, store, sessions| {
        let visitor = Visitor::new(site);
        visitor.body("/");
        let good = visitor.cookie.lock().unwrap().clone().unwrap();
        // Timed out, unknown from then on, forged, and no id at all.
        clock.advance(2 * minute);
        for bad in [&good, &good, &format!("{good}x"), "beaker.session.id="] {
            let visitor = Visitor::new(site);
            *visitor.cookie.lock().unwrap() = Some(bad.to_owned());
            // Nobody has asked for the session.
            assert!(sent(&visitor.visit("/static").unwrap()).is_empty());
            let response = visitor.visit("/look").unwrap();
            let headers = sent(&response);
            assert!(headers.len() == 1 && is_removal(headers[0]), "{bad}: {headers:?}");
            assert_eq!(response.headers()["vary"], "Cookie");
            let before = store.calls();
            assert!(sent(&visitor.visit("/look").unwrap()).is_empty(), "it is gone");
            assert_eq!(store.calls(), before);
            // A new session's cookie takes its place.
            *visitor.cookie.lock().unwrap() = Some(bad.to_owned());
            let response = visitor.visit("/").unwrap();
            assert!(sent(&response).len() == 1 && !is_removal(sent(&response)[0]));
            *visitor.cookie.lock().unwrap() = Some(bad.to_owned());
            assert!(sent(&visitor.visit("/500").unwrap()).is_empty(), "nothing is done then");
            for path in ["/logout", "/delete"] {
                *visitor.cookie.lock().unwrap() = Some(bad.to_owned());
                assert!(
                    sent(&visitor.visit(path).unwrap()).iter().all(|&header| is_removal(header))
                );
            }
        }
        // A browser has one for another path beside ours, which is good.
        let ours = Visitor::new(site);
        ours.body("/");
        let ours = ours.cookie.lock().unwrap().clone().unwrap();
        for header in [format!("{good}; {ours}"), format!("{ours}; {good}")] {
            let response = site.call(get("/look", Some(&header))).unwrap();
            assert_eq!((response.body().as_slice(), sent(&response).len()), (&b"1"[..], 0));
        }
        let kept = sessions.clone().remove_rejected(false).load(Some(&good)).unwrap();
        assert_eq!(kept.set_cookie().unwrap(), None);
    });
}

#[test]
fn a_rejected_cookie_is_kept_where_the_options_say_so() {
    let kept = |sessions: Sessions| sessions.remove_rejected(false);
    everywhere(kept, page, |site, _, _| {
        let response = site.call(get("/look", Some("beaker.session.id=forged"))).unwrap();
        assert!(sent(&response).is_empty());
    });
}

#[cfg(feature = "cookies")]
#[test]
fn a_rejected_session_in_a_cookie_is_removed() {
    let key = b"0123456789abcdef0123456789abcdef";
    let kinds: [fn(&[u8]) -> Sessions; 2] = [
        |key| Sessions::in_signed_cookies(Signer::beaker([key]).unwrap()),
        |key| Sessions::in_sealed_cookies(beaker::Sealer::new([key]).unwrap()),
    ];
    for kind in kinds {
        everywhere(
            |_| kind(key),
            page,
            |site, _, _| {
                let visitor = Visitor::new(site);
                visitor.body("/");
                assert_eq!(visitor.body("/"), "2");
                visitor.cookie.lock().unwrap().as_mut().unwrap().pop();
                let response = visitor.visit("/look").unwrap();
                let headers = sent(&response);
                assert!(headers.len() == 1 && is_removal(headers[0]), "{headers:?}");
                assert!(sent(&visitor.visit("/look").unwrap()).is_empty());
            },
        );
    }
}

#[test]
fn two_cookie_headers_are_both_read() {
    everywhere(plain, page, |site, _, _| {
        let visitor = Visitor::new(site);
        visitor.body("/");
        let ours = visitor.cookie.lock().unwrap().clone().unwrap();
        let request = http::Request::get("/").header("cookie", "a=1").header("cookie", ours);
        assert_eq!(site.call(request.body(Vec::new()).unwrap()).unwrap().body(), b"2");
    });
}

#[test]
fn other_cookies_may_be_no_text() {
    everywhere(plain, page, |site, _, _| {
        let visitor = Visitor::new(site);
        visitor.body("/");
        let ours = visitor.cookie.lock().unwrap().clone().unwrap();
        for header in [
            format!("name=Räikkönen; {ours}").into_bytes(),
            [b"x=\xff\xfe; ", ours.as_bytes()].concat(),
        ] {
            let mut request = get("/look", None);
            let header = http::HeaderValue::from_bytes(&header).unwrap();
            request.headers_mut().insert("cookie", header);
            assert_eq!(site.call(request).unwrap().body(), b"1");
        }
    });
}

/// Two requests log in at once. One gives the session a new id; the other must not take away the
/// cookie that the visitor was just given.
#[test]
fn a_double_login_keeps_the_visitor_logged_in() {
    let both = Arc::new(Barrier::new(2));
    let login = move |session: &mut RequestSession, _: &str| {
        session.set("user", "kimi");
        session.regenerate_id()?;
        both.wait();
        Ok(text("welcome"))
    };
    everywhere(plain, login, |site, _, sessions| {
        let mut session = sessions.create();
        session.save().unwrap();
        let cookie = session.set_cookie().unwrap().unwrap();
        let cookie = cookie.split(';').next();
        let call = || {
            let response = site.call(get("/login", cookie)).unwrap();
            response.headers().get("set-cookie").map(|header| header.to_str().unwrap().to_owned())
        };
        let cookies = std::thread::scope(|scope| {
            let requests = [scope.spawn(call), scope.spawn(call)];
            requests.map(|request| request.join().unwrap())
        });
        let given: Vec<_> = cookies.into_iter().flatten().collect();
        assert_eq!(given.len(), 1, "{given:?}");
        assert!(!given[0].contains("Max-Age=0"));
    });
}

fn application(request: &mut Request) -> Result<Response> {
    page(&mut request.session()?, "/")
}

#[test]
fn an_application_without_the_middleware_is_told_so() {
    let error = application(&mut get("/", None)).unwrap_err();
    assert!(error.to_string().contains("SessionMiddleware"), "{error}");
}

#[test]
fn a_middleware_without_a_key_does_not_start() {
    let sessions = Sessions::new(Backend::memory());
    let error = SessionMiddleware::new(application, sessions).unwrap_err();
    assert!(error.to_string().contains("signed_by"), "{error}");
}

fn wrapped(app: impl App) -> impl App {
    let sessions = Sessions::new(Backend::memory()).signed_by(Signer::random().unwrap());
    SessionMiddleware::new(app, sessions).unwrap()
}

#[test]
fn a_session_that_is_in_use_is_an_error_and_not_a_deadlock() {
    let twice = |request: &mut Request| {
        let one = request.session()?;
        let error = request.session().map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldDeadlock);
        drop(one);
        request.session().map(|_| text("fine"))
    };
    wrapped(twice).call(&mut get("/", None)).unwrap();
}

#[test]
fn a_session_that_is_kept_beyond_its_request_is_not_saved_in_silence() {
    let kept = std::sync::Mutex::new(None);
    let keeps = |request: &mut Request| {
        let mut session = request.session()?;
        session.save()?;
        *kept.lock().unwrap() = Some(session);
        Ok(text("fine"))
    };
    let mut request = get("/", None);
    let error = wrapped(keeps).call(&mut request).unwrap_err();
    assert!(error.to_string().contains("let go of it before answering"), "{error}");
    drop(kept.lock().unwrap().take());
    let error = request.session().unwrap_err();
    assert!(error.to_string().contains("has been answered"), "{error}");
}
