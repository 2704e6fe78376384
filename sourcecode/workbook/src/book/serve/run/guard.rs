//! Only our own pages may have programs run.
//!
//! A page of another site can send requests to this server, and the browser lets it. But it says where
//! they come from (`Origin`), and does not let that page read our answers: so it does not know the token.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Shared;

const TOKEN: HeaderName = HeaderName::from_static("x-workbook-token");

/// The token, for our scripts.
pub async fn token(State(shared): State<Arc<Shared>>) -> String {
    shared.token.clone()
}

/// Passes on what came from a page of this server.
pub async fn only_our_pages(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    match refusal(&shared.token, request.headers()) {
        None => next.run(request).await,
        Some(why) => (StatusCode::FORBIDDEN, format!("{why}\n")).into_response(),
    }
}

fn refusal(token: &str, headers: &HeaderMap) -> Option<&'static str> {
    let header = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let ours = header(&HOST).map(|host| format!("http://{host}"));
    if header(&ORIGIN).map(str::to_owned) != ours {
        return Some("Only a page of this server may have programs run.");
    }
    match header(&TOKEN) {
        Some(shown) if same(shown, token) => None,
        _ => Some("This page is from before the server was started; load it again."),
    }
}

/// Looks at all bytes, so that the time says nothing.
fn same(one: &str, other: &str) -> bool {
    let differs = one.bytes().zip(other.bytes()).fold(0, |all, (a, b)| all | (a ^ b));
    one.len() == other.len() && differs == 0
}
