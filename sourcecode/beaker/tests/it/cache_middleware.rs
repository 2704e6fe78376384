//! Caches in an application.

use beaker::middleware::{
    App, CacheExt, CacheMiddleware, Request, Response, SessionMiddleware, text,
};
use beaker::{Backend, Cache, ErrorKind, Result, Sessions, Signer};

#[derive(Clone)]
struct Caches {
    points: Cache<u32>,
    names: Cache<String>,
}

fn application(request: &mut Request) -> Result<Response> {
    let path = request.uri().path().to_owned();
    let Caches { points, names } = request.caches()?;
    let number = points.get_or_create(&path, || path.len() as u32)?;
    let name = names.get_or_create(&path, || path.to_uppercase())?;
    Ok(text(format!("{name} {number}")))
}

fn visit(app: &impl App, path: &str) -> Result<String> {
    let mut request = http::Request::get(path).body(Vec::new()).unwrap();
    let response = app.call(&mut request)?;
    Ok(String::from_utf8(response.into_body()).unwrap())
}

#[test]
fn each_request_has_the_same_caches() {
    let caches =
        Caches { points: Cache::in_memory(100), names: Cache::new(Backend::memory(), "names") };
    let sessions = Sessions::new(Backend::memory()).signed_by(Signer::random().unwrap());
    let inner = SessionMiddleware::new(application, sessions).unwrap();
    let app = CacheMiddleware::new(inner, caches.clone());
    for _ in 0..3 {
        assert_eq!(visit(&app, "/kimi").unwrap(), "/KIMI 5");
    }
    let made = (caches.points.stats().creations, caches.names.stats().creations);
    assert_eq!(made, (1, 1));
}

#[test]
fn an_application_without_them_is_told_so() {
    let error = visit(&application, "/").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("Caches`; wrap the application"), "{error}");
    let other = CacheMiddleware::new(application, Cache::<u32>::in_memory(1));
    assert!(visit(&other, "/").is_err(), "of another type");
}
