//! The server, over real connections.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use super::keys::{Keys, PAGE_KEY};
use super::run::Shared;
use super::{port, run};
use crate::book::build::build_and_name;
use crate::book::tests::Workspace;

/// A server, and what the reader's browser has.
pub struct Server {
    pub address: SocketAddr,
    /// What follows an address in the terminal.
    pub query: String,
    /// The name and the value of the cookie.
    pub cookie: String,
    pub page_key: String,
}

impl Server {
    /// The headers of the reader's browser.
    pub fn headers(&self) -> String {
        format!("Cookie: {}\r\n{PAGE_KEY}: {}\r\n", self.cookie, self.page_key)
    }
}

/// Serves a small workspace while `client` talks to it, then stops.
pub fn with_server(client: impl FnOnce(&Workspace, &Server)) {
    let workspace = Workspace::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let name = build_and_name(workspace.root()).unwrap();
    let keys = Keys::open(workspace.root(), address.port()).unwrap();
    let cookie = keys.set_cookie().split(';').next().unwrap().to_owned();
    let server = Server { address, query: keys.query(), cookie, page_key: keys.page().to_owned() };
    thread::scope(|scope| {
        let shared =
            Shared::new(programs::Workspace::at(workspace.root()), Duration::from_secs(300));
        let running = scope.spawn(move || {
            run(shared, keys, listener, name, async {
                let _ = stopped.await;
            })
        });
        client(&workspace, &server);
        drop(stop);
        running.join().unwrap().unwrap();
    });
}

fn send(server: &Server, path: &str, headers: &str) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(server.address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n").unwrap();
    BufReader::new(stream)
}

/// Without any key.
fn get(server: &Server, path: &str, host: &str) -> String {
    let mut answer = String::new();
    send(server, path, &format!("Host: {host}\r\n")).read_to_string(&mut answer).unwrap();
    answer
}

/// The events, for the reader's browser.
fn events(server: &Server) -> BufReader<TcpStream> {
    send(server, "/live", &format!("Host: localhost\r\nCookie: {}\r\n", server.cookie))
}

#[test]
fn serves_both_editions_and_leads_to_the_english_one() {
    with_server(|_, server| {
        let home = get(server, "/", "localhost:3000");
        assert!(home.starts_with("HTTP/1.1 307"), "{home}");
        assert!(home.contains("location: /en/"), "{home}");
        for path in ["/en/", "/en/page.html", "/ru/page.html"] {
            let answer = get(server, path, "127.0.0.1:3000");
            assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
            assert!(answer.contains("cache-control: no-cache"), "{path}: {answer}");
        }
        let missing = get(server, "/en/gone.html", "localhost");
        assert!(missing.starts_with("HTTP/1.1 404"), "{missing}");
        let script = get(server, "/en/fonts/served.js", "localhost");
        assert!(script.contains("EventSource"), "{script}");
    });
}

#[test]
fn the_key_in_the_address_becomes_a_cookie_and_goes() {
    with_server(|_, server| {
        let answer = get(server, &format!("/en/page.html{}&search=x", server.query), "localhost");
        assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
        let target = format!("location: /en/page.html?search=x#workbook={}\r\n", server.page_key);
        assert!(answer.contains(&target), "{answer}");
        let cookie = format!("set-cookie: {}; Path=/; Max-Age=2592000; ", server.cookie);
        assert!(answer.contains(&format!("{cookie}HttpOnly; SameSite=Strict\r\n")), "{answer}");
        let port = server.address.port();
        assert!(server.cookie.starts_with(&format!("workbook_{port}=")), "{answer}");
        assert!(answer.contains("cache-control: no-store"), "{answer}");
        // Neither the key nor its cookie is in what everybody may read.
        for path in ["/", "/en/page.html", "/en/fonts/served.js", "/en/gone.html"] {
            let answer = get(server, path, "localhost");
            let secrets = [&server.query[5..], &server.page_key, "set-cookie"];
            assert!(!secrets.iter().any(|secret| answer.contains(secret)), "{path}: {answer}");
        }
        for wrong in ["?key=", "?key=x", &server.query[..20], &format!("{}x", server.query)] {
            let answer = get(server, &format!("/en/{wrong}"), "localhost");
            assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
            assert!(answer.contains("Open the address that the terminal shows now"), "{answer}");
            assert!(
                answer.contains("Откройте адрес") && !answer.contains("set-cookie"),
                "{answer}"
            );
        }
    });
}

#[test]
fn every_answer_tells_the_browser_what_it_may_do() {
    with_server(|_, server| {
        let entered = format!("/{}", server.query);
        for (path, host) in [
            ("/", "localhost"),
            ("/en/page.html", "localhost"),
            ("/en/toc.html", "localhost"),
            ("/en/fonts/page.css", "localhost"),
            ("/en/gone.html", "localhost"),
            ("/gone", "localhost"),
            ("/live", "localhost"),
            ("/run/hello", "localhost"),
            ("/run/gone", "localhost"),
            (entered.as_str(), "localhost"),
            ("/en/?key=x", "localhost"),
            ("/en/", "evil.example"),
        ] {
            let answer = get(server, path, host).to_lowercase();
            let ancestors = if path.ends_with("toc.html") { "'self'" } else { "'none'" };
            for header in [
                "x-content-type-options: nosniff\r\n",
                "referrer-policy: no-referrer\r\n",
                "cross-origin-resource-policy: same-origin\r\n",
                "cross-origin-opener-policy: same-origin\r\n",
                "content-security-policy: default-src 'none'; script-src 'self' 'sha256-",
                &format!("frame-ancestors {ancestors}\r\n"),
            ] {
                assert!(answer.contains(header), "{path}: {header} is not in {answer}");
            }
            let is_secret = ["/live", "/run/hello"].contains(&path) || path.contains("?key=");
            let kept = if is_secret { "no-store" } else { "no-cache" };
            assert!(answer.contains(&format!("cache-control: {kept}")), "{path}: {answer}");
        }
    });
}

#[test]
fn stays_inside_the_book() {
    with_server(|_, server| {
        for path in ["/en/../book.toml", "/en/%2e%2e/book.toml", "/en/..%2fbook.toml", "/en//etc"] {
            let answer = get(server, path, "localhost");
            assert!(!answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        }
    });
}

#[test]
fn refuses_names_that_are_not_of_this_machine() {
    with_server(|_, server| {
        for host in ["evil.example", "evil.example:3000", "127.0.0.1.evil.example", "", "[::2]:1"] {
            let answer = get(server, "/en/", host);
            assert!(answer.starts_with("HTTP/1.1 403"), "{host}: {answer}");
        }
        for host in ["localhost", "LocalHost:3000", "127.0.0.1", "[::1]", "[::1]:3000"] {
            let answer = get(server, "/en/", host);
            assert!(answer.starts_with("HTTP/1.1 200"), "{host}: {answer}");
        }
    });
}

#[test]
fn tells_an_open_page_about_a_new_build_and_about_a_mistake() {
    with_server(|workspace, server| {
        let mut events = events(server).lines().map(Result::unwrap);
        let mut wait = |event: &str| {
            events.find(|line| line == &format!("event: {event}")).unwrap();
            events.find(|line| line.starts_with("data: ")).unwrap()
        };
        let first = wait("build");
        workspace.write("book/en/src/page.md", "# Page {#page}\n\nNews.\n");
        assert_ne!(wait("build"), first);
        assert!(get(server, "/en/page.html", "localhost").contains("News."));
        workspace.write("book/en/src/page.md", "# Page\n");
        assert!(wait("failure").contains("book/en cannot be built"));
        assert!(get(server, "/en/page.html", "localhost").contains("News."));
    });
}

#[test]
fn stops_although_a_page_listens() {
    let mut open = None;
    with_server(|_, server| {
        let mut events = events(server);
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
