//! A newspaper: three articles are free, and a subscriber reads them all.

use beaker::middleware::*;
use beaker::{Backend, CookieOptions, Result, Sessions, Signer};

const FREE: usize = 3;

/// `All about tea.`, or `Please subscribe.` for a fourth article. One that is
/// read again counts once.
fn read(request: &mut Request, article: &str) -> Result<String> {
    let mut session = request.session()?;
    let known: Vec<String> = session.get_as("read")?.unwrap_or_default();
    if !known.iter().any(|other| other == article) {
        if known.len() >= FREE && !session.contains("subscriber") {
            return Ok("Please subscribe.".to_owned());
        }
        let name = article.to_owned();
        session.update_as("read", move |read: &mut Vec<String>| {
            read.push(name.clone());
        })?;
        session.save()?;
    }
    Ok(format!("All about {article}."))
}

/// `You have read 2: tea, coffee.`
fn list(request: &mut Request) -> Result<String> {
    let session = request.session()?;
    let read: Vec<String> = session.get_as("read")?.unwrap_or_default();
    Ok(format!("You have read {}: {}.", read.len(), read.join(", ")))
}

/// All articles, for a visitor whose rights grow: `Thank you.`
fn subscribe(request: &mut Request) -> Result<String> {
    let mut session = request.session()?;
    session.set("subscriber", true);
    session.save()?;
    Ok("Thank you.".to_owned())
}

/// Ends the visit on a shared computer: `Goodbye.`
fn leave(request: &mut Request) -> Result<String> {
    request.session()?.delete()?;
    Ok("Goodbye.".to_owned())
}

fn application(request: &mut Request) -> Result<Response> {
    let (method, path) = (request.method().clone(), request.uri().clone());
    let answer = match (method.as_str(), path.path()) {
        ("GET", "/") => list(request)?,
        ("POST", "/subscribe") => subscribe(request)?,
        ("POST", "/leave") => leave(request)?,
        (_, other) => match other.strip_prefix("/articles/") {
            Some(article) => read(request, article)?,
            None => return Ok(Response::default()),
        },
    };
    Ok(text(answer))
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
