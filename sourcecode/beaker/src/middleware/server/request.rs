//! Reading a request (RFC 9112), within limits.

use std::io::{self, Read, Write};

use crate::middleware::{Request, Response};

/// A longer head is answered with status 431, and so are more headers than this.
const LARGEST_HEAD: usize = 64 * 1024;
const MOST_HEADERS: usize = 100;

/// A larger body is answered with status 413.
const LARGEST_BODY: usize = 1024 * 1024;

/// What a visitor is told whose request cannot be answered.
pub(super) struct Refusal(u16, &'static str);

impl From<Refusal> for Response {
    fn from(Refusal(code, why): Refusal) -> Response {
        super::response::status(code, why)
    }
}

/// The request that arrives. Fails when the connection does.
pub(super) fn read(stream: &mut (impl Read + Write)) -> io::Result<Result<Request, Refusal>> {
    let mut received = Vec::with_capacity(2048);
    let (mut request, head) = loop {
        match parse(&received) {
            Ok(Some(parsed)) => break parsed,
            Ok(None) if received.len() > LARGEST_HEAD => {
                return Ok(Err(Refusal(431, "the request's head is too large")));
            }
            Ok(None) => receive(stream, &mut received)?,
            Err(refusal) => return Ok(Err(refusal)),
        }
    };
    let length = match body_length(&request) {
        Ok(length) => length,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let mut body = received.split_off(head);
    if body.len() < length && expects_continue(&request) {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    while body.len() < length {
        receive(stream, &mut body)?;
    }
    body.truncate(length);
    *request.body_mut() = body;
    Ok(Ok(request))
}

fn receive(stream: &mut impl Read, received: &mut Vec<u8>) -> io::Result<()> {
    let mut part = [0; 8192];
    match stream.read(&mut part)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        length => {
            received.extend(&part[..length]);
            Ok(())
        }
    }
}

/// The request without its body, and the length of its head; `None` if more has to come.
fn parse(received: &[u8]) -> Result<Option<(Request, usize)>, Refusal> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let head = match parsed.parse(received) {
        Ok(httparse::Status::Complete(head)) => head,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => {
            return Err(Refusal(431, "there are too many headers"));
        }
        Err(_) => return Err(Refusal(400, "this is no HTTP request")),
    };
    let mut request = http::Request::builder()
        .method(parsed.method.unwrap_or_default())
        .uri(parsed.path.unwrap_or_default());
    for header in parsed.headers.iter() {
        request = request.header(header.name, header.value);
    }
    let request = request.body(Vec::new());
    let request = request.map_err(|_| Refusal(400, "this is no request that can be answered"))?;
    Ok(Some((request, head)))
}

fn body_length(request: &Request) -> Result<usize, Refusal> {
    let headers = request.headers();
    if headers.contains_key(http::header::TRANSFER_ENCODING) {
        return Err(Refusal(411, "a request's body needs a Content-Length"));
    }
    let mut lengths = headers.get_all(http::header::CONTENT_LENGTH).iter();
    let Some(length) = lengths.next() else { return Ok(0) };
    let digits = length.as_bytes();
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    if !is_number || lengths.any(|other| other != length) {
        return Err(Refusal(400, "the Content-Length is no number"));
    }
    let length = length.to_str().unwrap_or_default().parse().unwrap_or(usize::MAX);
    if length > LARGEST_BODY {
        return Err(Refusal(413, "the request's body is too large"));
    }
    Ok(length)
}

fn expects_continue(request: &Request) -> bool {
    let expects = request.headers().get(http::header::EXPECT);
    expects.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}
