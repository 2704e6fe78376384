//! A web application that counts the visits of each visitor.

use std::env;

use beaker::middleware::{
    Request, Response, Server, SessionExt, SessionMiddleware, text,
};
use beaker::{Backend, CookieOptions, Result, Sessions, Signer, Value};

fn application(request: &mut Request) -> Result<Response> {
    let mut session = request.session()?; // (1)
    let before = session.get("counter").and_then(Value::as_int);
    let counter = before.unwrap_or(0) + 1;
    session.set("counter", counter);
    session.save()?; // (2)
    Ok(text(format!("Counter value is: {counter}")))
}

fn main() -> Result<()> {
    let sessions = Sessions::new(Backend::memory())
        .signed_by(Signer::random()?) // (3)
        .cookie(CookieOptions::default().insecure_for_localhost()); // (4)
    let app = SessionMiddleware::new(application, sessions)?; // (5)

    let port = env::var("PORT").unwrap_or("8000".into());
    let server = Server::bind(format!("127.0.0.1:{port}"))?;
    println!("Serving at http://{}", server.address()?);
    server.run(app)
}
