//! A site with sessions, built with each of the middlewares; and those who visit it.

use std::sync::{Arc, Mutex};

use beaker::lock::LocalLocks;
use beaker::middleware::{
    App, Request, RequestSession, Response, SessionExt, SessionMiddleware, text,
};
use beaker::{Backend, CookieOptions, Result, SessionId, Sessions, Signer};

use super::watched::Watched;

/// What makes a page.
pub(crate) type Page = Arc<dyn Fn(&mut RequestSession, &str) -> Result<Response> + Send + Sync>;

pub(crate) trait Site: Sync {
    fn call(&self, request: Request) -> Result<Response>;
}

/// Checks the site with each of the middlewares, each time with another store.
pub(crate) fn everywhere(
    options: impl Fn(Sessions) -> Sessions,
    page: impl Fn(&mut RequestSession, &str) -> Result<Response> + Send + Sync + 'static,
    check: impl Fn(&dyn Site, &Watched, &Sessions),
) {
    let page: Page = Arc::new(page);
    let sessions_in = |store: &Watched| {
        let backend = Backend::new(store.clone(), LocalLocks::new());
        let sessions = Sessions::new(backend).signed_by(Signer::random().unwrap());
        options(sessions).cookie(CookieOptions::default().insecure_for_localhost())
    };
    let (store, page_of_app) = (Watched::new(true), page.clone());
    let sessions = sessions_in(&store);
    let app = move |request: &mut Request| match request.uri().path() {
        "/static" => Ok(text("no session")),
        path => page_of_app(&mut request.session()?, path),
    };
    println!("around an App");
    check(&Wrapped(SessionMiddleware::new(app, sessions.clone()).unwrap()), &store, &sessions);

    #[cfg(feature = "tower")]
    for blocks in [false, true] {
        println!("around a service, with a store that waits: {blocks}");
        let store = Watched::new(blocks);
        let sessions = sessions_in(&store);
        check(&of_tower::site(sessions.clone(), page.clone()), &store, &sessions);
    }
}

struct Wrapped<A>(A);

impl<A: App> Site for Wrapped<A> {
    fn call(&self, mut request: Request) -> Result<Response> {
        self.0.call(&mut request)
    }
}

#[cfg(feature = "tower")]
mod of_tower {
    use beaker::middleware::{SessionLayer, session_of};
    use beaker::{Error, Sessions};
    use tower::{Layer, Service, ServiceExt, service_fn};

    use super::{Page, Request, Response, Result, Site, text};

    pub(super) fn site(sessions: Sessions, page: Page) -> impl Site {
        let service = service_fn(move |request: Request| {
            let page = page.clone();
            async move {
                match request.uri().path() {
                    "/static" => Ok(text("no session")),
                    path => page(&mut session_of(request.extensions()).await?, path),
                }
            }
        });
        Around(SessionLayer::new(sessions).unwrap().layer(service))
    }

    struct Around<S>(S);

    impl<S> Site for Around<S>
    where
        S: Service<Request, Response = Response, Error = Error> + Clone + Sync,
    {
        fn call(&self, request: Request) -> Result<Response> {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(self.0.clone().oneshot(request))
        }
    }
}

pub(crate) fn get(path: &str, cookie: Option<&str>) -> Request {
    let mut request = http::Request::get(path).body(Vec::new()).unwrap();
    if let Some(cookie) = cookie {
        request.headers_mut().insert("cookie", cookie.parse().unwrap());
    }
    request
}

/// A browser: sends the cookies that it was given.
pub(crate) struct Visitor<'a> {
    site: &'a dyn Site,
    pub(crate) cookie: Mutex<Option<String>>,
}

impl<'a> Visitor<'a> {
    pub(crate) fn new(site: &'a dyn Site) -> Visitor<'a> {
        Visitor { site, cookie: Mutex::new(None) }
    }

    pub(crate) fn visit(&self, path: &str) -> Result<Response> {
        let mut cookie = self.cookie.lock().unwrap();
        let response = self.site.call(get(path, cookie.as_deref()))?;
        if let Some(header) = response.headers().get("set-cookie") {
            let pair = header.to_str().unwrap().split(';').next().unwrap();
            let (_, value) = pair.split_once('=').unwrap();
            *cookie = (!value.is_empty()).then(|| pair.to_owned());
        }
        Ok(response)
    }

    /// The id in its cookie.
    pub(crate) fn id(&self) -> SessionId {
        let cookie = self.cookie.lock().unwrap();
        let value = cookie.as_deref().unwrap().split_once('=').unwrap().1;
        value.split('.').next().unwrap().parse().unwrap()
    }

    pub(crate) fn body(&self, path: &str) -> String {
        String::from_utf8(self.visit(path).unwrap().into_body()).unwrap()
    }
}
