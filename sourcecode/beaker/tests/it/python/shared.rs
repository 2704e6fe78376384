//! Sessions in stores and cookies that a real Beaker shares, both sides configured by the same options.

use std::sync::Arc;
use std::time::Duration;

use beaker::config::Settings;
use beaker::{Clock, ErrorKind, ManualClock, Origin, Rejection, Sessions, Value};
use serde_json::{Value as Json, json};
use servers::{Memcached, Postgres, Redis};

use super::{KEY, SHOW, pair, python, sent};

/// One place where sessions are, and what both sides are told about it.
pub(super) struct Place {
    pub(super) name: String,
    pub(super) options: Json,
    /// What is started for it.
    _servers: Arc<Servers>,
}

struct Servers {
    folder: tempfile::TempDir,
    memcached: Memcached,
    redis: Redis,
    postgres: Postgres,
}

impl Place {
    /// What the options say, here.
    pub(super) fn sessions(&self) -> Sessions {
        let options = self.options.as_object().unwrap().iter().map(|(key, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            (format!("session.{key}"), text)
        });
        // Beaker has no such option. The machine may be busy.
        let is_server = ["ext:memcached", "ext:redis", "ext:database"]
            .contains(&self.options["type"].as_str().unwrap());
        let is_given = self.options["deadline"] != Json::Null;
        let deadline =
            (is_server && !is_given).then(|| ("session.deadline".to_owned(), "60000".to_owned()));
        let options = options.chain(deadline);
        let config = Settings::from_pairs(options).read().unwrap();
        config.session.sessions().unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }
}

/// Each store with each serializer, some of them encrypted.
pub(super) fn places() -> Vec<Place> {
    let servers = Arc::new(Servers {
        folder: tempfile::tempdir().unwrap(),
        memcached: Memcached::for_programs().unwrap(),
        redis: Redis::for_programs().unwrap(),
        postgres: Postgres::for_tests().unwrap().expect("PostgreSQL is installed"),
    });
    let folder = servers.folder.path();
    let stores = [
        json!({"type": "file", "data_dir": folder.join("files"), "secret": KEY}),
        json!({"type": "ext:memcached", "url": servers.memcached.url().replace("memcache://", ""), "lock_dir": folder.join("locks"), "secret": KEY}),
        json!({"type": "ext:redis", "url": servers.redis.url(), "secret": KEY}),
        json!({"type": "ext:database", "url": format!("sqlite:///{}", folder.join("b.db").display()), "secret": KEY}),
        json!({"type": "ext:database", "url": servers.postgres.url().replace("postgres://", "postgresql+psycopg2://"), "secret": KEY}),
        json!({"type": "cookie", "validate_key": KEY}),
    ];
    let formats = [
        json!({"data_serializer": "json"}),
        json!({"data_serializer": "pickle"}),
        json!({"data_serializer": "json", "encrypt_key": KEY, "validate_key": KEY, "crypto_type": "cryptography"}),
        json!({"data_serializer": "pickle", "encrypt_key": KEY, "validate_key": KEY, "crypto_type": "pycryptodome", "encrypt_nonce_bits": 48}),
    ];
    let mut places = Vec::new();
    for store in &stores {
        for format in &formats {
            let mut options = store.as_object().unwrap().clone();
            options.extend(format.as_object().unwrap().clone());
            options.insert("format".into(), "beaker".into());
            options.insert("key".into(), "sid".into());
            options.insert("timeout".into(), 1800.into());
            let name =
                format!("{} {format}", store["url"].as_str().unwrap_or(&store["type"].to_string()));
            places.push(Place { name, options: options.into(), _servers: servers.clone() });
        }
    }
    places
}

/// A visit to the Python application.
#[track_caller]
fn visit_python(place: &Place, cookie: &mut String, code: &str) -> Json {
    let (set, shown) = python(&place.options, cookie, code);
    if set.contains("sid=") {
        *cookie = pair(&set).to_owned();
    }
    shown
}

/// A visit to ours.
#[track_caller]
fn visit_rust<T>(
    place: &Place,
    cookie: &mut String,
    visit: impl FnOnce(&mut beaker::Session) -> T,
) -> T {
    let sessions = place.sessions();
    let mut session = sessions
        .load(Some(cookie.as_str()))
        .unwrap_or_else(|error| panic!("{}: {error}", place.name));
    let result = visit(&mut session);
    session.save().unwrap_or_else(|error| panic!("{}: {error}", place.name));
    if let Some(set) = session.set_cookie().unwrap() {
        *cookie = pair(&set).to_owned();
    }
    result
}

fn one_more(session: &mut beaker::Session) -> i64 {
    let add = |old: Option<&Value>| old.and_then(Value::as_int).unwrap_or(0) + 1;
    session.set("rust", true);
    session.update("n", add).as_int().unwrap()
}

#[ignore = "needs BEAKER_PYTHON"]
#[test]
fn visits_alternate_and_nobody_is_logged_out() {
    let code = "session['n'] = session.get('n', 0) + 1; session['python'] = True; session.save()\n\
                answer['shown'] = [session['n'], session.get('rust')]";
    for place in places() {
        for python_begins in [true, false] {
            let mut cookie = String::new();
            for visit in 1..=5 {
                if python_begins == (visit % 2 == 1) {
                    let shown = visit_python(&place, &mut cookie, code);
                    let wanted = json!([visit, (visit > 1).then_some(true)]);
                    assert_eq!(shown, wanted, "{} {python_begins}", place.name);
                } else {
                    let n = visit_rust(&place, &mut cookie, one_more);
                    assert_eq!(n, visit, "{} {python_begins}", place.name);
                }
            }
        }
    }
}

/// Objects of Python that no value can hold, some of them shared.
const TYPES: &str = "
import datetime, decimal, uuid, collections
shared = [1, 2]
loop = [1]; loop.append(loop)
session.update(date=datetime.date(2023, 11, 14), at=datetime.datetime(2023, 11, 14, 22, 13, 20, 5))
session.update(zone=datetime.datetime(2023, 11, 14, tzinfo=datetime.timezone.utc), span=datetime.timedelta(hours=5))
session.update(price=decimal.Decimal('19.90'), uuid=uuid.UUID(int=7), set={1}, frozen=frozenset(['a']))
session.update(ordered=collections.OrderedDict(a=1), default=collections.defaultdict(list, a=[1]))
session.update(complex=1+2j, big=2**80, raw=bytearray(b'ab'), bytes=b'\\x00\\xff', tuple=(1, 'a'))
session.update(one=shared, other=shared, loop=loop, keys={1: 'a', (2, 3): 'b'}, text='R\\xe4ikk\\xf6nen \\ud800')
session[5] = 'no text'
session.save()";

const SHOW_TYPES: &str = "
answer['shown'] = {ascii(k): ascii(v) for k, v in session.items() if str(k)[:1] != '_' and k != 'rust'}
answer['shown']['same'] = session['one'] is session['other'] and session['loop'][1] is session['loop']";

#[ignore = "needs BEAKER_PYTHON"]
#[test]
fn what_only_python_has_survives_a_save_here() {
    for place in places() {
        if place.options["data_serializer"] != "pickle" {
            continue;
        }
        let mut cookie = String::new();
        visit_python(&place, &mut cookie, TYPES);
        let before = visit_python(&place, &mut cookie, SHOW_TYPES);
        let unreadable = visit_rust(&place, &mut cookie, |session| {
            session.set("rust", "was here");
            assert_eq!(session.get("bytes"), Some(&Value::Bytes(b"\0\xff".to_vec())));
            assert_eq!(session.get("tuple").unwrap().as_list().unwrap().len(), 2);
            session.unreadable().count()
        });
        assert_eq!(unreadable, 19, "{}", place.name);
        let after = visit_python(&place, &mut cookie, SHOW_TYPES);
        assert_eq!(after, before, "{}", place.name);
    }
}

#[ignore = "needs BEAKER_PYTHON"]
#[test]
fn what_json_cannot_hold_here_survives_a_save() {
    let code = format!("session.update(big=2**70, half='a\\ud800b'); session.save()\n{SHOW}");
    for place in places() {
        if place.options["data_serializer"] == "pickle" {
            continue;
        }
        let mut cookie = String::new();
        let before = visit_python(&place, &mut cookie, &code);
        visit_rust(&place, &mut cookie, |session| session.set("laps", 58));
        let mut after = visit_python(&place, &mut cookie, SHOW);
        assert_eq!(after.as_object_mut().unwrap().remove("'laps'"), Some("58".into()));
        assert_eq!(after, before, "{}", place.name);
    }
}

#[ignore = "needs BEAKER_PYTHON"]
#[test]
fn a_log_out_on_one_side_is_one_on_the_other() {
    let log_in = "session['user'] = 'ada'; session.save()";
    let user = "answer['shown'] = session.get('user')";
    for place in places() {
        if place.options["type"] == "cookie" {
            continue;
        }
        // Ended here.
        let mut cookie = String::new();
        visit_python(&place, &mut cookie, log_in);
        place.sessions().load(Some(&cookie)).unwrap().delete().unwrap();
        assert_eq!(visit_python(&place, &mut cookie, user), Json::Null, "{}", place.name);
        // Ended there, in Beaker's ways. (Its `invalidate` leaves the old record where it is.)
        let ways = [
            ("session.invalidate(); session.save()", false),
            ("session.delete()", true),
            ("session.delete(); session.save()", true),
        ];
        for (end, ends_the_old) in ways {
            let mut cookie = String::new();
            visit_rust(&place, &mut cookie, |session| session.set("user", "ada"));
            let before = cookie.clone();
            visit_python(&place, &mut cookie, end);
            for cookie in [Some(&cookie), ends_the_old.then_some(&before)].into_iter().flatten() {
                let session = place.sessions().load(Some(cookie)).unwrap();
                assert_eq!(session.get("user"), None, "{} {end}", place.name);
            }
        }
    }
}

#[ignore = "needs BEAKER_PYTHON"]
#[test]
fn a_new_id_of_one_side_leads_to_the_session_on_the_other() {
    for place in places() {
        let is_in_cookie = place.options["type"] == "cookie";
        let mut cookie = String::new();
        visit_rust(&place, &mut cookie, |session| session.set("user", "ada"));
        let first = cookie.clone();
        visit_rust(&place, &mut cookie, |session| session.regenerate_id().unwrap());
        let user = "answer['shown'] = session.get('user')";
        assert_eq!(visit_python(&place, &mut cookie, user), "ada", "{}", place.name);
        if !is_in_cookie {
            // Who comes with the old id is nobody, and does no harm.
            assert_eq!(
                visit_python(&place, &mut first.clone(), user),
                Json::Null,
                "{}",
                place.name
            );
        }
        // Beaker itself fails here where the session is in the cookie.
        if !is_in_cookie {
            visit_python(&place, &mut cookie, "session.regenerate_id(); session.save()");
        }
        visit_rust(&place, &mut cookie, |session| {
            assert_eq!(session.require("user").unwrap().as_str(), Some("ada"), "{}", place.name);
        });
    }
}

#[ignore = "needs BEAKER_PYTHON"]
#[test]
fn each_side_ends_what_the_other_has_not_used_for_too_long() {
    for place in places() {
        let clock = Arc::new(ManualClock::default());
        let now = beaker::SystemClock.now();
        let user = "answer['shown'] = session.get('user')";
        let sessions = place.sessions().clock(clock.clone());
        let set = |at: beaker::Timestamp| {
            clock.set(at);
            let mut session = sessions.create();
            session.set("user", "ada");
            session.save().unwrap();
            sent(&session)
        };
        let hour = Duration::from_secs(3600);
        let used_long_ago = set(beaker::Timestamp::from_micros(now.as_micros() - 3_600_000_000));
        assert_eq!(
            visit_python(&place, &mut used_long_ago.clone(), user),
            Json::Null,
            "{}",
            place.name
        );
        let used_now = set(now);
        assert_eq!(visit_python(&place, &mut used_now.clone(), user), "ada", "{}", place.name);
        let mut cookie = String::new();
        visit_python(&place, &mut cookie, "session['user'] = 'ada'; session.save()");
        clock.set(beaker::SystemClock.now() + hour);
        let session = sessions.load(Some(&cookie)).unwrap();
        assert_eq!(session.origin(), Origin::Rejected(Rejection::TimedOut), "{}", place.name);
    }
}

#[ignore = "needs BEAKER_PYTHON"]
#[test]
fn what_cannot_be_read_stays_and_is_an_error() {
    let log_in = "session.update(user='ada', n=1); session.save()";
    for place in places() {
        let mut cookie = String::new();
        visit_python(&place, &mut cookie, log_in);
        let mut other = place.options.clone();
        let is_json = other["data_serializer"] == "json";
        other["data_serializer"] = if is_json { "pickle" } else { "json" }.into();
        let wrong =
            Place { name: place.name.clone(), options: other, _servers: place._servers.clone() };
        let error = wrong.sessions().load(Some(&cookie)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Codec, "{}: {error}", place.name);
        assert!(error.to_string().contains("`data_serializer`"), "{error}");
        let shown = visit_python(&place, &mut cookie, "answer['shown'] = session['user']");
        assert_eq!(shown, "ada", "{}", place.name);
    }
}

#[ignore = "needs BEAKER_PYTHON"]
#[test]
fn large_sessions_come_through() {
    for place in places() {
        if place.options["type"] == "cookie" {
            continue;
        }
        let mut cookie = String::new();
        let code = "import random; session['a'] = ''.join(random.choices('abcdefgh', k=400_000)); session.save()";
        visit_python(&place, &mut cookie, code);
        let length = visit_rust(&place, &mut cookie, |session| {
            session.set("b", "é".repeat(100_000));
            session.require("a").unwrap().as_str().map(str::len)
        });
        assert_eq!(length, Some(400_000), "{}", place.name);
        let code = "answer['shown'] = [len(session['a']), len(session['b'])]";
        assert_eq!(
            visit_python(&place, &mut cookie, code),
            json!([400_000, 100_000]),
            "{}",
            place.name
        );
    }
}
