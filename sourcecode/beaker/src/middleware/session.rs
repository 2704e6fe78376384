//! [`SessionMiddleware`]: gives each request its session, and saves it when the request has ended.
//! `SessionLayer` takes the same steps.

use std::fmt;

use http::HeaderValue;
use http::header::{COOKIE, SET_COOKIE, VARY};

use super::arrival::SessionsByRequest;
use super::log::{Asked, log, log_unsaved};
use super::request_session::LazySession;
use super::tenant_cookie::TenantCookie;
use super::{App, Request, Response};
use crate::cookie::CookieOptions;
use crate::error::{Error, ErrorKind, Result};
use crate::session::{SessionState, Sessions};
use crate::world::finish;

/// Gives each request to an application its visitor's session: Beaker's middleware of the same name.
///
/// The session is loaded when the application first [asks](super::SessionExt::session) for it. It is saved
/// after the application has answered, if the application called `save` (or, with [`Sessions::auto`],
/// whenever it has changed), and the response gets the cookie that the visitor needs.
///
/// Nothing is saved if the application fails, with an error or with a status of 500 or more. If it succeeds
/// but has changed the session without saving it, a `WARN` event reports the request's method and path and
/// the changed keys, without their values. Changes are dropped if another request of the same visitor has
/// meanwhile logged in or out, that is, ended the id. If only the access could not be noted, that is logged,
/// and the visitor gets the response.
pub struct SessionMiddleware<A> {
    app: A,
    sessions: SessionsByRequest,
}

impl<A: App> SessionMiddleware<A> {
    /// Wraps an application.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` if the sessions have no signer, or if their options do not fit together.
    pub fn new(app: A, sessions: Sessions) -> Result<SessionMiddleware<A>> {
        let sessions = sessions.into_manager();
        sessions.check_for_visitors()?;
        Ok(SessionMiddleware { app, sessions: SessionsByRequest::new(sessions) })
    }

    /// Sets the cookie of each request by its host and its path, for a site with many tenants. The function
    /// gets the host (without a port, in lower case, empty if the request names none), the path, and the
    /// options of [`Sessions::cookie`]; it returns them with another name, path
    /// or domain. Default: all requests have the same cookie.
    ///
    /// Give each tenant a name of its own. A signature is only valid for the cookie's name, so a visitor who
    /// moves a cookie to the site of another tenant is nobody there. With the same name everywhere, the
    /// session of one tenant's administrator would be one of another tenant too. (In
    /// [Beaker's format](crate::Signer::beaker) a signature is valid for any name, so it keeps no tenants
    /// apart.) If a tenant gets a new name,
    /// its visitors begin new sessions. All tenants share the namespace of the sessions, so put the tenant
    /// into the name that you pass to [`set_user`](crate::session::SessionState::set_user) as well.
    ///
    /// The host is what the visitor has sent: look it up among your tenants. Options that browsers would
    /// ignore, such as a domain that is none, are an error of the kind `Config` when that request asks for its
    /// session. The function is called for each request, so it should not wait for anything.
    ///
    /// ```
    /// use beaker::middleware::{Request, SessionExt, SessionMiddleware, text};
    /// use beaker::{Backend, CookieOptions, Sessions, Signer};
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let tenants = |host: &str, _path: &str, cookie: CookieOptions| match host {
    ///     "kimi.example" => cookie.name("kimi"),
    ///     "valtteri.example" | "www.valtteri.example" => cookie.name("valtteri").domain("valtteri.example"),
    ///     _ => cookie,
    /// };
    /// let application = |request: &mut Request| {
    ///     request.session()?.save()?;
    ///     Ok(text("Welcome"))
    /// };
    /// let sessions = Sessions::new(Backend::memory()).signed_by(Signer::random()?);
    /// let app = SessionMiddleware::new(application, sessions)?.cookie_by_request(tenants);
    /// # let _ = app;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn cookie_by_request(
        self,
        cookie: impl Fn(&str, &str, CookieOptions) -> CookieOptions + Send + Sync + 'static,
    ) -> SessionMiddleware<A> {
        let sessions = self.sessions.with_tenants(TenantCookie::new(cookie));
        SessionMiddleware { app: self.app, sessions }
    }
}

impl<A: App> App for SessionMiddleware<A> {
    fn call(&self, request: &mut Request) -> Result<Response> {
        let lazy = begin(&self.sessions, request, None);
        let mut response = self.app.call(request)?;
        let asked = || Some(Asked::of(request));
        if let Some(session) = end(&lazy, &mut response, asked)? {
            let cookie = finish(save(session, asked))?;
            send(&mut response, cookie);
        }
        Ok(response)
    }
}

impl<A> fmt::Debug for SessionMiddleware<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionMiddleware")
            .field("sessions", &self.sessions)
            .finish_non_exhaustive()
    }
}

/// First, before the application: gives the request its session, which is not loaded yet.
pub(super) fn begin<B>(
    sessions: &SessionsByRequest,
    request: &mut http::Request<B>,
    asked: Option<Asked>,
) -> LazySession {
    let cookies = request.headers().get_all(COOKIE).iter().cloned().collect();
    let lazy = match sessions.of(request) {
        Ok(Some(sessions)) => LazySession::new(sessions, asked, cookies),
        Ok(None) => LazySession::without(asked),
        Err(error) => LazySession::refused(asked, &error),
    };
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
