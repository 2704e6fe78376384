//! Counts visits, and after the 84th continues with an empty session.

use axum::{Router, routing};
use beaker::middleware::{RequestSession, SessionLayer};
use beaker::{Backend, CookieOptions, Result, Sessions, Signer};

/// Keeps the number of this visit; after the 84th the session is a new one.
fn keep(session: &mut RequestSession, visit: i64) -> Result<()> {
    todo!("keep that this is visit {visit} in {session:?}")
}

async fn count(mut session: RequestSession) -> Result<String> {
    let before = session.get("visits").and_then(|visits| visits.as_int());
    let visit = before.unwrap_or(0) + 1;
    keep(&mut session, visit)?;
    Ok(format!("Visit {visit}"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sessions = Sessions::new(Backend::memory())
        .signed_by(Signer::random()?)
        .cookie(CookieOptions::default().insecure_for_localhost());
    let app = Router::new().route("/", routing::get(count));
    let app = app.layer(SessionLayer::new(sessions)?);
    let address = format!("127.0.0.1:{}", std::env::var("PORT")?);
    let listener = tokio::net::TcpListener::bind(address).await?;
    Ok(axum::serve(listener, app).await?)
}
