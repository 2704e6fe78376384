//! Logs for the operator of the server: what a request asked for, and what went wrong. The visitor learns
//! nothing of it.

use std::fmt;
use std::net::IpAddr;

use http::uri::PathAndQuery;
use http::{Method, Request};

use crate::error::Error;
use crate::session::SessionState;

const TARGET: &str = "beaker::middleware";

/// More keys than these are counted, and not named.
const MOST_KEYS: usize = 16;

/// An error that nobody else gets to see: an event of `tracing`, whose target is `beaker::middleware`; or a line
/// of the standard error output, in a program that never set a subscriber.
pub(super) fn log(what: &str, asked: Option<&Asked>, error: &Error) {
    if tracing::dispatcher::has_been_set() {
        let (method, path) = (asked.map(Asked::method), asked.map(Asked::path));
        tracing::error!(target: TARGET, method, path, error = ?error, "{what}");
        return;
    }
    match asked {
        Some(asked) => eprintln!("beaker: {asked}: {what}: {error:?}"),
        None => eprintln!("beaker: {what}: {error:?}"),
    }
}

/// What is wrong with how the program is set up, and shows with a request from this peer.
pub(super) fn warn(peer: Option<IpAddr>, what: &str) {
    let peer = peer.map(tracing::field::display);
    tracing::warn!(target: TARGET, peer, "{what}");
}

/// A request was refused, because it had no token of its session.
pub(super) fn refused(asked: &Asked, why: &str) {
    let (method, path) = (asked.method(), asked.path());
    tracing::debug!(target: TARGET, method, path, why, "refused: its CSRF token is not right");
}

/// The request has been answered, and its changes to the session are dropped, because it did not save them.
pub(super) fn log_unsaved(asked: impl FnOnce() -> Option<Asked>, session: &SessionState) {
    let Some(unsaved) = session.unsaved() else { return };
    let (id, count) = (unsaved.id.shown(), unsaved.keys.len());
    let keys = &unsaved.keys[..count.min(MOST_KEYS)];
    let asked = asked();
    let (method, path) = (asked.as_ref().map(Asked::method), asked.as_ref().map(Asked::path));
    tracing::warn!(
        target: TARGET, method, path, id, ?keys, count,
        "the session was changed and not saved; call `save`, or turn on `auto`"
    );
}

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
