//! The life of one session: "remember me", a date, until the browser closes; what its record, its cookie and its
//! user's list make of that.

use std::sync::Arc;
use std::time::Duration;

use beaker::lock::LocalLocks;
use beaker::session::Life;
use beaker::store::MemoryStore;
use beaker::{
    Backend, Clock, CookieLifetime, CookieOptions, ErrorKind, ManualClock, Origin, Rejection,
    Signer, Timestamp,
};

use super::{Session, Sessions};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
const MONTH: Duration = Duration::from_secs(30 * 24 * 3600);

/// Runs a test over stores whose clock it moves.
fn each(run: impl Fn(Sessions, &dyn Fn(Duration), Arc<ManualClock>)) {
    let signer = || Signer::new(["0123456789abcdef0123456789abcdef"]).unwrap();
    let sessions = |backend, clock: &Arc<ManualClock>| {
        Sessions::new(backend).signed_by(signer()).clock(clock.clone())
    };
    let clock = Arc::new(ManualClock::default());
    let store = MemoryStore::with_clock(clock.clone());
    let advance = |time| clock.advance(time);
    run(sessions(Backend::new(store, LocalLocks::new()), &clock), &advance, clock.clone());
    #[cfg(feature = "sqlite")]
    {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sessions.db");
        let table = beaker::store::DatabaseStore::TABLE_NAME;
        let store = beaker::store::DatabaseStore::open(file.to_str().unwrap(), table, HOUR);
        let store = store.unwrap().with_clock(clock.clone());
        run(sessions(Backend::new(store, LocalLocks::new()), &clock), &advance, clock.clone());
    }
    #[cfg(feature = "redis")]
    {
        let server = servers::BuiltIn::redis().unwrap();
        let store = beaker::store::RedisStore::open(&server.url(), DAY).unwrap();
        let advance = |time| {
            clock.advance(time);
            server.advance(time);
        };
        run(sessions(Backend::new(store, LocalLocks::new()), &clock), &advance, clock.clone());
    }
}

fn in_memory() -> (Sessions, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::default());
    let signer = Signer::new(["0123456789abcdef0123456789abcdef"]).unwrap();
    let backend = Backend::new(MemoryStore::with_clock(clock.clone()), LocalLocks::new());
    (Sessions::new(backend).signed_by(signer).clock(clock.clone()), clock)
}

fn with_life(sessions: &Sessions, life: impl Into<Life>) -> Session {
    let mut session = sessions.create();
    session.set_user("kimi");
    session.set_life(life).unwrap();
    session.save().unwrap();
    session
}

fn header(session: &Session) -> Option<String> {
    session.set_cookie().unwrap()
}

/// What the browser sends back.
fn cookie(session: &Session) -> String {
    header(session).unwrap().split(';').next().unwrap().to_owned()
}

#[test]
fn a_remembered_visitor_outlives_the_timeout_and_not_their_own() {
    each(|sessions, advance, _| {
        let sessions = sessions.timeout(HOUR);
        let remembered = with_life(&sessions, MONTH);
        let mut other = sessions.create();
        other.save().unwrap();
        for _ in 0..3 {
            advance(29 * DAY);
            sessions.open(remembered.id()).unwrap().touch().unwrap();
        }
        assert!(sessions.open(other.id()).is_err());
        assert_eq!(sessions.open(remembered.id()).unwrap().life(), Life::For(MONTH));
        advance(31 * DAY);
        let error = sessions.open(remembered.id()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnknownSession);
    });
}

#[test]
fn a_lifetime_ends_a_remembered_session_as_well() {
    each(|sessions, advance, _| {
        let sessions = sessions.timeout(HOUR).lifetime(2 * MONTH);
        let session = with_life(&sessions, MONTH);
        for _ in 0..2 {
            advance(29 * DAY);
            sessions.open(session.id()).unwrap().touch().unwrap();
        }
        assert_eq!(session.ends_at(), Some(session.created() + MONTH));
        let opened = sessions.open(session.id()).unwrap();
        assert_eq!(opened.ends_at(), Some(session.created() + 2 * MONTH));
        advance(2 * DAY + HOUR);
        assert!(sessions.open(session.id()).is_err());
    });
}

#[test]
fn a_date_takes_the_place_of_both() {
    each(|sessions, advance, clock| {
        let sessions = sessions.timeout(HOUR).lifetime(DAY);
        let end = clock.now() + MONTH;
        let session = with_life(&sessions, end);
        assert_eq!((session.life(), session.ends_at()), (Life::Until(end), Some(end)));
        advance(MONTH - HOUR);
        sessions.open(session.id()).unwrap().touch().unwrap();
        advance(HOUR + Duration::from_secs(1));
        assert!(sessions.open(session.id()).is_err());
    });
}

#[test]
fn a_store_that_keeps_it_too_long_does_not_keep_it_alive() {
    let clock = Arc::new(ManualClock::default());
    let signer = Signer::new(["0123456789abcdef0123456789abcdef"]).unwrap();
    // Its own clock stands still.
    let sessions = Sessions::new(Backend::memory()).signed_by(signer).clock(clock.clone());
    let dated = cookie(&with_life(&sessions, clock.now() + HOUR));
    let unused = cookie(&with_life(&sessions, HOUR));
    clock.advance(2 * HOUR);
    for (cookie, reason) in [(dated, Rejection::TooOld), (unused, Rejection::TimedOut)] {
        assert_eq!(sessions.load(Some(&cookie)).unwrap().origin(), Origin::Rejected(reason));
    }
}

#[test]
fn all_ends_of_a_user_end_them_though_the_list_would_have_been_forgotten() {
    each(|sessions, advance, clock| {
        let sessions = sessions.timeout(HOUR).lifetime(DAY);
        let mut remembered = with_life(&sessions, clock.now() + MONTH);
        remembered.regenerate_id().unwrap();
        assert_eq!(remembered.life(), Life::Until(clock.now() + MONTH), "it moves along");
        // One that is listed already, and is to be remembered from now on.
        let mut later = with_life(&sessions, Life::Default);
        later.set_life(clock.now() + MONTH).unwrap();
        later.save().unwrap();
        assert_eq!(sessions.sessions_of("kimi").unwrap(), [*remembered.id(), *later.id()]);
        advance(10 * DAY);
        // A login that is not remembered does not shorten the list's life.
        with_life(&sessions, Life::Default);
        advance(10 * DAY);
        assert_eq!(sessions.sessions_of("kimi").unwrap(), [*remembered.id(), *later.id()]);
        assert_eq!(sessions.revoke_all("kimi", None).unwrap(), 2);
        assert!(sessions.open(remembered.id()).is_err() && sessions.open(later.id()).is_err());
    });
}

#[test]
fn an_old_handle_ends_it_under_its_new_id() {
    let (sessions, clock) = in_memory();
    let sessions = sessions.lifetime(HOUR);
    let mut session = with_life(&sessions, Life::Default);
    let mut late = sessions.open(session.id()).unwrap();
    clock.advance(HOUR - Duration::from_secs(60));
    session.regenerate_id().unwrap();
    session.set_life(clock.now() + MONTH).unwrap();
    session.save().unwrap();
    clock.advance(HOUR / 2);
    late.delete().unwrap();
    assert!(sessions.open(session.id()).is_err());
    // Later than that nobody knows where it is, and that is said.
    let mut session = with_life(&sessions, Life::Default);
    let mut late = sessions.open(session.id()).unwrap();
    session.set_life(clock.now() + MONTH).unwrap();
    session.regenerate_id().unwrap();
    clock.advance(DAY);
    assert_eq!(late.delete().unwrap_err().kind(), ErrorKind::UnknownSession);
    assert!(sessions.open(session.id()).is_ok());
}

#[test]
fn the_cookie_follows() {
    let (sessions, clock) = in_memory();
    let mut session = with_life(&sessions, MONTH);
    assert!(header(&session).unwrap().contains("; Max-Age=2592000"));
    // It is sent again when a tenth of its time has passed, and not before.
    let sent = cookie(&session);
    clock.advance(2 * DAY);
    assert_eq!(header(&sessions.load(Some(&sent)).unwrap()), None);
    clock.advance(2 * DAY);
    assert!(header(&sessions.load(Some(&sent)).unwrap()).unwrap().contains("; Max-Age=2592000"));

    // A date is what is left until then, also days later; and what a browser keeps at most.
    session.set_life(clock.now() + MONTH).unwrap();
    session.save().unwrap();
    assert!(header(&session).unwrap().contains("; Max-Age=2592000"));
    let sent = cookie(&session);
    clock.advance(20 * DAY);
    assert_eq!(header(&sessions.load(Some(&sent)).unwrap()), None);
    session.set_life(clock.now() + 1000 * DAY).unwrap();
    session.save().unwrap();
    assert!(header(&session).unwrap().contains("; Max-Age=34560000"));
    let sent = cookie(&session);
    clock.advance(41 * DAY);
    assert!(header(&sessions.load(Some(&sent)).unwrap()).unwrap().contains("; Max-Age=34560000"));

    // The browser hears of a change, though it has a cookie.
    let mut loaded = sessions.load(Some(&sent)).unwrap();
    loaded.set_life(Life::Browser).unwrap();
    loaded.save().unwrap();
    assert!(!header(&loaded).unwrap().contains("Max-Age"));
    let sent = cookie(&loaded);
    assert_eq!(header(&sessions.load(Some(&sent)).unwrap()), None);
}

#[test]
fn one_that_is_not_remembered_among_cookies_that_last() {
    let (sessions, _) = in_memory();
    let lasting = CookieOptions::default().lifetime(CookieLifetime::For(MONTH));
    let sessions = sessions.cookie(lasting);
    let mut session = with_life(&sessions, Life::Browser);
    assert!(!header(&session).unwrap().contains("Max-Age"));
    session.set_life(Life::Default).unwrap();
    session.save().unwrap();
    assert!(header(&session).unwrap().contains("; Max-Age=2592000"));
    assert!(!session.contains("_life"), "nothing is left of it");
}

#[test]
fn a_short_life_is_noted_often_enough() {
    let (sessions, clock) = in_memory();
    let sessions = sessions.timeout(DAY).touch_every(HOUR);
    let session = with_life(&sessions, HOUR / 2);
    for _ in 0..10 {
        clock.advance(HOUR / 4);
        sessions.open(session.id()).unwrap().touch().unwrap();
    }
    clock.advance(HOUR);
    assert!(sessions.open(session.id()).is_err());
}

#[test]
fn what_cannot_be_is_refused_and_changes_nothing() {
    let (sessions, clock) = in_memory();
    let limited = sessions.clone().lifetime(DAY);
    let unnoted = sessions.clone().save_accessed_time(false);
    clock.advance(DAY);
    for (sessions, life, cure) in [
        (&sessions, Life::For(Duration::ZERO), "`delete`"),
        (&sessions, Life::Until(clock.now()), "has passed"),
        (&sessions, Life::Until(Timestamp::from_micros(0)), "has passed"),
        (&limited, Life::For(MONTH), "`Life::Until`"),
        (&unnoted, Life::For(HOUR), "`save_accessed_time`"),
    ] {
        let mut session = sessions.create();
        let error = session.set_life(life).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(cure), "{error}");
        assert!(!error.to_string().contains(session.id().as_str()), "{error}");
        assert!(!session.is_modified());
    }
}

#[test]
fn what_is_damaged_is_as_if_it_were_not_there() {
    let (sessions, clock) = in_memory();
    let sessions = sessions.timeout(HOUR);
    let mut session = sessions.create();
    session.set("_life", "for ever");
    session.save().unwrap();
    assert_eq!(sessions.open(session.id()).unwrap().life(), Life::Default);
    clock.advance(2 * HOUR);
    assert!(sessions.open(session.id()).is_err());
}

#[cfg(feature = "cookies")]
#[test]
fn in_cookies_it_is_the_same() {
    let keys = [b"0123456789abcdef0123456789abcdef"];
    for signer in [Signer::new(keys).unwrap(), Signer::beaker(keys).unwrap()] {
        let clock = Arc::new(ManualClock::default());
        let sessions =
            beaker::Sessions::in_signed_cookies(signer).timeout(HOUR).clock(clock.clone());
        let mut session = sessions.create();
        session.set_life(MONTH).unwrap();
        session.save().unwrap();
        let sent = session.set_cookie().unwrap().unwrap();
        assert!(sent.contains("; Max-Age=2592000"), "{sent}");
        clock.advance(29 * DAY);
        let mut loaded = sessions.load(sent.split(';').next()).unwrap();
        assert_eq!((loaded.origin(), loaded.life()), (Origin::Loaded, Life::For(MONTH)));
        loaded.touch().unwrap();
        let sent = loaded.set_cookie().unwrap().unwrap();
        assert!(sent.contains("; Max-Age=2592000"), "{sent}");
        clock.advance(31 * DAY);
        let late = sessions.load(sent.split(';').next()).unwrap();
        assert_eq!(late.origin(), Origin::Rejected(Rejection::TimedOut));
    }
}
