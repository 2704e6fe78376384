//! Two real processes, each with a local tier over one store: what one of them has saved is shown by the other
//! one after the interval, and long before the time of its copy is over.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use beaker::{Backend, Sessions, Signer, Value};

const TIME: Duration = Duration::from_secs(60);
const EVERY: Duration = Duration::from_millis(300);

/// Says which store a process reads from, and where.
const READER: &str = "BEAKER_TEST_READS_SESSIONS_IN";

fn sessions(backend: &str, url: &str) -> Sessions {
    Sessions::new(Backend::open(backend, &[("url", url)]).unwrap())
        .signed_by(Signer::new(["0123456789abcdef0123456789abcdef"]).unwrap())
        .timeout(TIME * 60)
        .touch_every(TIME * 10)
        .local_tier(100, TIME)
        .check_tier_every(EVERY)
}

/// Not a test of its own: what `check` starts, and asks for one session after the other.
#[test]
fn reads_what_it_is_asked_for() {
    let Ok(place) = env::var(READER) else { return };
    let (backend, url) = place.split_once(' ').unwrap();
    let sessions = sessions(backend, url);
    println!();
    for cookie in std::io::stdin().lines() {
        let session = sessions.load(Some(&cookie.unwrap())).unwrap();
        println!("points {}", session.get("points").and_then(Value::as_int).unwrap());
    }
}

fn check(backend: &str, url: &str) {
    let mut reader = Command::new(env::current_exe().unwrap())
        .args(["--exact", "announcements_of_processes::reads_what_it_is_asked_for", "--nocapture"])
        .env(READER, format!("{backend} {url}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut questions = reader.stdin.take().unwrap();
    let mut answers = BufReader::new(reader.stdout.take().unwrap()).lines();
    let mut ask = |cookie: &str| -> i64 {
        writeln!(questions, "{cookie}").unwrap();
        let mut numbers = answers.by_ref().map_while(Result::ok);
        numbers.find_map(|line| line.strip_prefix("points ")?.parse().ok()).unwrap()
    };

    let sessions = sessions(backend, url);
    let mut session = sessions.create();
    session.set("points", 0);
    session.save().unwrap();
    let header = session.set_cookie().unwrap().unwrap();
    let cookie = header.split(';').next().unwrap();
    let mut were_old = 0;
    for value in 1..=8 {
        for _ in 0..3 {
            assert_eq!(ask(cookie), value - 1);
        }
        session.set("points", value);
        session.save().unwrap();
        let returned = Instant::now();
        loop {
            let asked = Instant::now();
            let shown = ask(cookie);
            if asked - returned >= EVERY {
                assert_eq!(shown, value);
                break;
            }
            assert!([value - 1, value].contains(&shown));
            were_old += usize::from(shown < value);
        }
    }
    println!("{backend}: {were_old} copies from before a save were shown");
    assert!(were_old > 0, "no copy was shown at all");
    drop(questions);
    assert!(reader.wait().unwrap().success());
}

#[cfg(feature = "redis")]
#[test]
fn redis() {
    let server = servers::Redis::for_programs().unwrap();
    check("ext:redis", &server.url());
}

#[cfg(feature = "sqlite")]
#[test]
fn sqlite() {
    let folder = tempfile::tempdir().unwrap();
    check("ext:database", &format!("sqlite:///{}/sessions.db", folder.path().display()));
}
