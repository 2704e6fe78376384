//! A page that counts how often each of its visitors was there.

use std::{env, error::Error};

use axum::{Router, routing::get};
use beaker::middleware::{RequestSession, SessionLayer};
use beaker::{Backend, CookieOptions, Result, Sessions, Signer, Value};
use tokio::net::TcpListener;

async fn count(mut session: RequestSession) -> Result<String> {
    let before = session.get("visits").and_then(Value::as_int); // (1)
    let visits = before.unwrap_or(0) + 1;
    session.set("visits", visits); // (2)
    session.save()?; // (3)
    Ok(format!("This is your visit {visits}."))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let sessions =
        Sessions::new(Backend::memory()) // (4)
            .signed_by(Signer::random()?) // (5)
            .cookie(CookieOptions::default().insecure_for_localhost()); // (6)
    let app = Router::new()
        .route("/", get(count))
        .layer(SessionLayer::new(sessions)?); // (7)
    let port = env::var("PORT").unwrap_or("8000".into());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("Open http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}
