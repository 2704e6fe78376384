//! The steps around an application. Both middlewares take them in this order, so that they differ
//! in nothing but where the third one runs.

use http::HeaderValue;
use http::header::{COOKIE, SET_COOKIE, VARY};

use super::asked::Asked;
use super::lazy::LazySession;
use super::log::log;
use super::log::log_unsaved;
use crate::error::{Error, ErrorKind, Result};
use crate::session::{Manager, SessionState};

/// First, before the application: gives the request its session, which is not loaded yet.
pub(super) fn begin<B>(
    sessions: &Manager,
    request: &mut http::Request<B>,
    asked: Option<Asked>,
) -> LazySession {
    let cookies = request.headers().get_all(COOKIE).iter().cloned().collect();
    let lazy = LazySession::new(sessions.clone(), asked, cookies);
    request.extensions_mut().insert(lazy.clone());
    lazy
}

/// Second, after the application: takes the session back. `None` if there is nothing to save: it was
/// not asked for, or the application failed.
pub(super) fn end<B>(
    lazy: &LazySession,
    response: &mut http::Response<B>,
    asked: impl FnOnce() -> Option<Asked>,
) -> Result<Option<Box<SessionState>>> {
    let Some(session) = lazy.end()? else { return Ok(None) };
    response.headers_mut().append(VARY, HeaderValue::from_static("Cookie"));
    if response.status().is_server_error() {
        return Ok(None);
    }
    log_unsaved(asked, &session);
    Ok(Some(session))
}

/// Third, and it may wait: saves the session. Gives the cookie that the visitor needs, if any.
pub(super) async fn save(
    mut session: Box<SessionState>,
    asked: impl FnOnce() -> Option<Asked>,
) -> Result<Option<HeaderValue>> {
    let is_only_looked_at = session.is_only_looked_at();
    match session.persist().await {
        // Another request has deleted it, or given it a new id, while this one ran. That one has
        // the last word, about the cookie too.
        Err(error) if error.kind() == ErrorKind::SessionGone => return Ok(None),
        Err(error) if is_only_looked_at => {
            log("that a session was used could not be noted", asked().as_ref(), &error);
            return Ok(None);
        }
        saved => saved?,
    }
    cookie(&session)
}

/// The cookie that the visitor of a session needs, in which there is nothing to save.
pub(super) fn cookie(session: &SessionState) -> Result<Option<HeaderValue>> {
    let cookie = session.set_cookie()?.map(HeaderValue::try_from).transpose();
    cookie.map_err(|error| Error::config("the session's cookie is no header").caused_by(error))
}

/// Last: adds the cookie to the response.
pub(super) fn send<B>(response: &mut http::Response<B>, cookie: Option<HeaderValue>) {
    if let Some(cookie) = cookie {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
}
