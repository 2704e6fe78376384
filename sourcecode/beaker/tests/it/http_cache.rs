//! Pages that are kept, around an application and around a service of tower.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

use beaker::lock::LocalLocks;
use beaker::middleware::{
    App, CachedPage, HttpCacheLayer, HttpCacheMiddleware, Request, Response, SessionExt,
    SessionMiddleware, text,
};
use beaker::{
    AsyncBackend, AsyncCache, Backend, Cache, Error, ErrorKind, ManualClock, Result, Sessions,
    Signer, Timestamp,
};
use http::{HeaderMap, StatusCode};
use tokio::sync::Semaphore;
use tower::limit::GlobalConcurrencyLimitLayer;
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::middleware::watched::Watched;

/// What makes a page.
type Page = Arc<dyn Fn(&mut Request) -> Result<Response> + Send + Sync>;

/// A site whose pages are kept.
struct Site {
    call: Box<dyn Fn(Request) -> Result<Response> + Send + Sync>,
    clock: Arc<ManualClock>,
    made: Arc<AtomicUsize>,
}

impl Site {
    fn get(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        self.ask("GET", path, headers)
    }

    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
        let mut request = http::Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        (self.call)(request.body(Vec::new()).unwrap()).unwrap()
    }

    /// How many pages were made so far.
    fn made(&self) -> usize {
        self.made.load(Ordering::SeqCst)
    }
}

/// Where pages are kept.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Place {
    Memory,
    Store,
}

/// Checks a site in both worlds, with pages in memory and encoded in a store.
fn everywhere(
    page: impl Fn(&mut Request) -> Result<Response> + Send + Sync + 'static,
    check: impl Fn(&Site),
) {
    let page: Page = Arc::new(page);
    for place in [Place::Memory, Place::Store] {
        println!("around an App, {place:?}");
        check(&around_an_app(place, page.clone()));
        println!("around a service, {place:?}");
        check(&around_a_service(place, page.clone()));
    }
}

fn counted(page: Page) -> (Page, Arc<AtomicUsize>) {
    let made = Arc::new(AtomicUsize::new(0));
    let counter = made.clone();
    let page = move |request: &mut Request| {
        counter.fetch_add(1, Ordering::SeqCst);
        page(request)
    };
    (Arc::new(page), made)
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Timestamp::from_micros(1_000_000_000_000)))
}

fn around_an_app(place: Place, page: Page) -> Site {
    let (page, made) = counted(page);
    let clock = clock();
    let cache = match place {
        Place::Memory => Cache::in_memory(1000),
        Place::Store => Cache::new(Backend::memory(), "pages"),
    };
    let app = move |request: &mut Request| page(request);
    let app = HttpCacheMiddleware::new(app, cache.clock(clock.clone())).clock(clock.clone());
    Site { call: Box::new(move |mut request| app.call(&mut request)), clock, made }
}

fn around_a_service(place: Place, page: Page) -> Site {
    let (page, made) = counted(page);
    let clock = clock();
    let cache = match place {
        Place::Memory => AsyncCache::in_memory(1000),
        Place::Store => AsyncCache::open(AsyncBackend::memory(), "pages"),
    };
    let layer = HttpCacheLayer::new(cache.clock(clock.clone())).clock(clock.clone());
    let service = layer.layer(service_fn(move |mut request: Request| {
        let page = page.clone();
        async move { page(&mut request).map(|response| response.map(axum::body::Body::from)) }
    }));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
    let call = move |request: Request| {
        let service = service.clone();
        runtime.block_on(async {
            let (parts, body) = service.oneshot(request).await?.into_parts();
            let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
            Ok::<_, Error>(Response::from_parts(parts, body.into()))
        })
    };
    Site { call: Box::new(call), clock, made }
}

/// A page with these headers, which says what it was made for.
fn page(body: &str, headers: &[(&'static str, &str)]) -> Response {
    let mut response = text(body);
    for (name, value) in headers {
        response.headers_mut().append(*name, value.parse().unwrap());
    }
    response
}

fn for_a_minute(request: &mut Request) -> Result<Response> {
    Ok(page(&request.uri().to_string(), &[("cache-control", "max-age=60")]))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap())
}

#[test]
fn a_page_is_made_once_while_it_is_fresh() {
    everywhere(for_a_minute, |site| {
        let first = site.get("/a", &[]);
        assert_eq!((first.status(), first.body().as_slice()), (StatusCode::OK, &b"/a"[..]));
        assert_eq!(header(first.headers(), "age"), Some("0"));
        site.clock.advance(Duration::from_secs(59));
        let again = site.get("/a", &[]);
        assert_eq!((again.body(), site.made()), (first.body(), 1));
        assert_eq!(header(again.headers(), "age"), Some("59"));
        assert_eq!(header(again.headers(), "content-type"), Some("text/plain; charset=utf-8"));
        assert_eq!(header(again.headers(), "cache-control"), Some("max-age=60"));
        assert_eq!(header(again.headers(), "content-length"), Some("2"));
        // Another address, host or query is another page.
        site.get("/b", &[]);
        site.get("/a?", &[]);
        site.get("/a", &[("host", "other.example")]);
        assert_eq!(site.made(), 4);
        site.clock.advance(Duration::from_secs(1));
        assert_eq!(header(site.get("/a", &[]).headers(), "age"), Some("0"));
        assert_eq!(site.made(), 5);
    });
}

#[test]
fn who_has_the_page_gets_no_page() {
    everywhere(for_a_minute, |site| {
        let first = site.get("/a", &[]);
        let tag = header(first.headers(), "etag").unwrap().to_owned();
        assert!(tag.starts_with("W/\"") && tag.len() == 36, "{tag}");
        let other = format!("\"x\", {tag}");
        for asked in [tag.as_str(), "*", other.as_str()] {
            let again = site.get("/a", &[("if-none-match", asked)]);
            assert_eq!((again.status(), again.body().len()), (StatusCode::NOT_MODIFIED, 0));
            assert_eq!(header(again.headers(), "etag"), Some(tag.as_str()));
            assert_eq!(header(again.headers(), "cache-control"), Some("max-age=60"));
            assert_eq!(header(again.headers(), "content-type"), None);
            assert_eq!(header(again.headers(), "content-length"), None);
        }
        assert_eq!(site.get("/a", &[("if-none-match", "\"x\"")]).body(), b"/a");
        assert_eq!(site.made(), 1);
        // Whoever has it first asks for all, who get the page.
        let known = site.get("/b", &[("if-none-match", "*")]);
        assert_eq!(known.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(site.get("/b", &[]).body(), b"/b");
        assert_eq!(site.made(), 2);
    });
}

#[test]
fn a_date_is_compared_where_there_is_no_tag_in_the_request() {
    let dated = |_: &mut Request| {
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        Ok(page("news", &[("cache-control", "max-age=60"), ("last-modified", date)]))
    };
    everywhere(dated, |site| {
        for (since, status) in [
            ("Sun, 06 Nov 1994 08:49:37 GMT", 304),
            ("Mon, 07 Nov 1994 08:49:37 GMT", 304),
            ("Sat, 05 Nov 1994 08:49:37 GMT", 200),
            ("rubbish", 200),
        ] {
            let answer = site.get("/", &[("if-modified-since", since)]);
            assert_eq!(answer.status(), status, "{since}");
            let both = [("if-modified-since", since), ("if-none-match", "\"other\"")];
            assert_eq!(site.get("/", &both).status(), 200, "{since}");
        }
        assert_eq!(site.made(), 1);
    });
}

#[test]
fn head_is_answered_with_the_page_of_get() {
    everywhere(for_a_minute, |site| {
        // It asks for no page, so none is kept.
        let before = site.ask("HEAD", "/a", &[]);
        assert_eq!((before.status(), site.made()), (StatusCode::OK, 1));
        let page = site.get("/a", &[]);
        assert_eq!(site.made(), 2);
        let head = site.ask("HEAD", "/a", &[]);
        assert_eq!((head.body().len(), site.made()), (0, 2));
        for name in ["content-length", "content-type", "etag", "cache-control"] {
            assert_eq!(head.headers().get(name), page.headers().get(name), "{name}");
        }
        let tag = header(page.headers(), "etag").unwrap();
        let known = site.ask("HEAD", "/a", &[("if-none-match", tag)]);
        assert_eq!(known.status(), StatusCode::NOT_MODIFIED);
    });
}

/// The request's query is the header of the answer: `/?set-cookie:a=1`.
fn told(request: &mut Request) -> Result<Response> {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let mut response = page("own", &[("cache-control", "max-age=60")]);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once(':').unwrap();
        if name == "status" {
            *response.status_mut() = StatusCode::from_u16(value.parse().unwrap()).unwrap();
        } else {
            let name = http::HeaderName::from_bytes(name.as_bytes()).unwrap();
            response.headers_mut().append(name, value.parse().unwrap());
        }
    }
    Ok(response)
}

#[test]
fn what_is_not_for_all_is_never_kept() {
    everywhere(told, |site| {
        for query in [
            "set-cookie:a=1",
            "cache-control:private",
            "cache-control:no-store",
            "cache-control:no-cache",
            "cache-control:s-maxage=0",
            "cache-control:max-age=0",
            "vary:*",
            "status:500",
            "status:201",
            "status:206",
            "status:401",
            "content-range:bytes",
        ] {
            let (before, path) = (site.made(), format!("/?{query}"));
            let first = site.get(&path, &[]);
            assert_eq!(header(first.headers(), "age"), None, "{query}");
            site.get(&path, &[]);
            assert_eq!(site.made(), before + 2, "{query}");
        }
        for name in ["authorization", "range", "if-match"] {
            let (before, path) = (site.made(), format!("/?x-of:{name}"));
            site.get(&path, &[(name, "x")]);
            site.get(&path, &[(name, "x")]);
            assert_eq!(site.made(), before + 2, "{name}");
        }
        let before = site.made();
        site.get("/?x-no:store", &[("cache-control", "no-store")]);
        site.get("/?x-no:store", &[]);
        assert_eq!(site.made(), before + 2);
        // What was kept for all is not given to one who says who they are.
        site.get("/?x-no:store", &[("authorization", "x")]);
        assert_eq!(site.made(), before + 3);
        for status in [203, 301, 404, 410] {
            let (before, path) = (site.made(), format!("/?status:{status}"));
            assert_eq!(site.get(&path, &[]).status(), status);
            assert_eq!(site.get(&path, &[]).status(), status);
            assert_eq!(site.made(), before + 1, "{status}");
        }
    });
}

#[test]
fn what_becomes_keepable_is_kept() {
    let is_private = Arc::new(Mutex::new(true));
    let changes = {
        let is_private = is_private.clone();
        move |_: &mut Request| {
            let private = [("cache-control", "max-age=60"), ("set-cookie", "a=1")];
            let headers = if *is_private.lock().unwrap() { &private[..] } else { &private[..1] };
            Ok(page("page", headers))
        }
    };
    everywhere(changes, |site| {
        *is_private.lock().unwrap() = true;
        site.get("/", &[]);
        site.get("/", &[]);
        *is_private.lock().unwrap() = false;
        site.get("/", &[]);
        assert_eq!(site.made(), 3);
        site.get("/", &[]);
        assert_eq!(site.made(), 3);
    });
}

#[test]
fn an_answer_that_is_not_kept_is_shortened_too() {
    let own = |_: &mut Request| {
        let headers = [("cache-control", "private"), ("etag", "\"a\""), ("set-cookie", "b=1")];
        Ok(page("own", &headers))
    };
    everywhere(own, |site| {
        for _ in 0..2 {
            let known = site.get("/", &[("if-none-match", "\"a\"")]);
            assert_eq!((known.status(), known.body().len()), (StatusCode::NOT_MODIFIED, 0));
            assert_eq!(header(known.headers(), "set-cookie"), Some("b=1"));
            assert_eq!(header(known.headers(), "content-type"), None);
            assert_eq!(site.get("/", &[]).body(), b"own");
        }
        assert_eq!(site.made(), 4);
    });
}

#[test]
fn a_page_goes_by_the_headers_that_it_names() {
    let spoken = |request: &mut Request| {
        let language = header(request.headers(), "accept-language").unwrap_or("none").to_owned();
        Ok(page(&language, &[("cache-control", "max-age=60"), ("vary", "Accept-Language")]))
    };
    everywhere(spoken, |site| {
        let body = |language: Option<&str>| {
            let headers = language.map(|it| ("accept-language", it));
            String::from_utf8(site.get("/", headers.as_slice()).into_body()).unwrap()
        };
        for _ in 0..3 {
            assert_eq!(body(Some("en")), "en");
            assert_eq!(body(Some("ru")), "ru");
            assert_eq!(body(None), "none");
        }
        assert_eq!(site.made(), 3);
        let known = site.get("/", &[("accept-language", "ru"), ("if-none-match", "*")]);
        assert_eq!(header(known.headers(), "vary"), Some("Accept-Language"));
        // All of them are forgotten at once.
        site.ask("POST", "/", &[]);
        assert_eq!(body(Some("en")), "en");
        assert_eq!(body(Some("ru")), "ru");
        assert_eq!(site.made(), 6);
    });
}

#[test]
fn a_page_may_go_by_other_headers_than_before() {
    let names = Arc::new(Mutex::new("accept"));
    let page = {
        let names = names.clone();
        move |request: &mut Request| {
            let names = *names.lock().unwrap();
            let headers = [("cache-control", "max-age=60"), ("vary", names)];
            let told = |name: &str| header(request.headers(), name).unwrap_or("-").to_owned();
            Ok(page(
                &[told("accept"), told("cookie")].concat(),
                &headers[..1 + usize::from(!names.is_empty())],
            ))
        }
    };
    everywhere(page, |site| {
        let body = |accept: &str, cookie: &str| {
            let answer = site.get("/", &[("accept", accept), ("cookie", cookie)]);
            String::from_utf8(answer.into_body()).unwrap()
        };
        *names.lock().unwrap() = "accept";
        assert_eq!(body("a", "1"), "a1");
        assert_eq!(body("a", "2"), "a1");
        *names.lock().unwrap() = "accept, cookie";
        assert_eq!(body("b", "1"), "b1");
        assert_eq!(body("b", "2"), "b2");
        assert_eq!(body("a", "2"), "a2");
        assert_eq!(body("a", "2"), "a2");
        assert_eq!(site.made(), 4);
        *names.lock().unwrap() = "";
        assert_eq!(body("c", "3"), "c3");
        assert_eq!(body("d", "4"), "c3");
        assert_eq!(site.made(), 5);
    });
}

#[test]
fn what_a_request_changes_is_made_anew() {
    let page = |request: &mut Request| match request.method().as_str() {
        "GET" => for_a_minute(request),
        "PUT" => {
            let mut response = text("no");
            *response.status_mut() = StatusCode::CONFLICT;
            Ok(response)
        }
        _ => Ok(text("done")),
    };
    everywhere(page, |site| {
        for (method, anew) in
            [("POST", true), ("DELETE", true), ("PATCH", true), ("PUT", false), ("OPTIONS", false)]
        {
            site.get("/", &[]);
            let before = site.made();
            site.ask(method, "/", &[]);
            site.ask("POST", "/other", &[]);
            site.get("/", &[]);
            assert_eq!(site.made(), before + 2 + usize::from(anew), "{method}");
        }
    });
}

#[test]
fn an_older_page_says_so() {
    let via_others =
        |_: &mut Request| Ok(page("page", &[("cache-control", "max-age=60"), ("age", "50")]));
    everywhere(via_others, |site| {
        assert_eq!(header(site.get("/", &[]).headers(), "age"), Some("50"));
        site.clock.advance(Duration::from_secs(9));
        assert_eq!(header(site.get("/", &[]).headers(), "age"), Some("59"));
        assert_eq!(site.made(), 1);
        site.clock.advance(Duration::from_secs(1));
        site.get("/", &[]);
        assert_eq!(site.made(), 2);
    });
}

#[test]
fn a_failure_goes_to_the_one_who_asked() {
    let fails = |request: &mut Request| match request.headers().get("fails") {
        Some(_) => Err(Error::new(ErrorKind::Application, "on purpose")),
        None => for_a_minute(request),
    };
    everywhere(fails, |site| {
        let request = http::Request::get("/").header("fails", "1").body(Vec::new()).unwrap();
        let error = (site.call)(request).unwrap_err();
        assert!(error.to_string().contains("on purpose"), "{error}");
        assert_eq!(site.get("/", &[]).body(), b"/");
        site.get("/", &[]);
        assert_eq!(site.made(), 2);
    });
}

/// What 64 visitors get who come at one moment; `open` is held until all are there.
fn stampede(
    site: &Site,
    headers: impl Fn(usize) -> Vec<(&'static str, &'static str)> + Sync,
) -> Vec<Response> {
    let start = Barrier::new(64);
    thread::scope(|scope| {
        let visitors: Vec<_> = (0..64)
            .map(|number| {
                let (start, headers) = (&start, &headers);
                scope.spawn(move || {
                    start.wait();
                    site.get("/", &headers(number))
                })
            })
            .collect();
        visitors.into_iter().map(|visitor| visitor.join().unwrap()).collect()
    })
}

#[test]
fn of_64_visitors_at_once_one_has_the_page_made() {
    everywhere(for_a_minute, |site| {
        for round in 1..=8 {
            let answers = stampede(site, |_| Vec::new());
            assert!(answers.iter().all(|answer| answer.body() == b"/"));
            assert_eq!(site.made(), round);
            site.clock.advance(Duration::from_secs(60));
        }
    });
}

#[test]
fn of_64_visitors_with_two_languages_two_have_a_page_made() {
    let spoken = |request: &mut Request| {
        let language = header(request.headers(), "accept-language").unwrap().to_owned();
        Ok(page(&language, &[("cache-control", "max-age=60"), ("vary", "accept-language")]))
    };
    let language = |number| if number % 2 == 0 { "en" } else { "ru" };
    everywhere(spoken, |site| {
        let answers = stampede(site, |number| vec![("accept-language", language(number))]);
        for (number, answer) in answers.iter().enumerate() {
            assert_eq!(answer.body(), language(number).as_bytes());
        }
        assert_eq!(site.made(), 2);
    });
}

#[test]
fn of_64_visitors_each_gets_what_is_their_own() {
    let own = |request: &mut Request| {
        let cookie = header(request.headers(), "cookie").unwrap().to_owned();
        Ok(page(&cookie, &[("cache-control", "max-age=60"), ("set-cookie", &cookie)]))
    };
    const NAMES: [&str; 4] = ["kimi", "felipe", "sebastian", "charles"];
    everywhere(own, |site| {
        let answers = stampede(site, |number| vec![("cookie", NAMES[number % 4])]);
        for (number, answer) in answers.iter().enumerate() {
            assert_eq!(answer.body(), NAMES[number % 4].as_bytes());
            assert_eq!(header(answer.headers(), "set-cookie"), Some(NAMES[number % 4]));
        }
        assert_eq!(site.made(), 64);
    });
}

#[test]
fn a_large_page_is_not_kept() {
    let page: Page = Arc::new(for_a_minute);
    let (counted, made) = counted(page);
    let app = move |request: &mut Request| counted(request);
    let app = HttpCacheMiddleware::new(app, Cache::in_memory(10)).body_limit(2);
    for (path, expected) in [("/a", 1), ("/a", 1), ("/ab", 2), ("/ab", 3)] {
        app.call(&mut http::Request::get(path).body(Vec::new()).unwrap()).unwrap();
        assert_eq!(made.load(Ordering::SeqCst), expected, "{path}");
    }
}

#[test]
fn a_page_that_is_streamed_is_not_kept() {
    let layer = HttpCacheLayer::new(AsyncCache::in_memory(10)).body_limit(100);
    let made = Arc::new(AtomicUsize::new(0));
    let counter = made.clone();
    let service = layer.layer(service_fn(move |request: Request| {
        counter.fetch_add(1, Ordering::SeqCst);
        let is_streamed = request.uri().path() == "/streamed";
        async move {
            let bytes = axum::body::Body::from("page");
            let body = match is_streamed {
                true => axum::body::Body::new(Unmeasured(bytes)),
                false => bytes,
            };
            let page = http::Response::builder().header("cache-control", "max-age=60").body(body);
            Ok::<_, std::convert::Infallible>(page.unwrap())
        }
    }));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for (path, expected) in [("/streamed", 1), ("/streamed", 2), ("/", 3), ("/", 3)] {
        let request = http::Request::get(path).body(Vec::new()).unwrap();
        let answer = runtime.block_on(service.clone().oneshot(request)).unwrap();
        let body = runtime.block_on(axum::body::to_bytes(answer.into_body(), 100)).unwrap();
        assert_eq!((&body[..], made.load(Ordering::SeqCst)), (&b"page"[..], expected), "{path}");
    }
}

/// A connection that is kept open keeps its service as well.
#[test]
fn a_page_that_is_found_holds_no_place_in_the_service() {
    let places = Arc::new(Semaphore::new(1));
    let page = |_: Request| async {
        let page = http::Response::builder().header("cache-control", "max-age=60");
        Ok::<_, Infallible>(page.body(axum::body::Body::from("page")).unwrap())
    };
    let limited = GlobalConcurrencyLimitLayer::with_semaphore(places.clone());
    let kept = HttpCacheLayer::new(AsyncCache::in_memory(10));
    let service = kept.layer(limited.layer(service_fn(page)));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut connections = [service.clone(), service];
    for _ in 0..2 {
        for connection in &mut connections {
            let request = http::Request::get("/").body(Vec::new()).unwrap();
            let answer = runtime.block_on(async {
                let ready = connection.ready().await?;
                ready.call(request).await
            });
            assert_eq!(answer.unwrap().status(), 200);
            assert_eq!(places.available_permits(), 1);
        }
    }
}

/// A body of which nobody knows the length.
struct Unmeasured(axum::body::Body);

impl http_body::Body for Unmeasured {
    type Data = <axum::body::Body as http_body::Body>::Data;
    type Error = axum::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Self::Data>, axum::Error>>> {
        std::pin::Pin::new(&mut self.0).poll_frame(context)
    }
}

#[test]
fn a_cache_that_is_down_is_passed_by() {
    let store = Watched::new(true);
    let cache: Cache<CachedPage> =
        Cache::new(Backend::new(store.clone(), LocalLocks::new()), "pages");
    let app = HttpCacheMiddleware::new(for_a_minute, cache);
    let call = || {
        let response = app.call(&mut http::Request::get("/").body(Vec::new()).unwrap());
        response.unwrap().into_body()
    };
    store.set_full(true);
    for _ in 0..3 {
        assert_eq!(call(), b"/");
    }
}

/// A session inside: who asks for it says so, and no visitor gets the page of another.
#[test]
fn a_page_with_a_session_goes_by_its_cookie() {
    let sessions = Sessions::new(Backend::memory()).signed_by(Signer::random().unwrap());
    let cookies: HashMap<&str, String> = ["kimi", "felipe"]
        .map(|name| {
            let mut session = sessions.create();
            session.set("name", name);
            session.save().unwrap();
            let cookie = session.set_cookie().unwrap().unwrap();
            (name, cookie.split(';').next().unwrap().to_owned())
        })
        .into();
    let made = Arc::new(AtomicUsize::new(0));
    let app = {
        let made = made.clone();
        move |request: &mut Request| {
            made.fetch_add(1, Ordering::SeqCst);
            let session = request.session()?;
            let name = session.require("name")?.as_str().unwrap_or_default().to_owned();
            Ok(page(&name, &[("cache-control", "max-age=60")]))
        }
    };
    let app = SessionMiddleware::new(app, sessions.save_accessed_time(false)).unwrap();
    let app = HttpCacheMiddleware::new(app, Cache::in_memory(10));
    for _ in 0..2 {
        for (name, cookie) in &cookies {
            let request = http::Request::get("/").header("cookie", cookie);
            let answer = app.call(&mut request.body(Vec::new()).unwrap()).unwrap();
            assert_eq!(answer.body(), name.as_bytes());
        }
    }
    assert_eq!(made.load(Ordering::SeqCst), 2);
}

/// A session outside: nothing in the answer says that it is a visitor's own.
#[test]
fn a_page_inside_a_session_is_kept_if_it_does_not_ask_for_it() {
    let page = |request: &mut Request| {
        let is_own = request.uri().path() == "/own";
        let name = match is_own {
            true => request.session()?.require("name")?.as_str().unwrap_or_default().to_owned(),
            false => "all".to_owned(),
        };
        Ok(page(&name, &[("cache-control", "max-age=60")]))
    };
    let sessions = Sessions::new(Backend::memory()).signed_by(Signer::random().unwrap());
    let cookies = ["kimi", "felipe"].map(|name| {
        let mut session = sessions.create();
        session.set("name", name);
        session.save().unwrap();
        (name, session.set_cookie().unwrap().unwrap().split(';').next().unwrap().to_owned())
    });
    let request = |path: &str, cookie: &str| {
        http::Request::get(path).header("cookie", cookie).body(Vec::new()).unwrap()
    };
    let (counted, made) = counted(Arc::new(page));
    let app = HttpCacheMiddleware::new(
        move |request: &mut Request| counted(request),
        Cache::in_memory(10),
    );
    let app = SessionMiddleware::new(app, sessions.clone()).unwrap();
    let layer = HttpCacheLayer::new(AsyncCache::in_memory(10));
    let service = layer.layer(service_fn(move |mut request: Request| async move {
        page(&mut request).map(|response| response.map(axum::body::Body::from))
    }));
    let service = beaker::middleware::SessionLayer::new(sessions).unwrap().layer(service);
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    for _ in 0..2 {
        for (name, cookie) in &cookies {
            let answer = app.call(&mut request("/own", cookie)).unwrap();
            assert_eq!(answer.body(), name.as_bytes());
            let answer = service.clone().oneshot(request("/own", cookie));
            let answer = runtime.block_on(answer).unwrap();
            assert_eq!(answer.headers().get("age"), None);
            let body = runtime.block_on(axum::body::to_bytes(answer.into_body(), 100)).unwrap();
            assert_eq!(body, name.as_bytes());
        }
    }
    assert_eq!(made.load(Ordering::SeqCst), 4);
    for (_, cookie) in &cookies {
        app.call(&mut request("/all", cookie)).unwrap();
    }
    assert_eq!(made.load(Ordering::SeqCst), 5);
}

/// All stores of the library take pages.
#[servers::needs(redis)]
#[test]
fn pages_are_kept_in_redis() {
    let server = servers::Redis::for_programs().unwrap();
    let backend = Backend::open("ext:redis", &[("url", server.url().as_str())]).unwrap();
    let (counted, made) = counted(Arc::new(for_a_minute));
    let cache = Cache::new(backend, "pages");
    // Two processes share them.
    let app = || {
        let counted = counted.clone();
        HttpCacheMiddleware::new(move |request: &mut Request| counted(request), cache.clone())
    };
    for app in [app(), app()] {
        let answer = app.call(&mut http::Request::get("/").body(Vec::new()).unwrap()).unwrap();
        assert_eq!(answer.body(), b"/");
    }
    assert_eq!(made.load(Ordering::SeqCst), 1);
}
