//! How sessions end and move: lifetimes, renewed cookies, replaced keys, the old id's grace, a user's
//! sessions.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use beaker::{
    Backend, Clock, CookieLifetime, CookieOptions, ErrorKind, ManualClock, Origin, Rejection,
    Session, Sessions, Signer, Value,
};

const OLD: &[u8] = b"0123456789abcdef0123456789abcdef";
const NEW: &[u8] = b"fedcba9876543210fedcba9876543210";
const HOUR: Duration = Duration::from_secs(3600);

fn signed() -> Sessions {
    Sessions::new(Backend::memory()).signed_by(Signer::new([NEW]).unwrap())
}

fn saved(sessions: &Sessions) -> Session {
    let mut session = sessions.create();
    session.set("Suomi", "Kimi Räikkönen");
    session.save().unwrap();
    session
}

fn cookie(session: &Session) -> String {
    let header = session.set_cookie().unwrap().expect("a cookie is sent");
    header.split(';').next().unwrap().to_owned()
}

#[test]
fn a_lifetime_ends_a_session_however_much_it_is_used() {
    let clock = Arc::new(ManualClock::default());
    let sessions = signed().lifetime(HOUR).timeout(HOUR / 2).clock(clock.clone());
    let id = *saved(&sessions).id();
    for _ in 0..4 {
        clock.advance(HOUR / 4);
        sessions.open(&id).unwrap().touch().unwrap();
    }
    clock.advance(Duration::from_micros(1));
    let error = sessions.open(&id).unwrap_err();
    assert!(error.to_string().contains("TooOld"), "{error}");
    // It is gone, and not only refused.
    assert!(sessions.lifetime(4 * HOUR).open(&id).is_err());
}

#[test]
fn a_cookie_that_runs_out_slides_with_the_visits() {
    for beaker in [false, true] {
        let clock = Arc::new(ManualClock::default());
        let options = CookieOptions::default().lifetime(CookieLifetime::For(HOUR));
        let signer = if beaker { Signer::beaker([NEW]) } else { Signer::new([NEW]) };
        let sessions = signed().signed_by(signer.unwrap()).cookie(options).clock(clock.clone());
        let first = saved(&sessions);
        let mut sent = cookie(&first);
        for _ in 0..20 {
            clock.advance(HOUR / 20);
            let session = sessions.load(Some(&sent)).unwrap();
            // Beaker's format has no room for when it was sent.
            assert_eq!(session.set_cookie().unwrap().is_some(), beaker, "too early");
            clock.advance(HOUR / 20);
            let session = sessions.load(Some(&sent)).unwrap();
            assert_eq!(session.id(), first.id());
            let header = session.set_cookie().unwrap().expect("a tenth of its time has passed");
            assert!(header.contains("Max-Age=3600"), "{header}");
            sent = cookie(&session);
        }
    }
}

#[test]
fn a_cookie_for_the_browsers_time_is_sent_once() {
    let session = saved(&signed());
    let sessions = signed();
    let stored = saved(&sessions);
    assert!(session.set_cookie().unwrap().is_some());
    let loaded = sessions.load(Some(&cookie(&stored))).unwrap();
    assert_eq!(loaded.set_cookie().unwrap(), None);
}

#[test]
fn what_an_old_key_signed_is_signed_anew() {
    let backend = Backend::memory();
    let with =
        |keys: &[&[u8]]| Sessions::new(backend.clone()).signed_by(Signer::new(keys).unwrap());
    let sent = cookie(&saved(&with(&[OLD])));
    let session = with(&[NEW, OLD]).load(Some(&sent)).unwrap();
    let renewed = cookie(&session);
    assert_eq!(with(&[NEW]).load(Some(&renewed)).unwrap().id(), session.id());
    assert_eq!(with(&[NEW, OLD]).load(Some(&renewed)).unwrap().set_cookie().unwrap(), None);
    let origin = with(&[NEW]).load(Some(&sent)).unwrap().origin();
    assert_eq!(origin, Origin::Rejected(Rejection::Signature));
}

#[test]
fn accesses_are_noted_as_often_as_is_said() {
    let clock = Arc::new(ManualClock::default());
    let sessions = signed().timeout(HOUR).touch_every(HOUR / 4).clock(clock.clone());
    let id = *saved(&sessions).id();
    let noted = || {
        let mut session = sessions.open(&id).unwrap();
        let before = session.last_accessed();
        session.touch().unwrap();
        before != sessions.open(&id).unwrap().last_accessed()
    };
    clock.advance(HOUR / 8);
    assert!(!noted(), "too early");
    clock.advance(HOUR / 8);
    assert!(noted());
    for _ in 0..20 {
        clock.advance(HOUR / 5);
        noted();
    }
    let wrong = signed().timeout(HOUR).touch_every(HOUR).check().unwrap_err();
    assert!(wrong.to_string().contains("`touch_every`"), "{wrong}");
}

#[test]
fn an_old_id_leads_to_the_new_one_for_its_grace() {
    let clock = Arc::new(ManualClock::default());
    let grace = Duration::from_secs(10);
    let backend = Backend::new(
        beaker::store::MemoryStore::with_clock(clock.clone()),
        beaker::lock::LocalLocks::new(),
    );
    let sessions = Sessions::new(backend).signed_by(Signer::new([NEW]).unwrap());
    let sessions = sessions.grace(grace).clock(clock.clone());
    let first = saved(&sessions);
    let sent = cookie(&first);
    // On its way while another request logs in.
    let mut late = sessions.load(Some(&sent)).unwrap();
    let mut login = sessions.load(Some(&sent)).unwrap();
    login.set("user", "kimi");
    login.regenerate_id().unwrap();
    late.set("late", 1);
    late.save().unwrap();
    assert_eq!(late.id(), login.id(), "it has moved as well");
    assert!(cookie(&late).len() > 40, "and its visitor gets the new id");
    let now = sessions.open(login.id()).unwrap();
    assert_eq!(now.require("late").unwrap().as_int(), Some(1));
    assert_eq!(now.require("user").unwrap().as_str(), Some("kimi"));
    // A request that comes with the old cookie.
    let followed = sessions.load(Some(&sent)).unwrap();
    assert_eq!((followed.id(), followed.origin()), (login.id(), Origin::Loaded));
    assert!(followed.set_cookie().unwrap().is_some());
    // A log-out by somebody who still has the old id ends the session, not only the way to it.
    let mut logout = sessions.load(Some(&sent)).unwrap();
    logout.delete().unwrap();
    assert!(sessions.open(login.id()).is_err());

    let mut login = saved(&sessions);
    let old = *login.id();
    login.regenerate_id().unwrap();
    clock.advance(grace);
    assert_eq!(sessions.open(&old).unwrap_err().kind(), ErrorKind::UnknownSession);
    assert!(sessions.open(login.id()).is_ok());
    let wrong = signed().grace(Duration::from_secs(61)).check().unwrap_err();
    assert!(wrong.to_string().contains("60s at most"), "{wrong}");
}

#[test]
fn a_late_delete_in_the_grace_wins() {
    let sessions = signed().grace(Duration::from_secs(10));
    let first = saved(&sessions);
    let mut late = sessions.open(first.id()).unwrap();
    let mut login = sessions.open(first.id()).unwrap();
    login.regenerate_id().unwrap();
    late.delete().unwrap();
    assert!(sessions.open(login.id()).is_err(), "deleted under its new id too");
    login.set("a", 1);
    assert_eq!(login.save().unwrap_err().kind(), ErrorKind::SessionGone);
}

fn login(sessions: &Sessions, user: &str) -> Session {
    let mut session = sessions.create();
    session.set_user(user);
    session.save().unwrap();
    session
}

#[test]
fn all_sessions_of_a_user_are_listed_and_ended() {
    let sessions = signed();
    assert_eq!(sessions.sessions_of("kimi").unwrap(), []);
    let (desktop, mut phone) = (login(&sessions, "kimi"), login(&sessions, "kimi"));
    let other = login(&sessions, "jenson");
    assert_eq!(sessions.sessions_of("kimi").unwrap(), [*desktop.id(), *phone.id()]);
    assert_eq!(phone.user(), Some("kimi"));
    phone.regenerate_id().unwrap();
    assert_eq!(sessions.sessions_of("kimi").unwrap(), [*desktop.id(), *phone.id()]);
    let mut late = sessions.open(desktop.id()).unwrap();

    assert_eq!(sessions.end_sessions_of("kimi", Some(phone.id())).unwrap(), 1);
    assert_eq!(sessions.sessions_of("kimi").unwrap(), [*phone.id()]);
    late.set("a", 1);
    assert_eq!(late.save().unwrap_err().kind(), ErrorKind::SessionGone);
    assert_eq!(sessions.end_sessions_of("kimi", None).unwrap(), 1);
    assert!(sessions.open(phone.id()).is_err());
    assert_eq!(sessions.sessions_of("jenson").unwrap(), [*other.id()]);

    let mut session = login(&sessions, "kimi");
    session.set_user("jenson");
    session.save().unwrap();
    assert_eq!(sessions.sessions_of("kimi").unwrap(), []);
    assert_eq!(sessions.sessions_of("jenson").unwrap(), [*other.id(), *session.id()]);
    session.invalidate().unwrap();
    assert_eq!(sessions.sessions_of("jenson").unwrap(), [*other.id()]);
}

#[test]
fn a_users_list_does_not_grow_with_what_has_ended() {
    let (backend, clock) = (Backend::memory(), Arc::new(ManualClock::default()));
    let sessions = Sessions::new(backend.clone()).clock(clock.clone());
    for _ in 0..100 {
        login(&sessions, "kimi").delete().unwrap();
        clock.advance(Duration::from_secs(60));
    }
    let kept = login(&sessions, "kimi");
    let key = beaker::key::Namespace::new("beaker.users:").key("kimi");
    let size = backend.store.get(&key).unwrap().unwrap().bytes.len();
    assert!(size <= 17 * 48, "{size} bytes");
    assert_eq!(sessions.sessions_of("kimi").unwrap(), [*kept.id()]);
}

#[test]
fn logins_at_once_are_all_listed() {
    let sessions = signed();
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| (0..10).for_each(|_| drop(login(&sessions, "kimi"))));
        }
    });
    assert_eq!(sessions.sessions_of("kimi").unwrap().len(), 160);
}

#[test]
fn a_request_that_only_reads_undoes_no_login() {
    let sessions = signed();
    let first = saved(&sessions);
    let mut reads = sessions.open(first.id()).unwrap();
    let mut logs_in = sessions.open(first.id()).unwrap();
    logs_in.set("user", "kimi");
    logs_in.save().unwrap();
    reads.touch().unwrap();
    let now = sessions.open(first.id()).unwrap();
    assert_eq!(now.get("user").and_then(Value::as_str), Some("kimi"));
    assert!(now.last_accessed().unwrap() <= beaker::SystemClock.now());
}
