//! What is refused, over real connections.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::super::tests::with_server as serve;
use crate::book::tests::Workspace;

const HOST: &str = "localhost:3000";
const JSON: &str = "Content-Type: application/json\r\n";

/// With what cargo would need to know of the programs.
fn with_server(client: impl FnOnce(&Workspace, SocketAddr)) {
    serve(|workspace, address| {
        workspace.write("Cargo.toml", "[workspace]\n");
        client(workspace, address);
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

fn get(address: SocketAddr, path: &str) -> String {
    send(address, &format!("GET {path} HTTP/1.1\r\nHost: {HOST}\r\n"), b"")
}

fn token(address: SocketAddr) -> String {
    get(address, "/run/token").lines().last().unwrap().to_owned()
}

fn post(address: SocketAddr, path: &str, origin: &str, token: &str, body: &str) -> String {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {HOST}\r\nOrigin: {origin}\r\n{JSON}X-Workbook-Token: {token}\r\n"
    );
    send(address, &head, body.as_bytes())
}

#[track_caller]
fn check(answer: &str, status: u16, says: &str) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
    assert!(answer.contains(says), "{answer}");
}

#[test]
fn only_a_page_of_this_server_is_answered() {
    with_server(|_, address| {
        let (token, ours) = (token(address), format!("http://{HOST}"));
        let start = r#"{"what":"99_gone"}"#;
        check(&post(address, "/run/start", &ours, &token, start), 404, "no program or exercise");
        for origin in
            ["http://evil.example", "null", "http://localhost:3001", "https://localhost:3000"]
        {
            check(&post(address, "/run/start", origin, &token, start), 403, "Only a page of this");
            check(&post(address, "/run/read", origin, &token, "{}"), 403, "Only a page of this");
        }
        for wrong in ["", "x", &token[1..], &token.replace(|c: char| c.is_alphabetic(), "0")] {
            check(&post(address, "/run/start", &ours, wrong, start), 403, "load it again");
        }
        let no_origin = format!(
            "POST /run/start HTTP/1.1\r\nHost: {HOST}\r\n{JSON}X-Workbook-Token: {token}\r\n"
        );
        check(&send(address, &no_origin, start.as_bytes()), 403, "Only a page of this");
    });
}

#[test]
fn what_is_not_understood_is_refused() {
    with_server(|_, address| {
        let (token, ours) = (token(address), format!("http://{HOST}"));
        let post = |path, body: &str| post(address, path, &ours, &token, body);
        check(&post("/run/start", "{"), 400, "");
        check(&post("/run/start", r#"{"what":1}"#), 422, "");
        check(&post("/run/start", r#"{"what":"0_session","more":1}"#), 422, "");
        check(&post("/run/start", &format!(r#"{{"what":"{}"}}"#, "x".repeat(257 * 1024))), 413, "");
        check(&post("/run/read", r#"{"page":"../../etc/passwd"}"#), 404, "no such page");
        check(&get(address, "/run/source/..%2f..%2fCargo.toml"), 404, "no program or exercise");
        check(&get(address, "/run/source/common"), 404, "no program or exercise");
        check(&get(address, "/run/start"), 403, "Only a page of this");
        check(&get(address, "/run/source/0_session"), 200, "fn main");
    });
}

#[test]
fn what_was_read_is_kept() {
    with_server(|workspace, address| {
        let (token, ours) = (token(address), format!("http://{HOST}"));
        check(&post(address, "/run/read", &ours, &token, r#"{"page":"page"}"#), 204, "");
        check(&get(address, "/run/done"), 200, r#""pages":["page"]"#);
        let done = crate::reader::Reader::open(workspace.root()).unwrap().done();
        assert!(done.pages.contains("page"));
    });
}

#[test]
fn random_requests_do_not_bring_it_down() {
    with_server(|_, address| {
        let token = token(address);
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
                     X-Workbook-Token: {token}\r\nX-Odd: {header}\r\n"
                );
                send(address, &head, &body);
                Ok(())
            })
            .unwrap();
        check(&get(address, "/en/page.html"), 200, "");
    });
}
