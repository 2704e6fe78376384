//! Load from `wrk`, and single requests by hand.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::process::Command;

/// What one round gave.
pub struct Round {
    pub requests: f64,
    pub per_second: f64,
}

/// Sends the requests of a list in turn, which were put together before.
const IN_TURN: &str = r#"
local requests, at = {}, 0
function init(_)
    for number, cookie in ipairs(COOKIES) do
        requests[number] = wrk.format("GET", "/", { Cookie = cookie })
    end
end
function request()
    at = at % #requests + 1
    return requests[at]
end
"#;

/// Two threads with 16 connections for a second. Each request has the next of the cookies.
///
/// # Errors
///
/// `wrk` is not there.
pub fn load(url: &str, cookies: &[String]) -> io::Result<Round> {
    let mut script = tempfile::NamedTempFile::with_suffix(".lua")?;
    writeln!(script, "COOKIES = {{ '{}' }}{IN_TURN}", cookies.join("', '"))?;
    let mut wrk = Command::new("wrk");
    wrk.args(["-t2", "-c16", "-d1s", "-s"]).arg(script.path()).arg(url);
    let output = wrk.output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && !text.contains("Non-2xx"), "{text}");
    let before = |words: &str| {
        let end = text.find(words).unwrap_or_else(|| panic!("no `{words}` in:\n{text}"));
        text[..end].split_whitespace().last().unwrap().parse().unwrap()
    };
    let after = text.split("Requests/sec:").nth(1).expect("wrk says how many");
    let per_second = after.split_whitespace().next().unwrap().parse().unwrap();
    Ok(Round { requests: before(" requests in"), per_second })
}

/// The whole answer to a `GET`.
pub fn get(url: &str, path: &str, cookie: &str) -> String {
    let host = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    write!(stream, "{head}Cookie: {cookie}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// The cookie that the page gives a new visitor.
pub fn cookie(url: &str) -> Option<String> {
    let answer = get(url, "/", "none=1");
    let header = answer.lines().find_map(|line| line.strip_prefix("set-cookie: "))?;
    header.split(';').next().map(str::to_owned)
}
