//! Sessions that are kept in cookies alone.

use std::sync::Arc;
use std::time::Duration;

use beaker::session::{Origin, Rejection};
use beaker::{
    Clock, CookieLifetime, CookieOptions, ErrorKind, ManualClock, Sealer, Session, SessionId,
    Sessions, Signer,
};

use crate::length::length;

const OLD: &[u8] = b"0123456789abcdef0123456789abcdef";
const NEW: &[u8] = b"fedcba9876543210fedcba9876543210";

/// All kinds, with these keys.
fn kinds(keys: &[&[u8]]) -> Vec<Sessions> {
    let beakers = keys.iter().map(|key| (key, key));
    vec![
        Sessions::in_signed_cookies(Signer::new(keys).unwrap()),
        Sessions::in_sealed_cookies(Sealer::new(keys).unwrap()),
        Sessions::in_signed_cookies(Signer::beaker(keys).unwrap()),
        Sessions::in_sealed_cookies(Sealer::beaker(beakers).unwrap()),
    ]
}

/// What the browser sends back.
fn cookie(session: &Session) -> String {
    let header = session.set_cookie().unwrap().expect("a cookie is sent");
    header.split(';').next().unwrap().to_owned()
}

fn saved(sessions: &Sessions) -> Session {
    let mut session = sessions.create();
    session.set("Suomi", "Kimi Räikkönen");
    session.set("laps", 58);
    session.save().unwrap();
    session
}

#[test]
fn what_was_saved_comes_back() {
    for sessions in kinds(&[NEW]) {
        let session = saved(&sessions);
        assert!(session.origin() == Origin::New && !session.is_new());
        let loaded = sessions.load(Some(&cookie(&session))).unwrap();
        assert_eq!(loaded.values(), session.values());
        assert_eq!((loaded.id(), loaded.created()), (session.id(), session.created()));
        assert_eq!((loaded.origin(), loaded.is_new()), (Origin::Loaded, false));
        assert_eq!(loaded.set_cookie().unwrap(), None, "nothing has changed");
        assert_eq!(sessions.open(session.id()).unwrap_err().kind(), ErrorKind::Config);
        assert!(sessions.sessions_of("kimi").unwrap_err().to_string().contains("lifetime"));
    }
}

#[test]
fn a_change_is_sent_and_a_deletion_takes_the_cookie_away() {
    for sessions in kinds(&[NEW]) {
        let first = cookie(&saved(&sessions));
        let mut session = sessions.load(Some(&first)).unwrap();
        session.set("laps", 59);
        assert_eq!(session.set_cookie().unwrap(), None, "not saved yet");
        session.save().unwrap();
        let second = cookie(&session);
        assert_ne!(first, second);
        let mut session = sessions.load(Some(&second)).unwrap();
        assert_eq!(session.require("laps").unwrap().as_int(), Some(59));
        let id = *session.id();
        session.regenerate_id().unwrap();
        assert_ne!(*session.id(), id);
        let mut session = sessions.load(Some(&cookie(&session))).unwrap();
        assert_ne!(*session.id(), id);
        session.delete().unwrap();
        let header = session.set_cookie().unwrap().unwrap();
        assert!(header.contains("Max-Age=0"), "{header}");
        // Nobody can call a cookie back: that is what they are.
        assert_eq!(sessions.load(Some(&second)).unwrap().origin(), Origin::Loaded);
    }
}

#[test]
fn an_old_key_is_replaced_by_the_newest() {
    for (old, both) in kinds(&[OLD]).iter().zip(kinds(&[NEW, OLD])) {
        let sent = cookie(&saved(old));
        let mut session = both.load(Some(&sent)).unwrap();
        assert_eq!(session.origin(), Origin::Loaded);
        session.touch().unwrap();
        let renewed = cookie(&session);
        let new = kinds(&[NEW]);
        let opens =
            |sessions: &Sessions| sessions.load(Some(&renewed)).unwrap().get("laps").is_some();
        assert_eq!(new.iter().filter(|sessions| opens(sessions)).count(), 1);
        assert!(new.iter().all(|new| new.load(Some(&sent)).unwrap().is_new()));
    }
}

#[test]
fn a_touch_is_due_after_a_tenth_of_the_time_out() {
    let minute = Duration::from_secs(60);
    for sessions in kinds(&[NEW]) {
        let clock = Arc::new(ManualClock::default());
        let sessions = sessions.timeout(10 * minute).clock(clock.clone());
        let mut sent = cookie(&saved(&sessions));
        for _ in 0..30 {
            clock.advance(minute / 2);
            let mut session = sessions.load(Some(&sent)).unwrap();
            assert_eq!(session.origin(), Origin::Loaded, "{}", clock.now());
            session.touch().unwrap();
            assert_eq!(session.set_cookie().unwrap(), None, "too early");
            clock.advance(minute / 2);
            let mut session = sessions.load(Some(&sent)).unwrap();
            session.set("laps", 0);
            session.touch().unwrap();
            sent = cookie(&session);
            let loaded = sessions.load(Some(&sent)).unwrap();
            assert_eq!(loaded.get("laps").unwrap().as_int(), Some(58), "a touch saves no change");
        }
        clock.advance(10 * minute + Duration::from_micros(1));
        let origin = sessions.load(Some(&sent)).unwrap().origin();
        assert_eq!(origin, Origin::Rejected(Rejection::TimedOut));
    }
}

#[test]
fn a_short_time_out_beside_a_long_cookie_is_noted_in_time() {
    let minute = Duration::from_secs(60);
    for sessions in kinds(&[NEW]) {
        let clock = Arc::new(ManualClock::default());
        let month = CookieLifetime::For(30 * 24 * 60 * minute);
        let options = CookieOptions::default().lifetime(month);
        let sessions = sessions.timeout(60 * minute).cookie(options).clock(clock.clone());
        let mut sent = cookie(&saved(&sessions));
        for _ in 0..8 {
            clock.advance(15 * minute);
            let mut session = sessions.load(Some(&sent)).unwrap();
            assert_eq!(session.origin(), Origin::Loaded);
            session.touch().unwrap();
            sent = cookie(&session);
        }
    }
}

#[test]
fn a_save_that_changes_nothing_sends_the_cookie() {
    let minute = Duration::from_secs(60);
    for sessions in kinds(&[NEW]) {
        let clock = Arc::new(ManualClock::default());
        let sessions = sessions.timeout(10 * minute).clock(clock.clone());
        let mut sent = cookie(&saved(&sessions));
        for _ in 0..30 {
            clock.advance(minute / 2);
            let mut session = sessions.load(Some(&sent)).unwrap();
            session.save().unwrap();
            sent = cookie(&session);
            let again = sessions.load(Some(&sent)).unwrap();
            assert_eq!((again.id(), again.values()), (session.id(), session.values()));
            assert_eq!(again.last_accessed(), Some(clock.now()));
        }
    }
}

/// Python may end a session that was not used for a while, so that it was used has to be told.
#[test]
fn a_session_in_beakers_cookie_is_renewed_each_minute_without_a_time_out() {
    let minute = Duration::from_secs(60);
    let day = 24 * 60 * minute;
    for (is_beakers, sessions) in [false, false, true, true].into_iter().zip(kinds(&[NEW])) {
        for (timeout, is_touched) in [(None, false), (Some(day), false), (None, true)] {
            let clock = Arc::new(ManualClock::default());
            let mut sessions = sessions.clone().clock(clock.clone());
            if let Some(timeout) = timeout {
                sessions = sessions.timeout(timeout);
            }
            if is_touched {
                sessions = sessions.touch_every(minute / 6);
            }
            let mut sent = cookie(&saved(&sessions));
            let mut renewals = 0;
            for _ in 0..60 {
                clock.advance(minute / 6);
                let mut session = sessions.load(Some(&sent)).unwrap();
                session.touch().unwrap();
                if session.set_cookie().unwrap().is_some() {
                    sent = cookie(&session);
                    renewals += 1;
                }
            }
            let expected = if is_touched { 60 } else { 10 * u32::from(is_beakers) };
            assert_eq!(renewals, expected, "in ten minutes, with the timeout {timeout:?}");
        }
    }
}

#[test]
fn a_codec_that_beakers_cookies_do_not_use_is_refused() {
    for (is_beakers, sessions) in [false, false, true, true].into_iter().zip(kinds(&[NEW])) {
        let sent = cookie(&saved(&sessions));
        let with_codec = sessions.codec(beaker::codec::Json);
        let kind = |error: beaker::Error| (error.kind(), error.to_string().contains("`codec`"));
        let refused = is_beakers.then_some((ErrorKind::Config, true));
        assert_eq!(with_codec.check().err().map(kind), refused);
        assert_eq!(with_codec.load(Some(&sent)).err().map(kind), refused);
        assert_eq!(with_codec.create().save().err().map(kind), refused);
    }
}

#[test]
fn keys_that_beaker_keeps_for_itself_are_refused_by_name() {
    for (is_beakers, sessions) in [false, false, true, true].into_iter().zip(kinds(&[NEW])) {
        for key in ["_id", "_path", "_domain", "_creation_time", "_accessed_time"] {
            let mut session = saved(&sessions);
            session.set(key, "mine");
            let saved = session.save();
            if is_beakers {
                let error = saved.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Config);
                assert!(error.to_string().contains(&format!("`{key}`")), "{error}");
                session.remove(key);
                session.save().unwrap();
                continue;
            }
            saved.unwrap();
            let loaded = sessions.load(Some(&cookie(&session))).unwrap();
            assert_eq!(loaded.get(key).unwrap().as_str(), Some("mine"));
        }
        let mut session = sessions.create();
        let nested = [("_id".to_owned(), 1.into()), ("_mine".to_owned(), 2.into())];
        session.set("nested", beaker::Values::from(nested));
        session.set("_mine", 3);
        session.save().unwrap();
        let loaded = sessions.load(Some(&cookie(&session))).unwrap();
        assert_eq!(loaded.values(), session.values());
    }
}

#[test]
fn a_value_that_is_too_deep_is_an_error() {
    for sessions in kinds(&[NEW]) {
        let mut session = sessions.create();
        let deep = |levels| (0..levels).fold(1.into(), |inner, _| beaker::Value::from(vec![inner]));
        session.set("deep", deep(63));
        session.save().unwrap();
        let loaded = sessions.load(Some(&cookie(&session))).unwrap();
        assert_eq!(loaded.values(), session.values());
        for levels in [64, 100_000] {
            session.set("deep", deep(levels));
            assert_eq!(session.save().unwrap_err().kind(), ErrorKind::Codec);
        }
    }
}

/// What packs well takes more room than a cookie has.
#[test]
fn half_a_megabyte_of_one_letter_is_loaded_again_or_refused() {
    for (is_beakers, sessions) in [false, false, true, true].into_iter().zip(kinds(&[NEW])) {
        for length in [500_000, 5_000_000] {
            let mut session = sessions.create();
            session.set("a", "a".repeat(length));
            match session.save() {
                Ok(()) => {
                    assert!(is_beakers && length == 500_000);
                    let loaded = sessions.load(Some(&cookie(&session))).unwrap();
                    assert_eq!(loaded.values(), session.values());
                }
                Err(error) => {
                    assert!(!is_beakers || length > 500_000);
                    assert_eq!(error.kind(), ErrorKind::TooLarge);
                    assert!(error.to_string().contains("keep less in the session"), "{error}");
                }
            }
        }
    }
}

#[test]
fn what_python_has_stored_and_no_value_can_hold_is_kept_until_it_is_replaced() {
    let (signer, id) = (Signer::beaker([NEW]).unwrap(), SessionId::random());
    let json = format!(
        r#"{{"_id": "{id}", "n": 18446744073709551616, "half": "\ud800", "laps": 58,
            "_creation_time": 1700000000.5, "_accessed_time": 1700000000.5}}"#
    );
    let packed = miniz_oxide::deflate::compress_to_vec_zlib(json.as_bytes(), 6);
    let value = signer.sign("", &data_encoding::BASE64.encode(&packed));
    let sent = format!("beaker.session.id={value}");
    let sessions = Sessions::in_signed_cookies(signer);
    let load = |sent: &str| sessions.load(Some(sent)).unwrap();
    let keys = |session: &Session| -> Vec<String> {
        session.unreadable().map(|entry| entry.key().to_owned()).collect()
    };
    let both = ["n", "half"];

    let mut session = load(&sent);
    assert_eq!(keys(&session), both);
    let n = session.unreadable().next().unwrap();
    assert_eq!((n.text(), n.why().contains("64 bits")), ("18446744073709551616", true));
    assert!(session.get("n").is_none() && !session.contains("n"));
    let error = session.require("n").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Codec);
    assert!(error.to_string().contains("64 bits"), "{error}");
    assert_eq!(session.require("m").unwrap_err().kind(), ErrorKind::MissingKey);
    // A type neither: it is not as if there were nothing, and is not begun again.
    assert_eq!(session.get_as::<u64>("n").unwrap_err().kind(), ErrorKind::Codec);
    let updated = session.update_as("n", |n: &mut u64| *n += 1);
    assert_eq!(updated.unwrap_err().kind(), ErrorKind::Codec);
    assert_eq!((keys(&session).len(), session.is_modified()), (2, false));
    assert_eq!(session.get_as::<u64>("m").unwrap(), None);
    // A touch, a save and a new id keep them.
    session.touch().unwrap();
    assert_eq!(keys(&load(&cookie(&session))), both);
    session.set("laps", 59);
    session.save().unwrap();
    session.regenerate_id().unwrap();
    assert_eq!(keys(&load(&cookie(&session))), both);
    // A change takes their place, once it is saved.
    session.set("n", 1);
    assert_eq!(keys(&session), ["half"]);
    session.revert();
    assert_eq!(keys(&session), both);
    assert_eq!(session.remove("n"), None);
    assert_eq!(keys(&session), ["half"]);
    assert!(session.is_modified());
    session.update("half", |old| i64::from(old.is_some()));
    assert_eq!(keys(&session), [""; 0]);
    session.touch().unwrap();
    assert_eq!(keys(&load(&cookie(&session))), both, "a touch saves no change");
    session.save().unwrap();
    let mut session = load(&cookie(&session));
    assert_eq!((keys(&session).len(), session.get("half")), (0, Some(&0.into())));
    assert!(!session.contains("n"));
    session.set("laps", 60);
    session.save().unwrap();
    assert_eq!(keys(&load(&cookie(&session))).len(), 0);
    let mut session = load(&sent);
    session.clear();
    assert_eq!(keys(&session).len(), 0);
    session.save().unwrap();
    assert_eq!(keys(&load(&cookie(&session))).len(), 0);
    let mut session = load(&sent);
    session.invalidate().unwrap();
    assert_eq!(keys(&session).len(), 0);
    let mut session = load(&sent);
    session.delete().unwrap();
    assert_eq!(keys(&session).len(), 0);
}

#[test]
fn a_lifetime_ends_it_however_much_it_is_used() {
    let hour = Duration::from_secs(3600);
    for sessions in kinds(&[NEW]) {
        let clock = Arc::new(ManualClock::default());
        let options = CookieOptions::default().lifetime(CookieLifetime::For(2 * hour));
        let sessions = sessions.lifetime(hour).cookie(options).clock(clock.clone());
        let session = saved(&sessions);
        assert!(session.set_cookie().unwrap().unwrap().contains("Max-Age=3600"));
        clock.advance(hour / 2);
        let mut session = sessions.load(Some(&cookie(&session))).unwrap();
        session.set("laps", 59);
        session.save().unwrap();
        assert!(session.set_cookie().unwrap().unwrap().contains("Max-Age=1800"));
        clock.advance(hour / 2 + Duration::from_micros(1));
        let origin = sessions.load(Some(&cookie(&session))).unwrap().origin();
        assert_eq!(origin, Origin::Rejected(Rejection::TooOld));
    }
}

#[test]
fn a_cookie_is_bound_to_its_name() {
    for sessions in kinds(&[NEW]).into_iter().take(2) {
        let sent = cookie(&saved(&sessions)).replace("beaker.session.id=", "other=");
        let other = sessions.cookie(CookieOptions::default().name("other"));
        assert!(other.load(Some(&sent)).unwrap().is_new());
    }
    // A signed id is no session, and a session is no signed id.
    let stored = Sessions::new(beaker::Backend::memory()).signed_by(Signer::new([NEW]).unwrap());
    let in_cookies = Sessions::in_signed_cookies(Signer::new([NEW]).unwrap());
    let rejected = Origin::Rejected(Rejection::Signature);
    assert_eq!(in_cookies.load(Some(&cookie(&saved(&stored)))).unwrap().origin(), rejected);
    assert_eq!(stored.load(Some(&cookie(&saved(&in_cookies)))).unwrap().origin(), rejected);
}

#[test]
fn a_cookie_that_is_too_large_is_an_error_that_says_how_much() {
    for sessions in kinds(&[NEW]) {
        let mut session = sessions.create();
        // Nothing that could be packed.
        let noise = || uuid::Uuid::new_v4().simple().to_string();
        let (mut largest, mut most) = (0, 0);
        let error = loop {
            session.set(noise(), noise());
            match session.save() {
                Ok(()) => {
                    largest = session.set_cookie().unwrap().unwrap().len();
                    most = cookie(&session).len();
                }
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::TooLarge);
        let message = error.to_string();
        let numbers = message.split(|c: char| !c.is_ascii_digit());
        let numbers: Vec<usize> = numbers.filter_map(|number| number.parse().ok()).collect();
        let [size, over, limit] = numbers[..] else { panic!("{message}") };
        assert_eq!(size - limit, over, "{message}");
        // Our own are counted with their attributes.
        let counted = if limit == 4096 { largest } else { most - "beaker.session.id=".len() };
        assert!((limit - 150..=limit).contains(&counted), "{counted}: {message}");
        assert!(most <= 4097 && limit >= 4076, "{message}");
    }
}

/// Four formats, and in full 1,000,000 cookies.
#[test]
fn no_mutated_cookie_is_accepted() {
    let many = length(10_000, 50_000, 250_000);
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    for (kind, sessions) in kinds(&[NEW]).into_iter().enumerate() {
        let sent = cookie(&saved(&sessions));
        let (name, value) = sent.split_once('=').unwrap();
        let mut refused = 0;
        for _ in 0..many {
            let mutated = random.mutate(value.as_bytes());
            let Ok(mutated) = String::from_utf8(mutated) else { continue };
            let session = sessions.load(Some(&format!("{name}={mutated}"))).unwrap();
            let is_the_same = mutated.split(';').any(|part| part.trim().trim_matches('"') == value);
            assert!(session.origin() != Origin::Loaded || is_the_same, "{mutated}");
            refused += usize::from(session.origin() != Origin::Loaded);
        }
        println!("kind {kind}: {refused} mutated cookies refused");
        assert!(refused > many / 2);
    }
}

/// A small generator (xorshift), so that a failure can be seen again.
struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below.max(1) as u64) as usize
    }

    fn mutate(&mut self, value: &[u8]) -> Vec<u8> {
        let mut bytes = value.to_vec();
        for _ in 0..=self.next(3) {
            let at = self.next(bytes.len());
            match self.next(6) {
                0 => bytes[at] ^= 1 << self.next(7),
                1 => bytes[at] = b' ' + self.next(95) as u8,
                2 => drop(bytes.remove(at)),
                3 => bytes.insert(at, b"AZaz09+/=-_."[self.next(12)]),
                4 => bytes.truncate(at.max(1)),
                _ => {
                    let other = self.next(bytes.len());
                    bytes.swap(at, other);
                }
            }
            if bytes.is_empty() {
                bytes.push(b'x');
            }
        }
        bytes
    }
}
