//! What a real Beaker shares: sessions in cookies here, those in stores in [`shared`] and [`stores`], and
//! what [`merging`] adds to it. `BEAKER_PYTHON` names a Python that has the packages that `.ci/run` lists; it
//! makes one.

#[cfg(all(feature = "python", feature = "redis", feature = "memcached", feature = "tokio"))]
mod caches;
#[cfg(feature = "python")]
mod counting;
mod merging;
#[cfg(feature = "python")]
mod pickles;
#[cfg(feature = "python")]
mod shared;
#[cfg(feature = "python")]
mod stores;

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use beaker::session::Unreadable;
use beaker::{CookieOptions, Sealer, Session, Sessions, Signer, Value};
use serde_json::{Value as Json, json};

const NAME: &str = "beaker.session.id";
const KEY: &str = "0123456789abcdef0123456789abcdef";

/// Both kinds of sessions, and Beaker's options for the same.
fn kinds() -> [(Sessions, Json); 2] {
    let common = json!({"type": "cookie", "validate_key": KEY, "data_serializer": "json"});
    let mut sealed = common.clone();
    sealed["encrypt_key"] = KEY.into();
    sealed["crypto_type"] = "cryptography".into();
    [
        (Sessions::in_signed_cookies(Signer::beaker([KEY]).unwrap()), common),
        (Sessions::in_sealed_cookies(Sealer::beaker([(KEY, KEY)]).unwrap()), sealed),
    ]
}

/// The Python with Beaker.
fn program() -> String {
    std::env::var("BEAKER_PYTHON").expect("BEAKER_PYTHON names a Python with Beaker")
}

/// A Python application that answers one request a line.
struct Application {
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
    _process: Child,
}

impl Application {
    fn start() -> Application {
        let mut process = Command::new(program())
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/python/application.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let requests = process.stdin.take().unwrap();
        let answers = BufReader::new(process.stdout.take().unwrap());
        Application { requests, answers, _process: process }
    }
}

thread_local! {
    /// One for each test: it ends with its standard input.
    static APPLICATION: RefCell<Option<Application>> = const { RefCell::new(None) };
}

/// A request to a Python application with Beaker: the `Set-Cookie` header, if any, and what it shows. Panics if
/// the application fails.
#[track_caller]
fn python(options: &Json, cookie: &str, code: &str) -> (String, Json) {
    let request = json!({"options": options, "cookie": cookie, "code": code}).to_string();
    let mut line = String::new();
    APPLICATION.with_borrow_mut(|application| {
        let Application { requests, answers, .. } =
            application.get_or_insert_with(Application::start);
        requests.write_all((request + "\n").as_bytes()).unwrap();
        requests.flush().unwrap();
        answers.read_line(&mut line).unwrap();
    });
    let answer: Json = serde_json::from_str(&line).unwrap();
    assert_eq!(answer["error"], Json::Null, "Beaker failed with {code}");
    (answer["cookie"].as_str().unwrap_or_default().trim().to_owned(), answer["shown"].clone())
}

fn pair(set_cookie: &str) -> &str {
    set_cookie.split(';').next().unwrap()
}

fn sent(session: &Session) -> String {
    pair(&session.set_cookie().unwrap().unwrap()).to_owned()
}

/// All values as Python sees them.
const SHOW: &str =
    "answer['shown'] = {ascii(k): ascii(v) for k, v in session.items() if k[0] != '_'}";

#[ignore = "needs BEAKER_PYTHON"]
#[test]
fn what_python_stores_survives_a_save_from_here() {
    let code = format!(
        "session.update(big=2**63, most=2**64 - 1, huge=2**70, below=-2**63 - 1, far=10**400)
session.update(nan=float('nan'), up=float('inf'), down=float('-inf'), tiny=1.5e-7)
session.update(half='a\\ud800b', ref={{'$ref': 1}}, bytes={{'$bytes': 'xyz'}})
session.update(hex={{'$bytes': '6f6b'}}, more={{'$$bytes': '6f6b'}}, float={{'$float': '1.5'}})
session.update(name='R\u{e4}ikk\u{f6}nen \\U0001f3c1', none=None, list=[1, 2.0, True], empty={{}})
session['\\udfff'] = 1
deep = []
for level in range(70): deep = [deep]
session['deep'] = deep
session.save()
{SHOW}"
    );
    for (sessions, options) in kinds() {
        let (cookie, before) = python(&options, "", &code);
        let mut session = sessions.load(Some(pair(&cookie))).unwrap();
        assert_eq!(session.get("up"), Some(&Value::Float(f64::INFINITY)));
        assert!(session.get("nan").unwrap().as_float().unwrap().is_nan());
        assert_eq!(session.get("hex"), Some(&Value::Bytes(b"ok".to_vec())));
        let keys: Vec<&str> = session.unreadable().map(Unreadable::key).collect();
        assert_eq!(keys, ["big", "most", "huge", "below", "far", "half", r"\udfff", "deep"]);
        session.set("laps", 58);
        session.save().unwrap();
        let (_, mut after) = python(&options, &sent(&session), SHOW);
        assert_eq!(after.as_object_mut().unwrap().remove("'laps'"), Some("58".into()));
        assert_eq!(after, before);
    }
}

#[ignore = "needs BEAKER_PYTHON"]
#[test]
fn what_is_stored_here_survives_a_save_in_python() {
    let values = [
        Value::Null,
        true.into(),
        i64::MIN.into(),
        i64::MAX.into(),
        (-0.0).into(),
        f64::MAX.into(),
        f64::NAN.into(),
        f64::NEG_INFINITY.into(),
        "\"\\/\u{7f}\0 é 🏁 \u{2028}".into(),
        b"\0\xff".as_slice().into(),
        Value::Map([("$bytes".to_owned(), "00ff".into())].into()),
        Value::Map([("$$bytes".to_owned(), "00ff".into())].into()),
        Value::Map([("$float".to_owned(), "NaN".into()), (String::new(), 1.into())].into()),
        Value::from(vec![Value::List(vec![].into()), Value::Map([].into())]),
        (0..63).fold(Value::Null, |inner, _| Value::from(vec![inner])),
    ];
    for (sessions, options) in kinds() {
        let mut session = sessions.create();
        for (number, value) in values.iter().enumerate() {
            session.set(format!("{number}"), value.clone());
        }
        session.save().unwrap();
        let (cookie, _) = python(&options, &sent(&session), "session['n'] = 1; session.save()");
        let mut again = sessions.load(Some(pair(&cookie))).unwrap();
        assert_eq!(again.remove("n"), Some(1.into()));
        assert_eq!(format!("{:?}", again.values()), format!("{:?}", session.values()));
        assert_eq!((again.id(), again.unreadable().count()), (session.id(), 0));
        assert_eq!(again.created().as_micros() / 10, session.created().as_micros() / 10);
    }
}

#[ignore = "needs BEAKER_PYTHON"]
#[test]
fn python_obeys_the_path_and_the_domain() {
    for (sessions, options) in kinds() {
        let cookie = CookieOptions::default().path("/shop").domain("example.org");
        let sessions = sessions.cookie(cookie);
        let mut session = sessions.create();
        session.save().unwrap();
        let (cookie, _) = python(&options, &sent(&session), "session.get('x'); session.save()");
        assert!(cookie.contains("; Path=/shop;"), "{cookie}");
        assert!(cookie.contains("; Domain=example.org;"), "{cookie}");
    }
}

/// Whatever is saved here, Python can send again: it counts after it has packed it itself.
#[ignore = "needs BEAKER_PYTHON"]
#[test]
fn the_largest_session_is_not_too_large_for_python() {
    for (sessions, options) in kinds() {
        for name in [NAME, "s"] {
            let sessions = sessions.clone().cookie(CookieOptions::default().name(name));
            let mut options = options.clone();
            options["key"] = name.into();
            for alphabet in
                ["abcdefghijklmnop", "äöüßéèêëàâôîûçñå", "🏁🏎🏆🥇🥈🥉🚗🚙🚕🚓🚑🚒🛵🏍🚲🛴"]
            {
                let letters: Vec<char> = alphabet.chars().collect();
                let mut session = sessions.create();
                let mut largest = sent_after_save(&mut session);
                loop {
                    let noise = uuid::Uuid::new_v4();
                    let word = noise.as_bytes().iter().map(|byte| letters[usize::from(byte % 16)]);
                    session.set(noise.simple().to_string(), word.collect::<String>());
                    if session.save().is_err() {
                        break;
                    }
                    largest = sent(&session);
                }
                assert!(largest.len() > 3900, "{}", largest.len());
                let (cookie, _) = python(&options, &largest, "session.get('x'); session.save()");
                assert!(sessions.load(Some(pair(&cookie))).unwrap().values().len() > 20);
            }
        }
    }
}

fn sent_after_save(session: &mut Session) -> String {
    session.save().unwrap();
    sent(session)
}

/// Half a megabyte of one letter is a small cookie.
#[ignore = "needs BEAKER_PYTHON"]
#[test]
fn what_packs_well_is_loaded_on_both_sides() {
    for (sessions, options) in kinds() {
        let code = "session['a'] = 'a' * 500_000; session.save()";
        let (cookie, _) = python(&options, "", code);
        let mut session = sessions.load(Some(pair(&cookie))).unwrap();
        assert_eq!(session.require("a").unwrap().as_str().map(str::len), Some(500_000));
        session.set("b", "b".repeat(500_000));
        session.save().unwrap();
        let code = "answer['shown'] = [len(session['a']), len(session['b'])]";
        assert_eq!(python(&options, &sent(&session), code).1, json!([500_000, 500_000]));
    }
}
