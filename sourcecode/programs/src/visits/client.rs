//! As much of an HTTP client as it takes to see what a browser would get.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::page;
use crate::{Error, ErrorKind, Result};

/// An answer may be so long.
const ANSWER_LIMIT: u64 = 64 * 1024;

/// Headers that differ at every run, or are about the connection and not about the visit.
const NOT_SHOWN: [&str; 4] = ["date", "server", "content-length", "connection"];

/// Somebody with a browser, who keeps cookies.
#[derive(Debug)]
pub(super) struct Visitor {
    port: u16,
    deadline: Instant,
    cookies: BTreeMap<String, String>,
    /// What it saw last, as it came.
    page: String,
}

/// One request and its answer, without what differs at every run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Exchange {
    pub(super) request: Vec<String>,
    pub(super) status: String,
    /// Sorted.
    pub(super) headers: Vec<String>,
    pub(super) body: String,
}

impl Visitor {
    pub(super) fn new(port: u16, deadline: Instant) -> Visitor {
        Visitor { port, deadline, cookies: BTreeMap::new(), page: String::new() }
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Gets the page.
    pub(super) fn visit(&mut self) -> Result<Exchange> {
        self.ask_for("/", None)
    }

    /// Gets a page, or sends a form of the last one with what that hides.
    pub(super) fn ask_for(&mut self, path: &str, form: Option<&str>) -> Result<Exchange> {
        let method = if form.is_some() { "POST" } else { "GET" };
        let mut request =
            vec![format!("{method} {path} HTTP/1.1"), format!("Host: localhost:{}", self.port)];
        if !self.cookies.is_empty() {
            let cookies: Vec<String> =
                self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request.push(format!("Cookie: {}", cookies.join("; ")));
        }
        let failed =
            format!("could not {} http://localhost:{}{path}", method.to_lowercase(), self.port);
        let hidden = page::hidden_fields(&self.page, path);
        let hidden = hidden.into_iter().filter(|(name, _)| {
            !form.unwrap_or_default().split('&').any(|field| field.split('=').next() == Some(name))
        });
        let hidden = hidden.map(|(name, value)| format!("{name}={value}"));
        let body = form.map(|form| {
            let shown = (!form.is_empty()).then(|| form.to_owned());
            shown.into_iter().chain(hidden).collect::<Vec<_>>().join("&")
        });
        let answer = self.ask(&request, body.as_deref()).map_err(Error::system(failed))?;
        // What a form hides is another value each time.
        request.extend(form.filter(|form| !form.is_empty()).map(|form| format!("\n> {form}")));
        let exchange = parse(request, &answer).ok_or_else(|| {
            let what = format!("port {} answered something that is not HTTP", self.port);
            Error::new(ErrorKind::Program, format!("{what}:\n{answer}"))
        })?;
        for header in &exchange.headers {
            if let Some(cookie) = header_value(header, "set-cookie") {
                self.keep(cookie);
            }
        }
        self.page.clone_from(&exchange.body);
        Ok(Exchange { body: page::text(&exchange.body), ..exchange })
    }

    fn ask(&self, request: &[String], body: Option<&str>) -> io::Result<String> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        // A timeout of nothing would mean none.
        let left = left.max(Duration::from_millis(1));
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let mut stream = TcpStream::connect_timeout(&address, left)?;
        stream.set_read_timeout(Some(left))?;
        stream.set_write_timeout(Some(left))?;
        let form = "Content-Type: application/x-www-form-urlencoded";
        let form = body.map(|body| format!("{form}\r\nContent-Length: {}\r\n", body.len()));
        let request = format!(
            "{}\r\n{}Connection: close\r\n\r\n{}",
            request.join("\r\n"),
            form.unwrap_or_default(),
            body.unwrap_or_default(),
        );
        stream.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        stream.take(ANSWER_LIMIT).read_to_end(&mut answer)?;
        match answer.as_slice() {
            [] => Err(io::ErrorKind::UnexpectedEof.into()),
            answer => Ok(String::from_utf8_lossy(answer).into_owned()),
        }
    }

    fn keep(&mut self, cookie: &str) {
        let mut parts = cookie.split(';').map(str::trim);
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else {
            return;
        };
        if parts.any(|attribute| attribute.eq_ignore_ascii_case("max-age=0")) {
            self.cookies.remove(name);
        } else {
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }
}

impl Exchange {
    /// The page that the answer leads to.
    pub(super) fn leads_to(&self) -> Option<&str> {
        self.headers.iter().find_map(|header| header_value(header, "location"))
    }
}

fn parse(request: Vec<String>, answer: &str) -> Option<Exchange> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let mut lines = head.split("\r\n").map(str::to_owned);
    let status = lines.next().filter(|line| line.starts_with("HTTP/1."))?;
    let mut headers: Vec<String> = lines
        .filter(|line| !NOT_SHOWN.iter().any(|name| header_value(line, name).is_some()))
        .collect();
    headers.sort();
    Some(Exchange { request, status, headers, body: body.to_owned() })
}

fn header_value<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (found, value) = line.split_once(':')?;
    found.eq_ignore_ascii_case(name).then(|| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_and_drops_cookies() {
        let mut visitor = Visitor::new(0, Instant::now());
        visitor.keep("a=1; Path=/; HttpOnly");
        visitor.keep("b=x=y");
        visitor.keep("nonsense");
        visitor.keep("a=2");
        assert_eq!(format!("{:?}", visitor.cookies), r#"{"a": "2", "b": "x=y"}"#);
        visitor.keep("a=; Path=/; Max-Age=0");
        assert_eq!(format!("{:?}", visitor.cookies), r#"{"b": "x=y"}"#);
    }

    #[test]
    fn reads_an_answer() {
        let answer = "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nDate: now\r\ncontent-length: 2\r\n\
                      Content-Type: text/plain\r\n\r\nhi";
        let exchange = parse(vec![], answer).expect("it is HTTP");
        assert_eq!(exchange.headers, ["Content-Type: text/plain", "Set-Cookie: a=1"]);
        assert_eq!(exchange.body, "hi");
        assert_eq!(parse(vec![], "SSH-2.0-OpenSSH\r\n\r\n"), None);
        assert_eq!(parse(vec![], ""), None);
    }
}
