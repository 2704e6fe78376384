//! What is refused, over real connections.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::super::tests::{Server, with_server as serve};
use crate::book::tests::Workspace;

const HOST: &str = "localhost:3000";
const JSON: &str = "Content-Type: application/json\r\n";

/// With what cargo would need to know of the programs.
fn with_server(client: impl FnOnce(&Workspace, &Server)) {
    serve(|workspace, server| {
        workspace.write("Cargo.toml", "[workspace]\n");
        client(workspace, server);
    });
}

fn send(address: SocketAddr, head: &str, body: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "{head}Connection: close\r\nContent-Length: {}\r\n\r\n", body.len()).unwrap();
    // The server may have answered, and closed, before it has read all.
    let _ = stream.write_all(body);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// Sends a request with these headers beside `Host`.
fn ask(server: &Server, what: &str, headers: &str, body: &str) -> String {
    let head = format!("{what} HTTP/1.1\r\nHost: {HOST}\r\n{JSON}{headers}");
    send(server.address, &head, body.as_bytes())
}

/// As the reader's browser does.
fn get(server: &Server, path: &str) -> String {
    ask(server, &format!("GET {path}"), &server.headers(), "")
}

/// As a page of the reader's browser does.
fn post(server: &Server, path: &str, body: &str) -> String {
    let headers = format!("Origin: http://{HOST}\r\n{}", server.headers());
    ask(server, &format!("POST {path}"), &headers, body)
}

#[track_caller]
fn check(answer: &str, status: u16, says: &str) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
    assert!(answer.contains(says), "{answer}");
}

const START: &str = r#"{"what":"99_gone"}"#;

/// All that runs, writes or tells of the reader, and a request for it that would be answered.
const LOCKED: [(&str, &str); 7] = [
    ("POST /run/start", START),
    ("POST /run/read", r#"{"page":"page"}"#),
    ("GET /run/done", ""),
    ("GET /run/hello", ""),
    ("GET /run/source/0_session", ""),
    ("HEAD /run/hello", ""),
    ("PUT /run/start", ""),
];

#[test]
fn without_its_keys_nobody_runs_or_sees_anything() {
    with_server(|workspace, server| {
        let (cookie, key) = (&server.cookie, &server.page_key);
        let origin = format!("Origin: http://{HOST}\r\n");
        let shown = format!("X-Workbook-Key: {key}\r\n");
        let cut = &cookie[..cookie.len() - 1];
        let (name, value) = cookie.split_once('=').unwrap();
        let headers = [
            String::new(),
            // One of the two.
            format!("Cookie: {cookie}\r\n"),
            shown.clone(),
            // A part of one, another one, that of another port, both exchanged.
            format!("Cookie: {cut}\r\n{shown}"),
            format!("Cookie: {cookie}\r\nX-Workbook-Key: {}\r\n", &key[1..]),
            format!("Cookie: workbook_1={value}\r\n{shown}"),
            format!("Cookie: {name}={key}\r\nX-Workbook-Key: {value}\r\n"),
            format!("Cookie: {name}=\r\nX-Workbook-Key: \r\n"),
            // The key of the address, where it is not asked for.
            format!("Cookie: {name}={0}\r\nX-Workbook-Key: {0}\r\n", &server.query[5..]),
        ];
        for headers in headers {
            for (what, body) in LOCKED {
                let answer = ask(server, what, &format!("{origin}{headers}"), body);
                assert!(answer.contains("x-workbook: locked"), "{what}, {headers}: {answer}");
                let says = if what.starts_with("HEAD") { "" } else { "the terminal shows" };
                check(&answer, 403, says);
            }
            let live = ask(server, "GET /live", &headers.replace(cookie, "a=b"), "");
            check(&live, 403, "open the address that the terminal shows");
        }
        assert!(!workspace.root().join("progress").exists());
        for (what, body) in LOCKED {
            let answer = ask(server, what, &format!("{origin}{}", server.headers()), body);
            assert!(!answer.contains(" 403 "), "{what}: {answer}");
        }
    });
}

#[test]
fn only_a_page_of_this_server_is_answered() {
    with_server(|_, server| {
        check(&post(server, "/run/start", START), 404, "no program or exercise");
        let mut foreign: Vec<String> =
            ["http://evil.example", "null", "http://localhost:3001", "https://localhost:3000"]
                .map(|origin| format!("Origin: {origin}\r\n"))
                .into();
        for site in ["cross-site", "same-site", "none"] {
            foreign.push(format!("Origin: http://{HOST}\r\nSec-Fetch-Site: {site}\r\n"));
            foreign.push(format!("Sec-Fetch-Site: {site}\r\n"));
        }
        for headers in foreign {
            let headers = format!("{headers}{}", server.headers());
            for (what, body) in LOCKED {
                let says = if what.starts_with("HEAD") { "" } else { "Only a page of this server" };
                check(&ask(server, what, &headers, body), 403, says);
            }
            check(&ask(server, "GET /live", &headers, ""), 403, "Only a page of this server");
        }
        // What changes something always has an origin.
        let answer = ask(server, "POST /run/start", &server.headers(), START);
        check(&answer, 403, "Only a page of this server");
        let ours = format!("Sec-Fetch-Site: same-origin\r\n{}", server.headers());
        check(&ask(server, "GET /run/done", &ours, ""), 200, "pages");
    });
}

#[test]
fn what_is_not_understood_is_refused() {
    with_server(|_, server| {
        let post = |path, body: &str| post(server, path, body);
        check(&post("/run/start", "{"), 400, "");
        check(&post("/run/start", r#"{"what":1}"#), 422, "");
        check(&post("/run/start", r#"{"what":"0_session","more":1}"#), 422, "");
        check(&post("/run/start", &format!(r#"{{"what":"{}"}}"#, "x".repeat(257 * 1024))), 413, "");
        check(&post("/run/read", r#"{"page":"../../etc/passwd"}"#), 404, "no such page");
        check(&get(server, "/run/source/..%2f..%2fCargo.toml"), 404, "no program or exercise");
        check(&get(server, "/run/source/common"), 404, "no program or exercise");
        check(&get(server, "/run/start"), 405, "");
        check(&get(server, "/run/source/0_session"), 200, "fn main");
    });
}

#[test]
fn a_program_of_several_files_is_not_edited_in_a_page() {
    with_server(|workspace, server| {
        workspace.write("examples/7_shop/main.rs", "mod basket;\nfn main() {}\n");
        workspace.write("examples/7_shop/basket.rs", "");
        let says = "`7_shop` has several files: edit them in `examples/7_shop/`";
        check(&get(server, "/run/source/7_shop"), 400, says);
        let edited = r#"{"what":"7_shop","source":"fn main() {}"}"#;
        check(&post(server, "/run/start", edited), 400, says);
    });
}

#[test]
fn what_was_read_is_kept() {
    with_server(|workspace, server| {
        check(&post(server, "/run/read", r#"{"page":"page"}"#), 204, "");
        check(&get(server, "/run/done"), 200, r#""pages":["page"]"#);
        let done = crate::reader::Reader::open(workspace.root()).unwrap().done();
        assert!(done.pages.contains("page"));
    });
}

#[test]
fn random_requests_do_not_bring_it_down() {
    with_server(|_, server| {
        let keys = server.headers();
        let mut runner = TestRunner::new(Config { cases: 1000, ..Config::default() });
        let path = prop_oneof![
            Just("/run/start".to_owned()),
            Just("/run/read".to_owned()),
            "/run/source/[%./a-z0-9]{0,20}",
            "/[%./a-z0-9?&=]{0,30}",
        ];
        let body = prop_oneof![
            any::<Vec<u8>>(),
            r#"[{]"(what|page|source)":.{0,30}[}]"#.prop_map(String::into_bytes)
        ];
        let method = prop_oneof![Just("GET"), Just("POST"), Just("PUT"), Just("OPTIONS")];
        runner
            .run(&(method, path, "[ -~]{0,20}", body), |(method, path, header, body)| {
                let head = format!(
                    "{method} {path} HTTP/1.1\r\nHost: {HOST}\r\nOrigin: http://{HOST}\r\n{JSON}\
                     {keys}X-Odd: {header}\r\n"
                );
                send(server.address, &head, &body);
                Ok(())
            })
            .unwrap();
        check(&get(server, "/en/page.html"), 200, "");
    });
}
