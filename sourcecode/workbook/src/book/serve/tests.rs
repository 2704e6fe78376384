//! The server, over real connections.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use tokio::sync::oneshot;

use super::{port, run};
use crate::book::build::build_and_name;
use crate::book::tests::Workspace;

/// Serves a small workspace while `client` talks to it, then stops.
pub fn with_server(client: impl FnOnce(&Workspace, SocketAddr)) {
    let workspace = Workspace::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let name = build_and_name(workspace.root()).unwrap();
    thread::scope(|scope| {
        let root = workspace.root();
        let server = scope.spawn(move || {
            run(root, listener, name, async {
                let _ = stopped.await;
            })
        });
        client(&workspace, address);
        drop(stop);
        server.join().unwrap().unwrap();
    });
}

fn send(address: SocketAddr, path: &str, host: &str) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    BufReader::new(stream)
}

fn get(address: SocketAddr, path: &str, host: &str) -> String {
    let mut answer = String::new();
    send(address, path, host).read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn serves_both_editions_and_leads_to_the_english_one() {
    with_server(|_, address| {
        let home = get(address, "/", "localhost:3000");
        assert!(home.starts_with("HTTP/1.1 307"), "{home}");
        assert!(home.contains("location: /en/"), "{home}");
        for path in ["/en/", "/en/page.html", "/ru/page.html"] {
            let answer = get(address, path, "127.0.0.1:3000");
            assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
            assert!(answer.contains("cache-control: no-cache"), "{path}: {answer}");
        }
        let missing = get(address, "/en/gone.html", "localhost");
        assert!(missing.starts_with("HTTP/1.1 404"), "{missing}");
        let script = get(address, "/en/fonts/served.js", "localhost");
        assert!(script.contains("EventSource"), "{script}");
    });
}

#[test]
fn stays_inside_the_book() {
    with_server(|_, address| {
        for path in ["/en/../book.toml", "/en/%2e%2e/book.toml", "/en/..%2fbook.toml", "/en//etc"] {
            let answer = get(address, path, "localhost");
            assert!(!answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        }
    });
}

#[test]
fn refuses_names_that_are_not_of_this_machine() {
    with_server(|_, address| {
        for host in ["evil.example", "evil.example:3000", "127.0.0.1.evil.example", "", "[::2]:1"] {
            let answer = get(address, "/en/", host);
            assert!(answer.starts_with("HTTP/1.1 403"), "{host}: {answer}");
        }
        for host in ["localhost", "LocalHost:3000", "127.0.0.1", "[::1]", "[::1]:3000"] {
            let answer = get(address, "/en/", host);
            assert!(answer.starts_with("HTTP/1.1 200"), "{host}: {answer}");
        }
    });
}

#[test]
fn tells_an_open_page_about_a_new_build_and_about_a_mistake() {
    with_server(|workspace, address| {
        let mut events = send(address, "/live", "localhost").lines().map(Result::unwrap);
        let mut wait = |event: &str| {
            events.find(|line| line == &format!("event: {event}")).unwrap();
            events.find(|line| line.starts_with("data: ")).unwrap()
        };
        let first = wait("build");
        workspace.write("book/en/src/page.md", "# Page {#page}\n\nNews.\n");
        assert_ne!(wait("build"), first);
        assert!(get(address, "/en/page.html", "localhost").contains("News."));
        workspace.write("book/en/src/page.md", "# Page\n");
        assert!(wait("failure").contains("book/en cannot be built"));
        assert!(get(address, "/en/page.html", "localhost").contains("News."));
    });
}

#[test]
fn stops_although_a_page_listens() {
    let mut open = None;
    with_server(|_, address| {
        let mut events = send(address, "/live", "localhost");
        let mut line = String::new();
        events.read_line(&mut line).unwrap();
        open = Some(events);
    });
    let mut rest = String::new();
    open.unwrap().read_to_string(&mut rest).unwrap();
}

#[test]
fn a_port_that_was_asked_for_and_is_taken_is_an_error() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let number = taken.local_addr().unwrap().port();
    let error = port::bind(Some(number)).unwrap_err().to_string();
    assert!(error.contains(&format!("port {number} is taken")), "{error}");
    assert!(error.contains("`--port`"), "{error}");
}

#[test]
fn without_a_wish_the_next_free_port_is_taken() {
    let first = port::bind(None).unwrap();
    let second = port::bind(None).unwrap();
    assert_ne!(first.local_addr().unwrap().port(), second.local_addr().unwrap().port());
}
