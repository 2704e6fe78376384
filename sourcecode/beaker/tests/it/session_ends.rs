//! How sessions end and move: lifetimes, renewed cookies, replaced keys, the old id's grace, a user's
//! sessions.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use beaker::key::{Key, Namespace};
use beaker::layer::Layers;
use beaker::lock::LocalLocks;
use beaker::store::{MemoryStore, Precondition, Store, Stored, Version};
use beaker::{
    Backend, Clock, CookieLifetime, CookieOptions, ErrorKind, ManualClock, Origin, Rejection,
    Signer, Value,
};

use super::{Session, Sessions};

use crate::length::length;

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

    assert_eq!(sessions.revoke_all("kimi", Some(phone.id())).unwrap(), 1);
    assert_eq!(sessions.sessions_of("kimi").unwrap(), [*phone.id()]);
    late.set("a", 1);
    assert_eq!(late.save().unwrap_err().kind(), ErrorKind::SessionGone);
    assert_eq!(sessions.revoke_all("kimi", None).unwrap(), 1);
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
    let size = backend.store().get(&key).unwrap().unwrap().bytes.len();
    assert!(size <= 17 * 48, "{size} bytes");
    assert_eq!(sessions.sessions_of("kimi").unwrap(), [*kept.id()]);
}

/// In full there are 22,000 log-ins and the default of 1000 sessions a user.
#[test]
fn many_logins_of_one_user_cost_the_same_each_and_leave_a_small_list() {
    let (logins, most) = length((4400, 200), (8800, 400), (22_000, 1000));
    let counting = Arc::new(MemoryStore::new().counted());
    let sessions = Sessions::new(Backend::new(Arc::clone(&counting), LocalLocks::new()));
    // In full that is what it is anyway.
    let sessions = if most == 1000 { sessions } else { sessions.max_per_user(most) };
    let key = Namespace::new("beaker.users:").key("kimi");
    let size = || counting.get(&key).unwrap().map(|stored| stored.bytes.len());
    let (mut ids, mut costs) = (Vec::new(), Vec::new());
    for login_number in 1..=logins {
        ids.push(*login(&sessions, "kimi").id());
        if login_number % (logins / 4) == 0 {
            costs.push(counting.numbers().calls);
        }
    }
    assert!(size().unwrap() <= (most + 1) * 48, "{:?} bytes", size());
    // The first ones cost less, since there is still room.
    let each: Vec<u64> = costs.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let part = logins as u64 / 4;
    println!("{each:?} operations for {part} log-ins each; {:?} bytes", size());
    assert!(
        each.iter().all(|cost| *cost <= part * 10),
        "{each:?} operations for {part} log-ins each"
    );
    let (least, largest) = (each.iter().min().unwrap(), each.iter().max().unwrap());
    assert!(largest - least <= largest / 20, "{each:?} operations for {part} log-ins each");
    assert_eq!(sessions.sessions_of("kimi").unwrap(), ids[logins - most..]);
    assert!(sessions.open(&ids[logins - most - 1]).is_err(), "the oldest has ended");
    assert_eq!(sessions.revoke_all("kimi", None).unwrap(), most);
    assert_eq!(size(), None, "nothing is left of the list");
}

/// As a program does that calls an interface with a log-in of its own each time.
#[test]
fn logins_and_logouts_in_one_moment_leave_a_short_list() {
    let counting = Arc::new(MemoryStore::new().counted());
    let sessions = Sessions::new(Backend::new(Arc::clone(&counting), LocalLocks::new()));
    let key = Namespace::new("beaker.users:").key("kimi");
    (0..5000).for_each(|_| login(&sessions, "kimi").delete().unwrap());
    let size = counting.get(&key).unwrap().map_or(0, |stored| stored.bytes.len());
    assert!(size <= 17 * 48, "{size} bytes");
    let calls = counting.numbers().calls;
    assert!(calls <= 5000 * 10, "{calls} operations");
}

#[test]
fn who_has_too_many_sessions_loses_the_oldest() {
    let sessions = signed().max_per_user(2);
    let (mut one, two) = (login(&sessions, "kimi"), login(&sessions, "kimi"));
    // A new id is no new session.
    one.regenerate_id().unwrap();
    assert_eq!(sessions.sessions_of("kimi").unwrap(), [*two.id(), *one.id()]);
    let three = login(&sessions, "kimi");
    assert_eq!(sessions.sessions_of("kimi").unwrap(), [*one.id(), *three.id()]);
    assert!(sessions.open(two.id()).is_err());
    // Whoever logged out makes room.
    sessions.open(three.id()).unwrap().delete().unwrap();
    let four = login(&sessions, "kimi");
    assert_eq!(sessions.sessions_of("kimi").unwrap(), [*one.id(), *four.id()]);
    for wrong in [0, 10_001] {
        let error = signed().max_per_user(wrong).check().unwrap_err();
        assert!(error.to_string().contains("`max_per_user` is 1 to 10000"), "{error}");
    }
}

#[test]
fn a_list_lives_no_longer_than_the_sessions_in_it_can() {
    let clock = Arc::new(ManualClock::default());
    let backend = Backend::new(MemoryStore::with_clock(clock.clone()), LocalLocks::new());
    let sessions = Sessions::new(backend.clone()).lifetime(HOUR).clock(clock.clone());
    drop(login(&sessions, "kimi"));
    let key = Namespace::new("beaker.users:").key("kimi");
    assert!(backend.store().get(&key).unwrap().is_some());
    clock.advance(HOUR);
    assert_eq!(backend.store().get(&key).unwrap(), None);
}

#[test]
fn a_session_whose_user_changes_while_it_moves_is_listed() {
    let sessions = signed();
    let mut moves = saved(&sessions);
    let mut logs_in = sessions.open(moves.id()).unwrap();
    logs_in.set_user("kimi");
    logs_in.save().unwrap();
    moves.regenerate_id().unwrap();
    assert_eq!(moves.user(), Some("kimi"));
    assert_eq!(sessions.sessions_of("kimi").unwrap(), [*moves.id()]);
    assert_eq!(sessions.revoke_all("kimi", None).unwrap(), 1);
    assert!(sessions.open(moves.id()).is_err());
}

#[test]
fn ending_follows_all_moves_with_and_without_a_grace() {
    for grace in [0, 10] {
        let sessions = signed().grace(Duration::from_secs(grace));
        for moves in [1, 2, 7, 100] {
            for way in 0..3 {
                let mut session = login(&sessions, "kimi");
                let first = *session.id();
                let mut late = sessions.open(&first).unwrap();
                (0..moves).for_each(|_| session.regenerate_id().unwrap());
                match way {
                    0 => late.delete().unwrap(),
                    1 => late.invalidate().unwrap(),
                    _ => assert_eq!(sessions.revoke_all("kimi", None).unwrap(), 1),
                }
                assert!(sessions.open(session.id()).is_err(), "{moves} moves, {way}");
                assert_eq!(sessions.sessions_of("kimi").unwrap(), []);
                session.set("a", 1);
                assert_eq!(session.save().unwrap_err().kind(), ErrorKind::SessionGone);
            }
        }
    }
}

#[test]
fn the_session_that_is_kept_stays_also_under_a_newer_id() {
    let sessions = signed();
    let (mut kept, other) = (login(&sessions, "kimi"), login(&sessions, "kimi"));
    let known = *kept.id();
    kept.regenerate_id().unwrap();
    kept.regenerate_id().unwrap();
    assert_eq!(sessions.revoke_all("kimi", Some(&known)).unwrap(), 1);
    assert!(sessions.open(other.id()).is_err());
    assert_eq!(sessions.sessions_of("kimi").unwrap(), [*kept.id()]);
}

#[test]
fn what_leads_on_does_so_for_an_hour_and_a_delete_after_that_says_that_it_cannot_know() {
    let clock = Arc::new(ManualClock::default());
    let backend = Backend::new(MemoryStore::with_clock(clock.clone()), LocalLocks::new());
    let sessions = Sessions::new(backend.clone()).timeout(HOUR / 60).clock(clock.clone());
    let mut session = saved(&sessions);
    let mut late = sessions.open(session.id()).unwrap();
    let mut later = sessions.open(session.id()).unwrap();
    session.regenerate_id().unwrap();
    let keeps = |times: u32| {
        (0..times).for_each(|_| {
            clock.advance(HOUR / 61);
            sessions.open(session.id()).unwrap().touch().unwrap();
        });
    };
    keeps(59);
    late.delete().unwrap();
    assert!(sessions.open(session.id()).is_err());

    let mut session = saved(&sessions);
    let old = *session.id();
    session.regenerate_id().unwrap();
    clock.advance(2 * HOUR);
    let key = Namespace::default().key(old.as_str());
    assert_eq!(backend.store().get(&key).unwrap(), None, "nothing of it is left");
    let error = later.delete().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownSession);
    let old = later.id().as_str();
    assert!(error.to_string().contains(&old[..8]) && !error.to_string().contains(old), "{error}");
    // It was told once, and goes on with another one.
    assert!(later.invalidate().is_err());
    later.set("a", 1);
    later.save().unwrap();
}

#[test]
fn no_error_shows_a_whole_id() {
    #[derive(Debug)]
    struct Failing;
    impl Store for Failing {
        fn get(&self, key: &Key) -> beaker::Result<Option<Stored>> {
            let cause = std::io::Error::other(format!("no file /data/{key}.cache"));
            Err(beaker::Error::new(ErrorKind::Storage, format!("could not read {key:?}"))
                .caused_by(cause))
        }
        fn put(
            &self,
            key: &Key,
            _: &[u8],
            _: Option<Duration>,
            _: Precondition,
        ) -> beaker::Result<Option<Version>> {
            Err(beaker::Error::new(ErrorKind::Unavailable, format!("could not write {key:?}")))
        }
        fn delete(&self, key: &Key, _: Precondition) -> beaker::Result<bool> {
            Err(beaker::Error::new(ErrorKind::Unavailable, format!("could not delete {key:?}")))
        }
        fn clear(&self, _: &Namespace) -> beaker::Result<()> {
            Ok(())
        }
    }
    let sessions = Sessions::new(Backend::new(Failing, LocalLocks::new())).namespace("sessions");
    let mut session = sessions.create();
    session.set("a", 1);
    let mut known = login(&signed(), "kimi");
    let id = *known.id();
    let errors = [
        sessions.open(session.id()).map(drop).unwrap_err(),
        session.save().unwrap_err(),
        session.delete().unwrap_err(),
        session.require("b").map(drop).unwrap_err(),
        signed().open(&id).map(drop).unwrap_err(),
        known.delete().and_then(|()| known.save()).unwrap_err(),
    ];
    for error in errors {
        let told = format!("{error} {error:?}");
        let ids = [session.id(), &id];
        assert!(!ids.iter().any(|id| told.contains(id.as_str())), "{told}");
        assert!(ids.iter().any(|id| told.contains(&id.as_str()[..8])), "{told}");
    }
}

#[test]
fn a_value_that_is_set_to_what_it_was_writes_nothing() {
    let counting = Arc::new(MemoryStore::new().counted());
    let backend = Backend::new(Arc::clone(&counting), LocalLocks::new());
    let sessions = Sessions::new(backend).touch_every(HOUR);
    let session = saved(&sessions);
    let puts = || counting.numbers().puts;
    let before = puts();
    let mut again = sessions.open(session.id()).unwrap();
    again.set("Suomi", "Kimi Räikkönen");
    again.remove("España");
    assert!(!again.is_modified());
    again.save().unwrap();
    assert_eq!(puts(), before);
    sessions.open(session.id()).unwrap().delete().unwrap();
    assert_eq!(again.save().unwrap_err().kind(), ErrorKind::SessionGone, "it is found out though");
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

/// A request that brings the old id just after a log-in does not take the new cookie away.
#[test]
fn a_cookie_whose_session_has_moved_is_not_removed() {
    let sessions = signed();
    let mut login = saved(&sessions);
    let sent = cookie(&login);
    login.regenerate_id().unwrap();
    let late = sessions.load(Some(&sent)).unwrap();
    assert_eq!(late.origin(), Origin::Rejected(Rejection::Moved));
    assert_eq!(late.set_cookie().unwrap(), None);
}
