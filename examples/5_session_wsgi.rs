//! A web application that counts the visits of each visitor.

use beaker::middleware::{
    Request, Response, Server, SessionExt, SessionMiddleware, text,
};
use beaker::{Backend, CookieOptions, Result, Sessions, Signer, Value};

fn application(request: &mut Request) -> Result<Response> {
    if request.uri().path() != "/" {
        return Ok(Response::default()); // (1)
    }
    let mut session = request.session()?; // (2)
    let before = session.get("counter").and_then(Value::as_int);
    let counter = before.unwrap_or(0) + 1;
    session.set("counter", counter);
    session.save()?; // (3)
    Ok(text(format!("Counter value is: {counter}")))
}

fn main() -> Result<()> {
    let sessions = Sessions::new(Backend::memory())
        .signed_by(Signer::random()?) // (4)
        .cookie(CookieOptions::default().insecure_for_localhost()); // (5)
    let app = SessionMiddleware::new(application, sessions)?; // (6)
    let port = std::env::var("PORT").unwrap_or("8000".into());
    let server = Server::bind(format!("127.0.0.1:{port}"))?;
    println!("Serving at http://{}", server.address());
    server.run(app)
}
