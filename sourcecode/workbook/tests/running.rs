//! What readers make of programs, run by the real server: none holds up or disturbs another, and nothing is
//! left of any.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// The workbook's server, ended with this.
struct Server {
    process: Child,
    address: SocketAddr,
    token: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

impl Server {
    fn start() -> Server {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_workbook"))
            .args(["serve", "--port", &free.port().to_string()])
            .current_dir(root())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // It prints its addresses when it listens.
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let mut server = Server { process, address: free, token: String::new() };
        let mut answer = String::new();
        server.send("GET /run/token", "").read_to_string(&mut answer).unwrap();
        server.token = answer.lines().last().unwrap().to_owned();
        server
    }

    fn send(&self, what: &str, body: &str) -> BufReader<TcpStream> {
        let (address, token, length) = (self.address, &self.token, body.len());
        let mut stream = TcpStream::connect(address).unwrap();
        write!(
            stream,
            "{what} HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nX-Workbook-Token: {token}\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        BufReader::new(stream)
    }

    /// The events of a program with this source, as they come.
    fn run(&self, what: &str, source: &str) -> impl Iterator<Item = Value> + use<> {
        let body = json!({ "what": what, "source": source }).to_string();
        let lines = self.send("POST /run/start", &body).lines();
        lines
            .map_while(Result::ok)
            .filter(|line| line.starts_with('{'))
            .map(|line| serde_json::from_str(&line).unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

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
    let server = Server::start();

    let wrong = last(server.run("0_session", "fn main() { let text: u8 = \"\"; }"));
    assert_eq!(wrong["is"], "failed", "{wrong}");
    let said = wrong["text"].as_str().unwrap();
    assert!(said.contains("mismatched types") && said.contains("--> main.rs:1:"), "{said}");
    assert!(!said.contains("page_"), "{said}");

    let panics = last(server.run("5_session_wsgi", "fn main() { panic!() }"));
    assert_eq!((&panics["is"], &panics["status"]), (&json!("ended"), &json!(101)), "{panics}");

    let endless = last(server.run("0_session", "fn main() { loop { println!(\"{:99}\", 1); } }"));
    assert!(endless["how"].as_str().unwrap().contains("more than 1024 KiB"), "{endless}");

    let answer = last(server.run("00_session", "fn main() { println!(\"Suomi\"); }"));
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
                    .run("0_session", &source)
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
    let mut events = server.run("5_session_wsgi", holds);
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
        let ended =
            last(Server::start().run("0_session", "fn main() { loop { std::hint::spin_loop() } }"));
        assert!(ended["how"].as_str().unwrap().contains("did not end within 10 s"), "{ended}");
    }
}
