//! Only our own pages, in the reader's browser, may have programs run and see what the reader has done.
//!
//! A page of another site can send requests to this server, and the browser lets it; but it says where they
//! come from. Another program of this machine can say what it likes, but it has no [keys](super::super::keys).

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, HOST, ORIGIN};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::super::keys::Keys;

const FOREIGN: &str = "Only a page of this server may ask for that.";
const LOCKED: &str =
    "This browser has no key to the workbook: open the address that the terminal shows.";

/// Tells our scripts that the server is the workbook's, though it answers nothing else.
const MARK: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-workbook"), HeaderValue::from_static("locked"));

/// Passes on what a page of this server asks for, with the cookie and with the key of the pages.
pub async fn only_our_pages(
    State(keys): State<Arc<Keys>>,
    request: Request,
    next: Next,
) -> Response {
    let is_locked = !keys.has_cookie(request.headers()) || !keys.has_page_key(request.headers());
    answer(request, next, is_locked).await
}

/// The same, for what a browser asks for without our scripts: it can send the cookie alone.
pub async fn only_with_cookie(
    State(keys): State<Arc<Keys>>,
    request: Request,
    next: Next,
) -> Response {
    let is_locked = !keys.has_cookie(request.headers());
    answer(request, next, is_locked).await
}

async fn answer(request: Request, next: Next, is_locked: bool) -> Response {
    let refuse = |why| (StatusCode::FORBIDDEN, [MARK], format!("{why}\n")).into_response();
    let mut answer = if is_foreign(&request) {
        refuse(FOREIGN)
    } else if is_locked {
        refuse(LOCKED)
    } else {
        next.run(request).await
    };
    // What the reader does is nothing to keep in a cache.
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// Whether the browser says that another site, or another port, has asked. It always says so of what
/// changes something.
fn is_foreign(request: &Request) -> bool {
    let header =
        |name: HeaderName| request.headers().get(name).map(|value| value.to_str().unwrap_or("?"));
    let ours = header(HOST).map(|host| format!("http://{host}"));
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD);
    let origin_differs = match header(ORIGIN) {
        Some(origin) => Some(origin) != ours.as_deref(),
        None => !is_safe,
    };
    let site = header(HeaderName::from_static("sec-fetch-site"));
    origin_differs || site.is_some_and(|site| site != "same-origin")
}
