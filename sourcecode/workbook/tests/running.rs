//! What readers make of programs, run by the real server: none holds up or disturbs another, and nothing is
//! left of any.

mod server;

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use server::{Server, root};

/// A server that gives a program as long as a busy machine needs.
fn patient() -> Server {
    Server::start(&root(), &["--limit", "300"])
}

/// Waits for what has to come, if not for ever.
fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let patience = Instant::now() + Duration::from_secs(600);
    while !is_so() {
        assert!(Instant::now() < patience, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

fn last(events: impl Iterator<Item = Value>) -> Value {
    events.last().expect("there are events")
}

/// All that a program printed. It comes in pieces: each event has what was there when it was read.
fn printed<'a>(events: impl IntoIterator<Item = &'a Value>) -> String {
    let printed = events.into_iter().filter(|event| event["is"] == "printed");
    printed.filter_map(|event| event["text"].as_str()).collect()
}

fn drafts() -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("exercises/src/bin")).into_iter().flatten();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("page_")).collect()
}

#[test]
fn what_a_reader_wrote_is_run_and_kept_within_bounds() {
    let server = patient();

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

    let start = fs::read_to_string(root().join("exercises/00_session/start.rs")).unwrap();
    let unbegun = last(server.edit("00_session", &start));
    assert_eq!((&unbegun["unbegun"], &unbegun["same"]), (&json!(true), &json!(false)), "{unbegun}");
    assert_eq!(answer["unbegun"], json!(false), "{answer}");

    // Two at once, each with what it prints itself.
    let both = Barrier::new(2);
    thread::scope(|scope| {
        for number in [1, 2] {
            let (server, both) = (&server, &both);
            scope.spawn(move || {
                both.wait();
                let source = format!("fn main() {{ println!(\"number {number}\"); }}");
                let events: Vec<Value> = server.edit("0_session", &source).collect();
                assert_eq!(printed(&events), format!("number {number}\n"));
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
    wait_for("the end of the program", || TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok());
}

#[test]
fn a_program_that_does_not_end_is_stopped() {
    let server = Server::start(&root(), &["--limit", "1"]);
    let ended = last(server.edit("0_session", "fn main() { loop { std::hint::spin_loop() } }"));
    assert!(ended["how"].as_str().unwrap().contains("did not end within 1 s"), "{ended}");
}

#[test]
fn a_program_does_not_get_more_memory_than_it_may_have() {
    // Half as much again, of which it writes to nothing.
    let bomb = "fn main() { let bytes: Vec<u8> = vec![1; 1 << 10]; println!(\"{}\", bytes.len()); \
                let much: Vec<u8> = Vec::with_capacity(3 << 29); println!(\"{}\", much.capacity()); }";
    let events: Vec<Value> = patient().edit("0_session", bomb).collect();
    let printed = printed(&events);
    assert!(printed.starts_with("1024\n"), "{printed}");
    assert!(printed.contains("memory allocation of 1610612736 bytes failed"), "{printed}");
    let ended = events.last().unwrap();
    assert!(ended["how"].as_str().unwrap().contains("signal 6"), "{ended}");
}

/// Compiling it never ends.
const ENDLESS: &str = "#![allow(long_running_const_eval)] const fn for_ever() -> u8 { loop {} } \
                       const NEVER: u8 = for_ever(); fn main() { println!(\"{NEVER}\") }";

/// The processes that compile a draft: cargo, and the compiler.
fn compilers(draft: &str) -> Vec<u32> {
    let name = format!("\0{draft}\0");
    let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let process = entry.ok()?.file_name().to_str()?.parse::<u32>().ok()?;
        let command = fs::read_to_string(format!("/proc/{process}/cmdline")).ok()?;
        command.contains(&name).then_some(process)
    });
    processes.collect()
}

/// Begins to compile what never ends: the draft's name, once the compiler is at it.
fn begin_without_end(server: &Server) -> (String, impl Iterator<Item = Value> + use<>) {
    let before = drafts();
    let mut events = server.edit("0_session", ENDLESS);
    assert_eq!(events.next().unwrap()["is"], "building");
    let mut name = None;
    wait_for("the compiler", || {
        let new = drafts().into_iter().find(|draft| !before.contains(draft));
        name = new.map(|draft| draft.file_name().unwrap().to_string_lossy().into_owned());
        // The shell that becomes cargo has its arguments as well; the compiler comes after it.
        name.as_ref().is_some_and(|name| compilers(name).len() >= 2)
    });
    (name.unwrap(), events)
}

/// Nothing compiles it any more, it is gone, and cargo works at once: nobody holds its lock.
fn nothing_is_left(name: &str) {
    let folder = root().join("exercises/src/bin").join(name);
    wait_for("the compiler and the draft to go", || compilers(name).is_empty() && !folder.exists());
    let server = patient();
    let ended = last(server.edit("0_session", "fn main() {}"));
    assert_eq!(ended["is"], "ended", "{ended}");
}

#[test]
fn a_compiler_does_not_outlive_a_server_that_is_killed() {
    let mut server = patient();
    let (name, _events) = begin_without_end(&server);
    server.process().kill().unwrap();
    server.process().wait().unwrap();
    nothing_is_left(&name);
}

#[test]
fn a_compiler_does_not_outlive_a_server_that_is_stopped() {
    let mut server = patient();
    let (name, _events) = begin_without_end(&server);
    let id = server.process().id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert!(server.process().wait().unwrap().success());
    nothing_is_left(&name);
}

#[test]
fn a_compiler_does_not_outlive_its_page() {
    let server = patient();
    let (name, events) = begin_without_end(&server);
    drop(events);
    nothing_is_left(&name);
}

#[test]
fn what_a_server_left_is_cleared_by_the_next() {
    // As after a loss of power: in the last place, which no other test needs.
    let left = root().join("exercises/src/bin/page_16");
    fs::create_dir_all(&left).unwrap();
    fs::write(left.join("main.rs"), "not a program").unwrap();
    let _server = patient();
    assert!(!left.exists());
}
