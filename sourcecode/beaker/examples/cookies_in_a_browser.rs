//! What the browser check of the book visits: sessions of several kinds, each under a folder and with
//! a cookie of its own. Serves on the port in `PORT` until it is stopped.

use std::time::Duration;

use beaker::middleware::{App, Request, Response, Server, SessionExt, SessionMiddleware, text};
use beaker::{
    Backend, CookieLifetime, CookieOptions, Result, Sealer, SessionId, Sessions, Signer, Value,
};

const OLD: &str = "the old key, which has 32 bytes or more";
const NEW: &str = "the new key, which has 32 bytes or more";

/// One page does all, by the last part of its path, and shows the id and the counter.
fn page(request: &mut Request) -> Result<Response> {
    let path = request.uri().path().to_owned();
    let mut session = request.session()?;
    match path.rsplit('/').next().unwrap_or_default() {
        "visit" => {
            session.update("counter", |old| old.and_then(Value::as_int).unwrap_or(0) + 1);
            session.save()?;
        }
        "login" => session.regenerate_id()?,
        "logout" => session.invalidate()?,
        "delete" => session.delete()?,
        // Nearly as much as a cookie holds.
        "fill" => {
            for _ in 0..35 {
                session.set(format!("{}{}", SessionId::random(), SessionId::random()), true);
            }
            session.save()?;
        }
        _ => {}
    }
    let counter = session.get("counter").and_then(Value::as_int).unwrap_or(0);
    Ok(text(format!("{} {counter} {}", session.id(), session.values().len())))
}

fn sessions(name: &str, kind: &str) -> Result<Sessions> {
    let sessions = match kind {
        "signed" => Sessions::in_signed_cookies(Signer::new([OLD])?),
        "rotated" => Sessions::in_signed_cookies(Signer::new([NEW, OLD])?),
        "new" => Sessions::in_signed_cookies(Signer::new([NEW])?),
        "sealed" => Sessions::in_sealed_cookies(Sealer::new([NEW])?),
        "beaker" => Sessions::in_sealed_cookies(Sealer::beaker([(NEW, OLD)])?),
        _ => Sessions::new(Backend::memory()).signed_by(Signer::new([NEW])?),
    };
    let lifetime = match kind {
        "sliding" => CookieLifetime::For(Duration::from_secs(3600)),
        _ => CookieLifetime::Browser,
    };
    Ok(sessions.cookie(CookieOptions::default().name(name).lifetime(lifetime)))
}

fn main() -> Result<()> {
    let kinds = [
        ("/stored/", "__Host-stored", "stored"),
        ("/sliding/", "__Host-sliding", "sliding"),
        ("/signed/", "__Host-signed", "signed"),
        ("/rotated/", "__Host-signed", "rotated"),
        ("/new/", "__Host-signed", "new"),
        ("/sealed/", "__Host-sealed", "sealed"),
        ("/beaker/", "beaker", "beaker"),
    ];
    let mut apps: Vec<(&str, Box<dyn App>)> = Vec::new();
    for (folder, name, kind) in kinds {
        apps.push((folder, Box::new(SessionMiddleware::new(page, sessions(name, kind)?)?)));
    }
    let site = move |request: &mut Request| {
        let path = request.uri().path().to_owned();
        match apps.iter().find(|(folder, _)| path.starts_with(folder)) {
            Some((_, app)) => app.call(request),
            None => Ok(text("there is no such folder")),
        }
    };
    let port = std::env::var("PORT").unwrap_or("8000".into());
    Server::bind(format!("127.0.0.1:{port}"))?.run(site)
}
