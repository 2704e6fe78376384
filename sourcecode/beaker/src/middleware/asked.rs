//! [`Asked`]: what a request asked for, to name it where something is told of it.

use std::cell::RefCell;
use std::fmt;

use http::uri::PathAndQuery;
use http::{Method, Request};

use super::lazy::LazySession;

/// A request's method and path. Its query is left out, which may hold anything.
#[derive(Clone)]
pub(super) struct Asked {
    method: Method,
    path: Option<PathAndQuery>,
}

impl Asked {
    /// Shares the text with the request.
    pub(super) fn of<B>(request: &Request<B>) -> Asked {
        let path = request.uri().path_and_query().cloned();
        Asked { method: request.method().clone(), path }
    }

    pub(super) fn method(&self) -> &str {
        self.method.as_str()
    }

    pub(super) fn path(&self) -> &str {
        self.path.as_ref().map_or("/", PathAndQuery::path)
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method(), self.path())
    }
}

thread_local! {
    /// The request that this thread is at.
    static CURRENT: RefCell<Option<LazySession>> = const { RefCell::new(None) };
}

/// Works on this request: what has no other way to know it asks [`current`].
#[cfg(feature = "tower")]
pub(super) fn during<T>(request: &LazySession, work: impl FnOnce() -> T) -> T {
    struct Restore(Option<LazySession>);
    impl Drop for Restore {
        fn drop(&mut self) {
            let before = self.0.take();
            CURRENT.with_borrow_mut(|current| *current = before);
        }
    }
    let _restore = Restore(CURRENT.with_borrow_mut(|current| current.replace(request.clone())));
    work()
}

/// The request that this thread is at, if it is at one.
#[cfg(feature = "axum")]
pub(super) fn current() -> Option<Asked> {
    CURRENT.with_borrow(|current| current.as_ref().map(|request| request.asked().clone()))
}
