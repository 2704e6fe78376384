//! The options of [`Sessions`], and which of them fit together.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use super::Sessions;
use super::data::{SessionCodec, SessionData};
use super::events::Events;
#[cfg(feature = "cookies")]
use super::in_cookie::Carrier;
use super::turns::Turns;
use crate::backend::Backend;
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::codec::{Bincode, Codec};
use crate::cookie::{CookieLifetime, CookieOptions};
use crate::error::{Error, Result};
use crate::key::Namespace;
use crate::signing::Signer;

/// The most sessions of a user that can be listed: a list of these fits into every store.
pub(crate) const MOST_PER_USER: usize = 10_000;

/// Far more than a person has.
pub(crate) const DEFAULT_PER_USER: usize = 1000;

/// A cookie in Beaker's format is sent anew after this time, since a Python application may end its
/// session sooner than we do. (Beaker itself sends it with each response.)
const BEAKERS_TOUCH: Duration = Duration::from_secs(60);

/// A cookie that runs out is sent anew when a tenth of its time has passed.
const PARTS_OF_A_LIFETIME: u32 = 10;

#[derive(Debug, Clone)]
pub(super) struct Options {
    pub(super) backend: Backend,
    /// The sessions are kept in cookies, and not in the back end.
    #[cfg(feature = "cookies")]
    pub(super) carrier: Option<Arc<Carrier>>,
    pub(super) namespace: Namespace,
    pub(super) codec: SessionCodec,
    /// Whether the program has set the codec.
    pub(super) is_codec_set: bool,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) timeout: Option<Duration>,
    pub(super) lifetime: Option<Duration>,
    pub(super) touch_every: Option<Duration>,
    pub(super) grace: Option<Duration>,
    pub(super) max_per_user: usize,
    pub(super) save_accessed_time: bool,
    pub(super) auto: bool,
    pub(super) signer: Option<Signer>,
    pub(super) cookie: CookieOptions,
    /// Whether a cookie that leads to no session is taken away from the visitor.
    pub(super) remove_rejected: bool,
    pub(super) damaged: Arc<AtomicU64>,
    pub(super) turns: Turns,
    pub(super) events: Events,
}

impl Options {
    pub(super) fn new(backend: Backend) -> Options {
        Options {
            backend,
            #[cfg(feature = "cookies")]
            carrier: None,
            namespace: Namespace::default(),
            codec: Arc::new(Bincode),
            is_codec_set: false,
            clock: Arc::new(SystemClock),
            timeout: None,
            lifetime: None,
            touch_every: None,
            grace: None,
            max_per_user: DEFAULT_PER_USER,
            save_accessed_time: true,
            auto: false,
            signer: None,
            cookie: CookieOptions::default(),
            remove_rejected: true,
            damaged: Arc::default(),
            turns: Turns::default(),
            events: Events::default(),
        }
    }

    /// Whether the sessions are kept in cookies alone.
    pub(super) fn is_in_cookies(&self) -> bool {
        #[cfg(feature = "cookies")]
        return self.carrier.is_some();
        #[cfg(not(feature = "cookies"))]
        return false;
    }

    /// Whether the sessions are kept in Beaker's cookies.
    fn is_in_beakers_cookies(&self) -> bool {
        #[cfg(feature = "cookies")]
        return self.carrier.as_ref().is_some_and(|carrier| carrier.is_beakers());
        #[cfg(not(feature = "cookies"))]
        return false;
    }

    /// Whether an access is to be noted, when one was noted then.
    pub(super) fn is_touch_due(&self, noted: Timestamp, now: Timestamp) -> bool {
        let interval = match (self.touch_every, self.is_in_cookies()) {
            (Some(interval), _) => Some(interval),
            // A cookie is sent to be noted, and what has a cookie is not cached on its way.
            (None, true) => {
                let by_timeout = self.timeout.map(|timeout| timeout / PARTS_OF_A_LIFETIME);
                let by_python = self.is_in_beakers_cookies().then_some(BEAKERS_TOUCH);
                [by_timeout, by_python, self.reissue_after()].into_iter().flatten().min()
            }
            (None, false) => Some(Duration::ZERO),
        };
        interval.is_some_and(|interval| now.since(noted) >= interval)
    }

    /// After this time a cookie that runs out is sent anew.
    pub(super) fn reissue_after(&self) -> Option<Duration> {
        match self.cookie.get_lifetime() {
            CookieLifetime::For(time) => Some(time / PARTS_OF_A_LIFETIME),
            CookieLifetime::Browser | CookieLifetime::Longest => None,
        }
    }

    fn check(&self) -> Result<()> {
        let wrong = |why: String| Err(Error::config(why));
        if self.timeout.is_some() && !self.save_accessed_time {
            let why = "a session's `timeout` counts from its last access, so it needs \
                       `save_accessed_time`";
            return wrong(why.into());
        }
        if let (Some(timeout), Some(touch_every)) = (self.timeout, self.touch_every)
            && touch_every >= timeout
        {
            return wrong(format!(
                "with a `timeout` of {timeout:?} an access must be noted more often than every \
                 {touch_every:?}: lower `touch_every`"
            ));
        }
        self.check_grace()?;
        self.check_users()?;
        self.check_codec()?;
        self.cookie.check()
    }

    /// Refuses a codec that would not be used.
    pub(super) fn check_codec(&self) -> Result<()> {
        if self.is_codec_set && self.is_in_beakers_cookies() {
            let why = "sessions in Beaker's cookies are JSON, as Beaker reads it, so there is no \
                       `codec` to set; leave it out";
            return Err(Error::config(why));
        }
        Ok(())
    }
}

impl Sessions {
    pub(super) fn with(mut self, change: impl FnOnce(&mut Options)) -> Sessions {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// Ends a session that was not used for so long. Set one in a server: without it, sessions
    /// that nobody comes back to are stored for ever.
    pub fn timeout(self, timeout: Duration) -> Sessions {
        self.with(|options| options.timeout = Some(timeout))
    }

    /// Ends a session so long after it began, however much it is used: who stole one does not
    /// have it for ever. It begins with the first save, before a login: `regenerate_id` keeps that time,
    /// `invalidate` begins anew.
    pub fn lifetime(self, lifetime: Duration) -> Sessions {
        self.with(|options| options.lifetime = Some(lifetime))
    }

    /// Notes an access only if the last one was noted so long ago. By default each request that
    /// uses a session writes to the store; a session in a cookie is sent anew after a tenth of
    /// its `timeout`, or of the cookie's lifetime. In Beaker's format it is after a minute at most, since
    /// the Python application may have a `timeout` of its own: set less here if that is a few minutes.
    pub fn touch_every(self, interval: Duration) -> Sessions {
        self.with(|options| options.touch_every = Some(interval))
    }

    /// Lets the old id lead to the session for so long after `regenerate_id`, so that requests of
    /// the visitor that are on their way lose nothing; a minute at most. Off by default: whoever
    /// knows the old id gets in for that long. To end the session, the old id leads to it longer, with a
    /// grace or without: see [`regenerate_id`](super::Session::regenerate_id).
    pub fn grace(self, grace: Duration) -> Sessions {
        self.with(|options| options.grace = Some(grace).filter(|grace| !grace.is_zero()))
    }

    /// Signs the ids in cookies, and believes only what it signed. [`load`](Sessions::load) needs it.
    pub fn signed_by(self, signer: Signer) -> Sessions {
        self.with(|options| options.signer = Some(signer))
    }

    /// How the cookie is sent.
    pub fn cookie(self, cookie: CookieOptions) -> Sessions {
        self.with(|options| options.cookie = cookie)
    }

    /// Saves at the end of a request whatever was changed, without a call of `save`. Off by
    /// default, as in Beaker. For the middleware.
    pub fn auto(self, auto: bool) -> Sessions {
        self.with(|options| options.auto = auto)
    }

    /// Whether a request that only reads writes down when it came. On by default; when off, there
    /// can be no time-out, which counts from then.
    pub fn save_accessed_time(self, save: bool) -> Sessions {
        self.with(|options| options.save_accessed_time = save)
    }

    /// What new records are written in. Records in bincode and JSON are read whatever is set here.
    ///
    /// For sessions in Beaker's cookies, which are JSON of its own kind, this is an error of the kind
    /// `Config` when the options are [checked](Sessions::check), and when a session is loaded or saved.
    pub fn codec(self, codec: impl Codec<SessionData>) -> Sessions {
        self.with(|options| (options.codec, options.is_codec_set) = (Arc::new(codec), true))
    }

    /// Whether a cookie that leads to no session (forged, damaged, timed out, unknown) is removed from the
    /// visitor's browser, so that it does not cost a look-up with each request. On by default. What is
    /// removed is the cookie with this path and domain, and no other one of the same name.
    ///
    /// An id that a log-in has just replaced is no such cookie: a late answer to a request that brought it
    /// must not take the new one away. Turn this off while some hosts do not know a key that others sign
    /// with.
    pub fn remove_rejected(self, remove: bool) -> Sessions {
        self.with(|options| options.remove_rejected = remove)
    }

    /// Keeps these sessions apart from others in the same back end.
    pub fn namespace(self, name: &str) -> Sessions {
        self.with(|options| options.namespace = Namespace::new(name))
    }

    /// Goes by another clock than the system's.
    pub fn clock(self, clock: Arc<dyn Clock>) -> Sessions {
        self.with(|options| options.clock = clock)
    }

    /// Refuses options that do not fit together. The middleware asks this when it is made.
    pub fn check(&self) -> Result<()> {
        self.0.check()
    }
}
