//! Welcomes a visitor at the first visit, and counts the later ones.

use beaker::middleware::*;
use beaker::{Backend, CookieOptions, Result, Sessions, Signer};

/// `Welcome! This is visit 1`, and later `Welcome back! This is visit 2`...
fn page(request: &mut Request) -> Result<String> {
    todo!("welcome the visitor of {}", request.uri())
}

fn application(request: &mut Request) -> Result<Response> {
    match request.uri().path() {
        "/" => Ok(text(page(request)?)),
        _ => Ok(Response::default()),
    }
}

fn main() -> Result<()> {
    let sessions = Sessions::new(Backend::memory())
        .signed_by(Signer::random()?)
        .cookie(CookieOptions::default().insecure_for_localhost());
    let app = SessionMiddleware::new(application, sessions)?;
    let port = std::env::var("PORT").unwrap_or("8000".into());
    let server = Server::bind(format!("127.0.0.1:{port}"))?;
    println!("Serving at http://{}", server.address());
    server.run(app)
}
