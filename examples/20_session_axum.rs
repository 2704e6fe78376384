//! Program 5 once more, with axum: async, and the session is an argument.

use axum::{Router, routing};
use beaker::middleware::{RequestSession, SessionLayer};
use beaker::{Backend, CookieOptions, Result, Sessions, Signer, Value};

fn one_more(old: Option<&Value>) -> i64 {
    old.and_then(Value::as_int).unwrap_or(0) + 1
}

async fn count(mut session: RequestSession) -> Result<String> {
    let counter = session.update("counter", one_more); // (1)
    session.save()?; // (2)
    Ok(format!("Counter value is: {counter:?}"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sessions = Sessions::new(Backend::memory())
        .signed_by(Signer::random()?)
        .cookie(CookieOptions::default().insecure_for_localhost());
    let app = Router::new()
        .route("/", routing::get(count)) // (3)
        .layer(SessionLayer::new(sessions)?); // (4)
    let port = std::env::var("PORT").unwrap_or("8000".into());
    let address = format!("127.0.0.1:{port}");
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("Serving at http://{}", listener.local_addr()?);
    let stop = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
    axum::serve(listener, app).with_graceful_shutdown(stop).await?; // (5)
    Ok(())
}
