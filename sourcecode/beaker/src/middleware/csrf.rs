//! [`CsrfMiddleware`]: refuses changing requests that do not come from a page of this site.

use std::fmt;

use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::log::{Asked, refused};
use super::{App, Request, Response, SessionExt, text};
use crate::error::{Error, Result};
use crate::session::SessionState;

/// The largest form in which a token is looked for, by default.
const BODY_LIMIT: usize = 1024 * 1024;

/// Protects an application against cross-site request forgery (CSRF): a page of another site makes a
/// visitor's browser send a form, to which the browser adds the session's cookie.
///
/// A request that changes something must carry a [token](SessionState::csrf_token) of the session, which only
/// pages of this site can know: in the header `X-CSRF-Token`, or in the form field `csrf_token`. A request
/// without a valid token gets the status 403. `GET`, `HEAD`, `OPTIONS` and `TRACE` need no token, so their
/// handlers must not change anything.
///
/// The middleware belongs inside a `SessionMiddleware`. Routes that are not called from a page, such as
/// webhooks, belong outside of it.
///
/// A token is found in forms of the type `application/x-www-form-urlencoded`. Forms with files
/// (`multipart/form-data`) must be sent by a script that sets the header.
///
/// # Examples
///
/// ```
/// use beaker::middleware::{CsrfMiddleware, Request, Response, SessionExt, SessionMiddleware, text};
/// use beaker::{Backend, Sessions, Signer};
///
/// # fn main() -> beaker::Result<()> {
/// let app = |request: &mut Request| -> beaker::Result<Response> {
///     let mut session = request.session()?;
///     let token = session.csrf_token();
///     session.save()?;
///     let field = format!(r#"<input type="hidden" name="csrf_token" value="{token}">"#);
///     Ok(text(format!(r#"<form method="post">{field}<button>Buy</button></form>"#)))
/// };
/// let sessions = Sessions::new(Backend::memory()).signed_by(Signer::random()?);
/// let app = SessionMiddleware::new(CsrfMiddleware::new(app), sessions)?;
/// # let _ = app;
/// # Ok(())
/// # }
/// ```
#[must_use]
pub struct CsrfMiddleware<A> {
    app: A,
    rules: CsrfRules,
}

/// Where a token is looked for.
#[derive(Debug, Clone)]
pub(super) struct CsrfRules {
    pub(super) header: HeaderName,
    pub(super) field: String,
    pub(super) body_limit: usize,
}

/// What is known of a request before its body is.
pub(super) enum Sent {
    /// It changes nothing.
    Safe,
    Token(String),
    /// It may be in the body.
    Form,
    Nothing,
}

impl Default for CsrfRules {
    fn default() -> CsrfRules {
        CsrfRules {
            header: HeaderName::from_static("x-csrf-token"),
            field: "csrf_token".into(),
            body_limit: BODY_LIMIT,
        }
    }
}

impl CsrfRules {
    pub(super) fn sent(&self, method: &Method, headers: &HeaderMap) -> Sent {
        if method.is_safe() {
            return Sent::Safe;
        }
        if let Some(token) = headers.get(&self.header) {
            return Sent::Token(String::from_utf8_lossy(token.as_bytes()).into_owned());
        }
        let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
        match kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            true => Sent::Form,
            false => Sent::Nothing,
        }
    }

    /// Returns the token in a form. Of two, the first counts.
    pub(super) fn in_form(&self, body: &[u8]) -> Option<String> {
        let mut fields = form_urlencoded::parse(body);
        fields.find(|(name, _)| *name == self.field).map(|(_, value)| value.into_owned())
    }

    /// Sets the header. What is no name for one is told when the program starts.
    pub(super) fn set_header(&mut self, name: &str) -> Result<()> {
        self.header = HeaderName::try_from(name).map_err(|error| {
            Error::config(format!("`{name}` is no name for a header")).caused_by(error)
        })?;
        Ok(())
    }
}

/// Returns a token of the session. A new session is saved, because the token would be worthless without it.
#[cfg(feature = "axum")]
pub(super) fn token(session: &mut super::RequestSession) -> Result<String> {
    let token = session.csrf_token();
    if session.is_new() && session.origin() != crate::session::Origin::Unavailable {
        session.save()?;
    }
    Ok(token)
}

/// Tells whether a request may go on. `None` for one whose token was not found.
pub(super) fn is_right(session: &SessionState, token: Option<&str>) -> bool {
    token.is_some_and(|token| session.check_csrf(token))
}

/// What a visitor reads whose request was refused.
pub(super) fn forbidden(asked: &Asked, has_token: bool) -> (StatusCode, &'static str) {
    refused(asked, if has_token { "it is none of this session" } else { "there is none" });
    let what = "This request was not made by a page of this site, or that page is too old. \
                Load the page again.";
    (StatusCode::FORBIDDEN, what)
}

pub(super) const TOO_LARGE: (StatusCode, &str) =
    (StatusCode::PAYLOAD_TOO_LARGE, "This form is too large.");

/// Nobody keeps a refusal.
pub(super) fn refusal<B>(status: StatusCode, body: B) -> http::Response<B> {
    let mut response = http::Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

impl<A: App> CsrfMiddleware<A> {
    /// Wraps an application.
    pub fn new(app: A) -> CsrfMiddleware<A> {
        CsrfMiddleware { app, rules: CsrfRules::default() }
    }

    /// Sets the header that may contain the token. Default: `X-CSRF-Token`.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` if this is not a valid name of a header.
    pub fn header(mut self, name: &str) -> Result<CsrfMiddleware<A>> {
        self.rules.set_header(name)?;
        Ok(self)
    }

    /// Sets the form field that may contain the token. Default: `csrf_token`.
    pub fn field(mut self, name: impl Into<String>) -> CsrfMiddleware<A> {
        self.rules.field = name.into();
        self
    }

    /// Sets the maximum size of a form, in bytes. Default: 1 MiB. A larger form gets the status 413.
    pub fn body_limit(mut self, bytes: usize) -> CsrfMiddleware<A> {
        self.rules.body_limit = bytes;
        self
    }
}

impl<A: App> App for CsrfMiddleware<A> {
    fn call(&self, request: &mut Request) -> Result<Response> {
        let token = match self.rules.sent(request.method(), request.headers()) {
            Sent::Safe => return self.app.call(request),
            Sent::Token(token) => Some(token),
            Sent::Form if request.body().len() > self.rules.body_limit => {
                let (status, what) = TOO_LARGE;
                return Ok(refusal(status, text(what).into_body()));
            }
            Sent::Form => self.rules.in_form(request.body()),
            Sent::Nothing => None,
        };
        if is_right(&*request.session()?, token.as_deref()) {
            return self.app.call(request);
        }
        let (status, what) = forbidden(&Asked::of(request), token.is_some());
        Ok(refusal(status, text(what).into_body()))
    }
}

impl<A> fmt::Debug for CsrfMiddleware<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CsrfMiddleware").field("rules", &self.rules).finish_non_exhaustive()
    }
}
