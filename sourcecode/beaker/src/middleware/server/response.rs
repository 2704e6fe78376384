//! Writing a response (RFC 9112).

use std::io::{self, Write};

use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{Method, StatusCode};

use crate::middleware::{Response, text};

/// A response of this status that says why, as plain text.
pub(super) fn status(code: u16, why: &str) -> Response {
    let mut response = text(why);
    *response.status_mut() =
        StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}

/// The length and the end of the connection are ours to say; all else is the application's.
pub(super) fn write(
    stream: &mut impl Write,
    response: &Response,
    method: &Method,
) -> io::Result<()> {
    let status = response.status();
    let reason = status.canonical_reason().unwrap_or_default();
    let mut bytes = format!("HTTP/1.1 {} {reason}\r\n", status.as_str()).into_bytes();
    for (name, value) in response.headers() {
        if ![CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING].contains(name) {
            bytes.extend(name.as_str().as_bytes());
            bytes.extend(b": ");
            bytes.extend(value.as_bytes());
            bytes.extend(b"\r\n");
        }
    }
    let body = response.body();
    let has_no_body = status.is_informational() || status == StatusCode::NO_CONTENT;
    if !has_no_body && status != StatusCode::NOT_MODIFIED {
        bytes.extend(format!("content-length: {}\r\n", body.len()).as_bytes());
    }
    bytes.extend(b"connection: close\r\n\r\n");
    if !has_no_body && status != StatusCode::NOT_MODIFIED && method != Method::HEAD {
        bytes.extend(body);
    }
    stream.write_all(&bytes)?;
    stream.flush()
}
