//! What readers make of programs, run by the real server: none holds up or disturbs another, and nothing is
//! left of any.

mod server;

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use server::{Server, root};

fn last(events: impl Iterator<Item = Value>) -> Value {
    events.last().expect("there are events")
}

fn drafts() -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("exercises/src/bin")).into_iter().flatten();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("page_")).collect()
}

#[test]
fn what_a_reader_wrote_is_run_and_kept_within_bounds() {
    let server = Server::start(&root());

    let wrong = last(server.edit("0_session", "fn main() { let text: u8 = \"\"; }"));
    assert_eq!(wrong["is"], "failed", "{wrong}");
    let said = wrong["text"].as_str().unwrap();
    assert!(said.contains("mismatched types") && said.contains("--> main.rs:1:"), "{said}");
    assert!(!said.contains("page_"), "{said}");

    let panics = last(server.edit("5_session_wsgi", "fn main() { panic!() }"));
    assert_eq!((&panics["is"], &panics["status"]), (&json!("ended"), &json!(101)), "{panics}");

    let endless = last(server.edit("0_session", "fn main() { loop { println!(\"{:99}\", 1); } }"));
    assert!(endless["how"].as_str().unwrap().contains("more than 1024 KiB"), "{endless}");

    let answer = last(server.edit("00_session", "fn main() { println!(\"Suomi\"); }"));
    assert_eq!((&answer["is"], &answer["same"]), (&json!("ended"), &json!(false)), "{answer}");

    // Two at once, each with what it prints itself.
    let both = Barrier::new(2);
    thread::scope(|scope| {
        for number in [1, 2] {
            let (server, both) = (&server, &both);
            scope.spawn(move || {
                both.wait();
                let source = format!("fn main() {{ println!(\"number {number}\"); }}");
                let printed: String = server
                    .edit("0_session", &source)
                    .filter_map(|event| Some(event["text"].as_str()?.to_owned()))
                    .collect();
                assert_eq!(printed, format!("number {number}\n"));
            });
        }
    });

    // Who leaves the page ends the program, one that serves and so has no limit of time: it holds a port as
    // long as it lives.
    let holds = "use std::net::TcpListener; fn main() { \
                 let held = TcpListener::bind(\"127.0.0.1:0\").unwrap(); \
                 println!(\"{}\", held.local_addr().unwrap().port()); let _ = held.accept(); }";
    let mut events = server.edit("5_session_wsgi", holds);
    let printed = events.find(|event| event["is"] == "printed").unwrap();
    let port: u16 = printed["text"].as_str().unwrap().trim().parse().unwrap();
    drop(events);
    let patience = Instant::now() + Duration::from_secs(30);
    while TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err() || !drafts().is_empty() {
        assert!(Instant::now() < patience, "the program lives on, or its draft: {:?}", drafts());
        thread::yield_now();
    }
}

/// With `BEAKER_LONG_TESTS=1`, as in CI: it takes as long as the limit.
#[test]
fn a_program_that_does_not_end_is_stopped() {
    if std::env::var_os("BEAKER_LONG_TESTS").is_some() {
        let ended = last(
            Server::start(&root())
                .edit("0_session", "fn main() { loop { std::hint::spin_loop() } }"),
        );
        assert!(ended["how"].as_str().unwrap().contains("did not end within 10 s"), "{ended}");
    }
}
