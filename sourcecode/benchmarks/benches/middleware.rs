//! What the session middleware adds to a request, with the store in memory.

use std::hint::black_box;
use std::time::Duration;

use beaker::middleware::{App, Request, Response, SessionExt, SessionMiddleware, text};
use beaker::{Backend, Result, Sessions, Signer, Value};
use benchmarks::{Limit, compare};

fn counts(request: &mut Request) -> Result<Response> {
    let mut session = request.session()?;
    let counter = session.get("counter").and_then(Value::as_int).unwrap_or(0) + 1;
    session.set("counter", counter);
    session.save()?;
    Ok(text(format!("Counter value is: {counter}")))
}

fn does_not_count(_: &mut Request) -> Result<Response> {
    Ok(text(format!("Counter value is: {}", black_box(1))))
}

fn main() {
    let sessions = Sessions::new(Backend::memory()).signed_by(Signer::random().unwrap());
    let with = SessionMiddleware::new(counts, sessions).unwrap();
    let first = with.call(&mut request("")).unwrap();
    let cookie =
        first.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();

    compare(
        "middleware: load, change, save",
        Limit::Longer(Duration::from_micros(3)),
        || drop(black_box(with.call(&mut request(&cookie)).unwrap())),
        || drop(black_box(does_not_count(&mut request(&cookie)).unwrap())),
    );

    let unused = SessionMiddleware::new(
        does_not_count,
        Sessions::new(Backend::memory()).signed_by(Signer::random().unwrap()),
    )
    .unwrap();
    compare(
        "middleware: a session that is not asked for",
        Limit::Longer(Duration::from_micros(1)),
        || drop(black_box(unused.call(&mut request(&cookie)).unwrap())),
        || drop(black_box(does_not_count(&mut request(&cookie)).unwrap())),
    );
}

fn request(cookie: &str) -> Request {
    http::Request::get("/").header("cookie", cookie).body(Vec::new()).unwrap()
}
