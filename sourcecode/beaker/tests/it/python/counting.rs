//! Rust and Python change one session at once. With `MergingSession`, neither loses what the other has counted.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::Duration;

use beaker::{Sessions, Value};
use serde_json::{Value as Json, json};

use super::shared::{Place, places};
use super::stores::Python;
use super::{program, sent};

/// In how many rounds all count at once. Who is slower is waited for after each: Python holds the row of a
/// database while it merges, so that two of its processes can keep everybody else out until they rest.
const ROUNDS: i64 = 50;

/// How often each process in Python counts, or reads.
const IN_PYTHON: i64 = 10 * ROUNDS;

/// How often Rust counts, on how many threads.
const IN_RUST: i64 = 20 * ROUNDS;
const THREADS: usize = 4;

/// How long to wait for a save, which gives up before.
const LONGEST: Duration = Duration::from_secs(300);

/// Each store, with JSON in it.
fn stores() -> impl Iterator<Item = Place> {
    places().into_iter().filter(|place| {
        place.options["type"] != "cookie"
            && place.options["data_serializer"] == "json"
            && place.options.get("encrypt_key").is_none()
    })
}

/// All write to one SQLite file, which lets nobody wait in order: both sides are told to have patience.
fn patient(mut place: Place) -> (Place, Json) {
    let mut in_python = place.options.clone();
    if let Some(url) = place.options["url"].as_str().filter(|url| url.starts_with("sqlite:")) {
        in_python["url"] = format!("{url}?timeout=60").into();
        place.options["deadline"] = 60_000.into();
    }
    (place, in_python)
}

/// A new session: its cookie, and its id.
fn new_session(sessions: &Sessions) -> (String, String) {
    let mut session = sessions.create();
    session.set("user", "ada");
    session.save().unwrap();
    let cookie = sent(&session);
    // The signature, and then the id.
    let id = cookie[cookie.len() - 32..].to_owned();
    (cookie, id)
}

/// One process of Python that counts in a key, or only reads.
struct Counting {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Counting {
    fn start(options: &Json, id: &str, key: &str) -> Counting {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/python/counting_writer.py");
        let mut process = Command::new(program())
            .args(["-B", path, &options.to_string(), id, key, &IN_PYTHON.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "ready");
        Counting { process, lines }
    }

    /// Begins a round.
    fn go(&mut self) {
        self.process.stdin.as_mut().unwrap().write_all(b"go on\n").unwrap();
    }

    /// Waits for the end of the round.
    fn has_done(&mut self) {
        self.lines.next().expect("Python failed").unwrap();
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn one_more(old: Option<&Value>) -> i64 {
    old.and_then(Value::as_int).unwrap_or(0) + 1
}

#[ignore = "needs BEAKER_PYTHON"]
#[test]
fn no_increment_is_lost_across_the_languages() {
    for (place, in_python) in stores().map(patient) {
        let sessions = place.sessions();
        let (cookie, id) = new_session(&sessions);
        // One counts in a key of its own, one in the key that Rust counts in too, and one only reads.
        let mut pythons = ["python", "both", ""].map(|key| Counting::start(&in_python, &id, key));
        let ((turns, next_turn), (saved, saves)) = (mpsc::channel(), mpsc::channel());
        let next_turn = Mutex::new(next_turn);
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    let take = || next_turn.lock().unwrap().recv();
                    while let Ok(()) = take() {
                        let mut session = sessions.load(Some(&cookie)).unwrap();
                        session.update("rust", one_more);
                        session.update("both", one_more);
                        saved.send(session.save()).unwrap();
                    }
                });
            }
            // Dropped in here, also by a panic, so that the threads end.
            let turns = turns;
            for _ in 0..ROUNDS {
                pythons.iter_mut().for_each(Counting::go);
                let in_round = IN_RUST / ROUNDS;
                (0..in_round).for_each(|_| turns.send(()).unwrap());
                for _ in 0..in_round {
                    let saved = saves.recv_timeout(LONGEST).expect("a thread failed");
                    saved.unwrap_or_else(|error| panic!("{}: {error}", place.name));
                }
                pythons.iter_mut().for_each(Counting::has_done);
            }
        });
        let session = sessions.load(Some(&cookie)).unwrap();
        let counted = ["rust", "python", "both"].map(|key| session.get(key).unwrap().as_int());
        println!("{}: rust, python, both: {counted:?}", place.name);
        assert_eq!(counted, [IN_RUST, IN_PYTHON, IN_RUST + IN_PYTHON].map(Some), "{}", place.name);
        assert_eq!(session.get("user"), Some(&"ada".into()));
    }
}

/// Python loads, Rust saves, Python saves.
#[ignore = "needs BEAKER_PYTHON"]
#[test]
fn what_plain_beaker_overwrites_a_merging_session_keeps() {
    for place in stores() {
        let sessions = place.sessions();
        let mut options = place.options.clone();
        options.as_object_mut().unwrap().remove("data_serializer");
        let mut python = Python::new(options);
        for (kind, kept) in [("", None), (", MergingSession", Some(Value::from(1)))] {
            let (cookie, id) = new_session(&sessions);
            python.begin(&format!(
                "s = opened('{id}'{kind}); s['python'] = 1; say('loaded'); wait(); s.save()"
            ));
            assert_eq!(python.next(), json!("loaded"));
            let mut session = sessions.load(Some(&cookie)).unwrap();
            session.set("rust", 1);
            session.save().unwrap();
            python.send(&json!("go on"));
            python.next();
            let session = sessions.load(Some(&cookie)).unwrap();
            assert_eq!(session.get("rust"), kept.as_ref(), "{}{kind}", place.name);
            assert_eq!(session.get("python"), Some(&1.into()), "{}{kind}", place.name);
        }
    }
}
