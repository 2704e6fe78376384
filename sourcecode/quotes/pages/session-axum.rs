use std::net::SocketAddr;

use axum::Router;
use axum::routing::get;
use beaker::middleware::{CsrfLayer, CsrfToken, HttpCacheLayer, RateLimitLayer, SessionLayer};

fn redis() -> Result<()> {
    «let backend = AsyncBackend::open("ext:redis", &[("url", "redis://127.0.0.1/")])?;»
    Ok(())
}

async fn buy() {}

fn layers(sessions: AsyncSessions, limiter: AsyncRateLimiter) -> Result<()> {
    «let app = Router::new()»
    Ok(())
}

«async fn form(token: CsrfToken) -> String {»

fn migrated(sessions: Sessions, backend: Backend) {
    let _ = «AsyncSessions::from(sessions)»;
    let _ = «AsyncBackend::from(backend)»;
}
