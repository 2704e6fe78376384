//! `book/python/read_beaker_rs.py` reads what the library has just stored.

use std::process::Command;
use std::time::Duration;

use beaker::codec::{Bincode, Codec, Json};
use beaker::record::Header;
use beaker::session::SessionData;
use beaker::{Backend, Sealer, Sessions, Signer, Value};
use serde_json::{Value as Content, json};

use super::{COOKIE, HEXLOWER, ID, KEY, NOW, all_kinds, cookie, of_the_vectors, records, saved};

fn printed(words: &[&str]) -> Result<String, String> {
    let python = std::env::var("BEAKER_PYTHON").unwrap_or_else(|_| "python3".into());
    let reader = concat!(env!("CARGO_MANIFEST_DIR"), "/../../book/python/read_beaker_rs.py");
    let output = Command::new(python).args(["-B", reader]).args(words).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap()).ok_or(said)
}

fn read(words: &[&str]) -> Result<Content, String> {
    printed(words).map(|printed| serde_json::from_str(&printed).unwrap())
}

/// Is it the session of the vectors?
#[track_caller]
fn check(words: &[&str], parts: &Content) {
    let found = read(words).unwrap();
    assert_eq!(found["values"], json!({"user": "ada", "n": 7}));
    let micros = NOW.as_micros();
    for (name, expected) in [("created", json!(micros)), ("accessed", json!(micros))] {
        assert_eq!(found[name], expected, "{name}");
    }
    for (name, expected) in parts.as_object().unwrap() {
        assert_eq!(found[name], *expected, "{name}");
    }
}

#[servers::needs(python3)]
#[test]
fn of_records() {
    let micros = NOW.as_micros();
    let written = records(|sessions| sessions.grace(Duration::from_secs(10)));
    let record = |number: usize| HEXLOWER.encode(&written[number].1);
    check(&["record", &record(0)], &json!({"stored": micros, "fresh_until": null}));
    check(&["record", &record(1)], &json!({"arrives_from": ID}));
    let forward = json!({"stored": micros, "fresh_until": micros + 10_000_000,
                         "moved_to": super::NEXT_ID});
    assert_eq!(read(&["record", &record(2)]).unwrap(), forward);
    let written = records(|sessions| sessions.timeout(Duration::from_secs(600)).codec(Json));
    let until = micros + 600_000_000;
    check(&["record", &HEXLOWER.encode(&written[0].1)], &json!({"fresh_until": until}));
}

#[servers::needs(python3)]
#[test]
fn of_values() {
    let record = |codec: &dyn Codec<SessionData>, key: &str, value: Value| {
        let values = [(key.to_owned(), value)].into();
        let data = SessionData { created: NOW, accessed: NOW, values };
        let header = Header { codec: codec.tag(), stored_at: NOW, fresh_until: None };
        HEXLOWER.encode(&header.build(|bytes| codec.encode_into(&data, bytes)).unwrap())
    };
    // It prints bytes as our JSON has them.
    let kinds = json!([null, true, -2, 0.5, "é", {"$bytes": "6f6b"}, [], {"$k": 7}]);
    for codec in [&Bincode as &dyn Codec<SessionData>, &Json] {
        let found = read(&["record", &record(codec, "$all", all_kinds())]).unwrap();
        assert_eq!(found["values"], json!({"$all": kinds}));
        // A key of the session itself does not make bytes of its value.
        let found = read(&["record", &record(codec, "$bytes", "6f6b".into())]).unwrap();
        assert_eq!(found["values"], json!({"$bytes": "6f6b"}));
        for (value, python) in
            [(f64::NAN, "NaN"), (f64::INFINITY, "Infinity"), (f64::NEG_INFINITY, "-Infinity")]
        {
            let printed = printed(&["record", &record(codec, "f", value.into())]).unwrap();
            assert!(printed.contains(&format!("\"f\": {python}\n")), "{printed}");
        }
    }
}

fn address(url: &str) -> String {
    url.split("://").nth(1).unwrap().trim_end_matches('/').to_owned()
}

#[servers::needs(python3)]
#[test]
fn of_stores() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().to_str().unwrap();
    let file = folder.path().join("sessions.db");
    let (redis, memcached) =
        (servers::Redis::for_programs().unwrap(), servers::Memcached::for_programs().unwrap());
    let (redis, memcached) = (redis.url(), memcached.url());
    let stores = [
        ("file", "file", [("data_dir", data_dir)], data_dir.to_owned()),
        (
            "ext:database",
            "sqlite",
            [("url", file.to_str().unwrap())],
            file.to_str().unwrap().into(),
        ),
        ("ext:redis", "redis", [("url", &redis)], address(&redis)),
        ("ext:memcached", "memcached", [("url", &memcached)], address(&memcached)),
    ];
    for (backend, kind, options, place) in stores {
        let sessions = Sessions::new(Backend::open(backend, &options).unwrap());
        let session = saved(&of_the_vectors(sessions.timeout(Duration::from_secs(600))));
        let found = read(&[kind, &place, session.id().as_str()]).unwrap();
        assert_eq!(found["values"], json!({"user": "ada", "n": 7}), "{kind}");
        assert_eq!(found["fresh_until"], json!(NOW.as_micros() + 600_000_000), "{kind}");
        let missing = read(&[kind, &place, &"0".repeat(32)]).unwrap_err();
        let why = if kind == "file" { "FileNotFoundError" } else { "Unreadable" };
        assert!(missing.contains(why), "{missing}");
    }
}

#[servers::needs(python3)]
#[test]
fn of_cookies() {
    let signer = || Signer::new([KEY]).unwrap();
    let id = cookie(&saved(&of_the_vectors(Sessions::new(Backend::memory()).signed_by(signer()))));
    assert_eq!(read(&["id-cookie", KEY, COOKIE, &id]).unwrap(), json!({"id": ID, "sent": null}));
    let signed = cookie(&saved(&of_the_vectors(Sessions::in_signed_cookies(signer()))));
    check(&["signed-cookie", KEY, COOKIE, &signed], &json!({"id": ID}));
    let other = read(&["signed-cookie", KEY, "another", &signed]).unwrap_err();
    assert!(other.contains("Unreadable: the signature"), "{other}");
}

#[ignore = "needs BEAKER_PYTHON"]
#[test]
fn of_sealed_cookies() {
    let sealer = Sealer::new([KEY]).unwrap();
    let sealed = cookie(&saved(&of_the_vectors(Sessions::in_sealed_cookies(sealer))));
    check(&["sealed-cookie", KEY, COOKIE, &sealed], &json!({"id": ID}));
}

#[servers::needs(python3)]
#[test]
fn as_the_page_shows_it() {
    let server = super::stores::redis();
    let printed = printed(&["redis", &address(&server.url()), ID]).unwrap();
    let page = include_str!("../../../../../book/en/src/formats.md");
    assert!(page.contains(&format!("{ID}\n{printed}```\n")), "{printed}");
}

#[servers::needs(python3)]
#[test]
fn of_damage() {
    let whole = records(|sessions| sessions).swap_remove(0).1;
    for at in [0, 1, 2, 6, 14, 22, whole.len() - 1] {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        let error = read(&["record", &HEXLOWER.encode(&bytes)]).unwrap_err();
        assert!(error.contains("Unreadable"), "{at}: {error}");
    }
    let cut = read(&["record", &HEXLOWER.encode(&whole[..21])]).unwrap_err();
    assert!(cut.contains("Unreadable: a record has 22 bytes at least"), "{cut}");
}
