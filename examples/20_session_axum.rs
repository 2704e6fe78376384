//! Program 5 with axum: asynchronous, and the session is an argument.

use std::{env, io, net::TcpListener, time::Duration};

use axum::{Router, routing};
use axum_server::Handle;
use beaker::middleware::{RequestSession, SessionLayer};
use beaker::{
    AsyncBackend, AsyncSessions, CookieOptions, Result, Signer, Value,
};

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
    let sessions = AsyncSessions::new(AsyncBackend::memory())
        .signed_by(Signer::random()?)
        .cookie(CookieOptions::default().insecure_for_localhost());
    let app = Router::new()
        .route("/", routing::get(count)) // (3)
        .layer(SessionLayer::new(sessions)?); // (4)
    Ok(serve(app).await?)
}

async fn serve(app: Router) -> io::Result<()> {
    let port = env::var("PORT").unwrap_or("8000".into());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}"))?;
    println!("Serving at http://{}", listener.local_addr()?);
    let handle = Handle::new();
    let mut server = axum_server::from_tcp(listener)?
        .http1_only() // (5)
        .handle(handle.clone());
    let limit = Duration::from_secs(10);
    server.http_builder().http1().header_read_timeout(limit); // (6)
    tokio::spawn(async move {
        let _ = tokio::signal::ctrl_c().await;
        handle.graceful_shutdown(Some(Duration::from_secs(2))); // (7)
    });
    server.serve(app.into_make_service()).await
}
