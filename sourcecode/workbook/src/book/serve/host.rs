//! Only a page of this machine may talk to this server.
//!
//! A page of another site can make its own name resolve to 127.0.0.1 (DNS rebinding), but the
//! browser still sends that name as `Host`.

use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::HOST;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Passes on what was sent to a loopback name, and refuses the rest.
pub async fn only_loopback(request: Request, next: Next) -> Response {
    let host = request.headers().get(HOST).and_then(|value| value.to_str().ok());
    if host.is_some_and(is_loopback) {
        next.run(request).await
    } else {
        let message = "This server answers only to localhost, 127.0.0.1 and [::1].\n";
        (StatusCode::FORBIDDEN, message).into_response()
    }
}

fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    name.eq_ignore_ascii_case("localhost") || name == "127.0.0.1" || name == "[::1]"
}
