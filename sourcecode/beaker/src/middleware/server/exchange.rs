//! One request and its response, from the types of `tiny_http` to those of `http` and back.

use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::middleware::{App, Request, Response};

/// Requests with a larger body are answered with status 413.
const LARGEST_BODY: usize = 1024 * 1024;

pub(super) fn answer(mut received: tiny_http::Request, app: &impl App) {
    let response = match read(&mut received) {
        Ok(mut request) => match catch_unwind(AssertUnwindSafe(|| app.call(&mut request))) {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => {
                eprintln!("beaker: {} {}: {error:?}", request.method(), request.uri());
                status(500, "the server could not answer this request")
            }
            Err(_) => status(500, "the server could not answer this request"),
        },
        Err((code, why)) => status(code, why),
    };
    let (parts, body) = response.into_parts();
    let headers = parts.headers.iter().filter_map(|(name, value)| {
        tiny_http::Header::from_bytes(name.as_str(), value.as_bytes()).ok()
    });
    let status = tiny_http::StatusCode(parts.status.as_u16());
    let length = Some(body.len());
    let answer = tiny_http::Response::new(status, headers.collect(), body.as_slice(), length, None);
    // It fails when the visitor has gone, and nobody is left to tell.
    let _ = received.respond(answer);
}

/// The request in the types of `http`; a status and a reason if it has no form in them, or is too
/// large.
fn read(received: &mut tiny_http::Request) -> Result<Request, (u16, &'static str)> {
    let mut request =
        http::Request::builder().method(received.method().as_str()).uri(received.url());
    for header in received.headers() {
        request = request.header(header.field.as_str().as_str(), header.value.as_str());
    }
    let mut body = Vec::new();
    let limited = received.as_reader().take(LARGEST_BODY as u64 + 1);
    if { limited }.read_to_end(&mut body).is_err() {
        return Err((400, "the request's body broke off"));
    }
    if body.len() > LARGEST_BODY {
        return Err((413, "the request's body is too large"));
    }
    request.body(body).map_err(|_| (400, "this is no request that can be answered"))
}

fn status(code: u16, why: &str) -> Response {
    let mut response = crate::middleware::text(why);
    *response.status_mut() = http::StatusCode::from_u16(code).unwrap_or_default();
    response
}
