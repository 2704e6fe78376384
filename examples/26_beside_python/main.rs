//! One visitor, one session, and two applications behind one nginx: a Python
//! application with Beaker, and this one.

mod beside;
mod visitor;

use beaker::config::Settings;
use beaker::middleware::{
    Request, Response, Server, SessionExt, SessionMiddleware, text,
};
use beaker::{Result, Value};

fn shop(request: &mut Request) -> Result<Response> {
    let path = request.uri().path().to_owned();
    let mut session = request.session()?; // (1)
    if path == "/logout" {
        session.delete()?; // (2)
        return Ok(text("Rust: goodbye"));
    }
    if path == "/basket/add" {
        let more =
            |old: Option<&Value>| old.and_then(Value::as_int).unwrap_or(0) + 1;
        session.update("basket", more); // (3)
        session.save()?;
    }
    let [user, town] = ["user", "town"].map(|key| {
        session.get(key).and_then(Value::as_str).unwrap_or("unknown")
    });
    let basket = session.get("basket").and_then(Value::as_int).unwrap_or(0);
    let unreadable = session.unreadable().map(|entry| entry.key()); // (4)
    let kept: Vec<_> = unreadable.collect();
    let answer = format!("user: {user}, town: {town}, basket: {basket}");
    Ok(text(format!("Rust: {answer}, kept for Python: {kept:?}")))
}

fn main() -> Result<()> {
    if let Some(missing) = beside::missing()? {
        beside::show_recorded(&missing); // (5)
        return Ok(());
    }
    let settings = Settings::from_ini_file(beside::SETTINGS, "app:main")?;
    let sessions = settings.read()?.session.sessions()?; // (6)
    let server = Server::bind("127.0.0.1:0")?;
    let rust = server.address();
    let shutdown = server.shutdown_handle();
    let app = SessionMiddleware::new(shop, sessions)?;
    let running = std::thread::spawn(move || server.run(app));
    let python = beside::Python::start()?;
    let nginx = beside::nginx(python.address(), rust)?;
    visitor::walk(nginx.address())?; // (7)
    shutdown.shutdown();
    running.join().expect("the server does not panic")
}
