//! [`Asked`]: what a request asked for, to name it where something is told of it.

use std::fmt;

use http::uri::PathAndQuery;
use http::{Method, Request};

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
