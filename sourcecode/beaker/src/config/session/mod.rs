//! [`SessionConfig`]: the options of sessions, typed.

mod keys;
mod print;
mod read;
mod sessions;

use std::fmt;
use std::time::Duration;

pub use keys::Keys;

use super::backend::BackendConfig;
use super::cookie::CookieConfig;
use super::print::Lines;
use crate::session::OnStoreFailure;

/// What `session.…` says. It prints as lines of `key = value`, with secrets hidden.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionConfig {
    /// `type` and the back end's options: where sessions are kept.
    pub place: Place,
    /// `timeout`: a session ends that was not used for so long.
    pub timeout: Option<Duration>,
    /// `lifetime`: a session ends so long after it began.
    pub lifetime: Option<Duration>,
    /// `touch_every`: an access is noted if the last one was noted so long ago.
    pub touch_every: Option<Duration>,
    /// `grace`: how long an old id leads to the session; zero is not at all.
    pub grace: Duration,
    /// `max_per_user`: how many sessions a user may have; the oldest ends when there is one more.
    pub max_per_user: usize,
    /// `local_tier`: for how long copies in the memory of this process are shown; `None` is not at all.
    pub local_tier: Option<Duration>,
    /// `local_tier_capacity`: of how many sessions there are copies at most.
    pub local_tier_capacity: usize,
    /// `save_accessed_time`: whether accesses are noted.
    pub save_accessed_time: bool,
    /// `auto`: whether the middleware saves what was changed.
    pub auto: bool,
    /// How the cookie is sent.
    pub cookie: CookieConfig,
    /// `remove_rejected`: whether a cookie that leads to no session is removed.
    pub remove_rejected: bool,
    /// `on_store_failure`: what becomes of a request while the store cannot be reached.
    pub on_store_failure: OnStoreFailure,
    /// `cookie_format`: how the cookie is signed or sealed.
    pub cookie_format: CookieFormat,
    /// `data_serializer`: what new records are written in.
    pub data_serializer: Serializer,
    /// `secret`: what ids in cookies are signed with.
    pub secret: Option<Keys>,
    /// `validate_key`: what sessions in cookies are signed with.
    pub validate_key: Option<Keys>,
    /// `encrypt_key`: what sessions in cookies are sealed with.
    pub encrypt_key: Option<Keys>,
}

/// Where sessions are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In a back end; the cookie has the id alone.
    Backend(BackendConfig),
    /// In the visitor's cookie, and nowhere else: `type = cookie`.
    Cookie,
}

/// How a cookie is signed or sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CookieFormat {
    /// This library's way: `own`.
    Own,
    /// Beaker's way, to share cookies with a Python application: `beaker`.
    Beaker,
}

/// What sessions are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Serializer {
    /// Small and quick: `bincode`.
    Bincode,
    /// For other programs to read: `json`.
    Json,
}

const FORMATS: [(&str, CookieFormat); 2] =
    [("own", CookieFormat::Own), ("beaker", CookieFormat::Beaker)];

const SERIALIZERS: [(&str, Serializer); 2] =
    [("bincode", Serializer::Bincode), ("json", Serializer::Json)];

const STORE_FAILURES: [(&str, OnStoreFailure); 2] =
    [("fail", OnStoreFailure::Fail), ("empty", OnStoreFailure::Empty)];

impl SessionConfig {
    /// Whether the cookie is all there is.
    fn is_in_cookies(&self) -> bool {
        self.place == Place::Cookie
    }
}

impl fmt::Display for SessionConfig {
    /// Sorted lines of `key = value` that can be read again. Secrets are hidden, and what is not
    /// said is there too, marked as the default.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = Lines::default();
        self.print(&mut lines);
        write!(f, "{lines}")
    }
}
