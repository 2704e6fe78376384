//! Greets a visitor who is new, and counts the visits of one who comes back.

use axum::{Router, routing::get};
use beaker::middleware::{RequestSession, SessionLayer};
use beaker::{Backend, CookieOptions, Result, Sessions, Signer, Value};

/// "Hello, stranger." at first, then "Hello again, this is visit 2."
fn greet(session: &mut RequestSession) -> Result<String> {
    let before: i64 = session.get("visits").unwrap_or(0);
    session.set("visits", before + 1);
    session.save()?;
    Ok(match before {
        0 => "Hello, stranger.".to_owned(),
        _ => format!("Hello again, this is visit {}.", before + 1),
    })
}

async fn page(mut session: RequestSession) -> Result<String> {
    greet(&mut session)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sessions = Sessions::new(Backend::memory())
        .signed_by(Signer::random()?)
        .cookie(CookieOptions::default().insecure_for_localhost());
    let app = Router::new().route("/", get(page));
    let app = app.layer(SessionLayer::new(sessions)?);
    let address = format!("127.0.0.1:{}", std::env::var("PORT")?);
    let listener = tokio::net::TcpListener::bind(address).await?;
    Ok(axum::serve(listener, app).await?)
}
