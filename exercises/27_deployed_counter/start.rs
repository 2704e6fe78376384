//! The counter as it is deployed: options from outside, and a name to greet.

use axum::extract::Path;
use axum::{Router, routing::get, routing::post};
use beaker::config::Settings;
use beaker::middleware::{RequestSession, SessionLayer};
use beaker::{Result, Sessions, Value};

/// What belongs to the program.
const FILE: &str = "session.key = counter
session.timeout = 1800
session.secure = true";

/// What belongs to this machine.
const ENVIRONMENT: [(&str, &str); 4] = [
    ("PATH", "/usr/bin"),
    ("COUNTER_SESSION__KEY", "visits"),
    ("COUNTER_SESSION__SECURE", "false"),
    ("COUNTER_SESSION__SECRET", "a secret that only this machine has"),
];

/// Sessions with the options of both; the environment wins.
fn sessions() -> Result<Sessions> {
    todo!("{FILE}, and on top of it {ENVIRONMENT:?}")
}

/// `Hello, stranger.`, then `Hello again, this is visit 2.`, and for a visitor
/// whose name is known `Hello again, anna, this is visit 3.`
async fn greet(mut session: RequestSession) -> Result<String> {
    todo!("count this visit in {session:?}, an {:?}", Value::Int(1))
}

/// Learns the name of this visitor: `Nice to meet you, anna.`
async fn meet(
    Path(name): Path<String>,
    mut session: RequestSession,
) -> Result<String> {
    todo!("remember {name} in {session:?}")
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let app = Router::new()
        .route("/", get(greet))
        .route("/meet/{name}", post(meet))
        .layer(SessionLayer::new(sessions()?)?);
    let address = format!("127.0.0.1:{}", std::env::var("PORT")?);
    let listener = tokio::net::TcpListener::bind(address).await?;
    Ok(axum::serve(listener, app).await?)
}
