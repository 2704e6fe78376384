//! [`Sessions`]: where the sessions of an application are kept, their options, and the check that these fit
//! together.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::announcements::Announcements;
#[cfg(feature = "python")]
use super::beaker::BeakerFormat;
#[cfg(all(feature = "cookies", not(feature = "python")))]
use super::beaker::Serializer;
#[cfg(feature = "cookies")]
use super::client_side::{Carrier, Codecs};
use super::events::Events;
use super::events::SessionCounters;
use super::id::NewIds;
use super::id::SessionId;
#[cfg(feature = "cookies")]
use super::kept::Kept;
use super::life::Life;
use super::local_tier::LocalTier;
use super::stored::{SessionCodec, SessionData};
use super::turns::{Attempts, Turn, Turns};
use crate::backend::{AnyBackend, Backend};
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::codec::{Bincode, Codec};
use crate::cookie::CookieOptions;
use crate::error::{Error, Result};
use crate::key::{Key, Namespace};
#[cfg(feature = "cookies")]
use crate::sealing::Sealer;
use crate::signing::Signer;
#[cfg(feature = "middleware")]
use crate::world::World;

/// The most sessions of a user that can be listed: a list of these fits into every store.
pub(crate) const MOST_PER_USER: usize = 10_000;

/// Far more than a person has.
pub(crate) const DEFAULT_PER_USER: usize = 1000;

/// A cookie in Beaker's format is sent again after this time, because a Python application may end its
/// session sooner. (Beaker itself sends it with each response.)
const BEAKERS_TOUCH: Duration = Duration::from_secs(60);

/// An access is noted in a cookie, or for a session with a life of its own, when a tenth of its time has passed.
const PARTS_OF_A_LIFETIME: u32 = 10;

/// The sessions of an application: where they are kept, and with which options. It is cheap to clone, and a
/// clone refers to the same sessions.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use beaker::{Backend, Sessions, Signer};
///
/// # fn main() -> beaker::Result<()> {
/// let sessions = Sessions::new(Backend::memory())
///     .timeout(Duration::from_secs(30 * 60))
///     .lifetime(Duration::from_secs(24 * 60 * 60))
///     .signed_by(Signer::new(&["0123456789abcdef0123456789abcdef"])?);
/// sessions.check()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct Sessions(pub(super) Manager);

/// The work behind both `Sessions` and `AsyncSessions`, with their options. A clone is the same.
#[derive(Clone)]
pub(crate) struct Manager(pub(super) Arc<Options>);

/// What a request gets if its session cannot be loaded because the store cannot be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OnStoreFailure {
    /// The request gets an error when it asks for the session.
    #[default]
    Fail,
    /// The request gets an empty session, so that pages which only read it still work. Its
    /// [`origin`](crate::session::SessionState::origin) is [`Unavailable`](crate::Origin::Unavailable).
    /// Saving or ending it is an error, and the visitor keeps the cookie. One `WARN` event reports the
    /// beginning of an outage, and another one its end.
    Empty,
}

/// Where the sessions are kept.
#[derive(Debug, Clone)]
pub(super) enum Home {
    /// In the backend, under their ids.
    Store,
    /// In the visitors' cookies, and nowhere else: the backend stores nothing.
    #[cfg(feature = "cookies")]
    Cookie(Arc<Carrier>),
}

#[derive(Debug, Clone)]
pub(super) struct Options {
    pub(super) home: Home,
    pub(super) backend: AnyBackend,
    pub(super) namespace: Namespace,
    pub(super) codec: SessionCodec,
    /// Whether the program has set the codec.
    pub(super) is_codec_set: bool,
    /// Set if Python's Beaker shares the sessions.
    #[cfg(feature = "python")]
    pub(super) beaker: Option<Arc<BeakerFormat>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) timeout: Option<Duration>,
    pub(super) lifetime: Option<Duration>,
    pub(super) touch_every: Option<Duration>,
    pub(super) grace: Option<Duration>,
    pub(super) max_per_user: usize,
    pub(super) save_accessed_time: bool,
    pub(super) auto: bool,
    pub(super) signer: Option<Signer>,
    pub(super) new_ids: NewIds,
    pub(super) local_tier: Option<Arc<LocalTier>>,
    pub(super) check_tier_every: Option<Duration>,
    pub(super) cookie: CookieOptions,
    /// Whether a cookie that leads to no session is taken away from the visitor.
    pub(super) remove_rejected: bool,
    pub(super) on_store_failure: OnStoreFailure,
    pub(super) damaged: Arc<AtomicU64>,
    pub(super) turns: Turns,
    pub(super) events: Events,
}

impl Options {
    pub(super) fn new(backend: AnyBackend) -> Options {
        Options {
            home: Home::Store,
            backend,
            namespace: Namespace::default(),
            codec: Arc::new(Bincode),
            is_codec_set: false,
            #[cfg(feature = "python")]
            beaker: None,
            clock: Arc::new(SystemClock),
            timeout: None,
            lifetime: None,
            touch_every: None,
            grace: None,
            max_per_user: DEFAULT_PER_USER,
            save_accessed_time: true,
            auto: false,
            signer: None,
            new_ids: NewIds::default(),
            local_tier: None,
            check_tier_every: None,
            cookie: CookieOptions::default(),
            remove_rejected: true,
            on_store_failure: OnStoreFailure::Fail,
            damaged: Arc::default(),
            turns: Turns::default(),
            events: Events::default(),
        }
    }

    /// Tells whether the sessions are kept in cookies alone.
    pub(super) fn is_in_cookies(&self) -> bool {
        match self.home {
            Home::Store => false,
            #[cfg(feature = "cookies")]
            Home::Cookie(_) => true,
        }
    }

    /// Tells whether the sessions are kept in Beaker's cookies.
    pub(super) fn is_in_beakers_cookies(&self) -> bool {
        match &self.home {
            Home::Store => false,
            #[cfg(feature = "cookies")]
            Home::Cookie(carrier) => carrier.is_beakers(),
        }
    }

    /// Tells whether an access is to be noted, when one was noted then.
    pub(super) fn is_touch_due(&self, life: Life, noted: Timestamp, now: Timestamp) -> bool {
        let by_own_life = match life {
            Life::For(time) => Some(time / PARTS_OF_A_LIFETIME),
            Life::Default | Life::Until(_) | Life::Browser => None,
        };
        let interval = match (self.touch_every, self.is_in_cookies()) {
            (Some(interval), _) => Some(by_own_life.map_or(interval, |own| own.min(interval))),
            // A cookie is sent to be noted, and what has a cookie is not cached on its way.
            (None, true) => {
                let by_timeout = self.timeout.map(|timeout| timeout / PARTS_OF_A_LIFETIME);
                let by_python = self.is_in_beakers_cookies().then_some(BEAKERS_TOUCH);
                let by_cookie = life.reissue_after(self.cookie.get_lifetime());
                [by_own_life.or(by_timeout), by_python, by_cookie].into_iter().flatten().min()
            }
            (None, false) => Some(Duration::ZERO),
        };
        interval.is_some_and(|interval| now.since(noted) >= interval)
    }

    /// Tells whether a cookie that was sent then is to be sent again.
    pub(super) fn is_ticket_due(&self, life: Life, sent: Option<Timestamp>) -> bool {
        let since = |sent| self.clock.recent().since(sent);
        let time = life.reissue_after(self.cookie.get_lifetime());
        time.is_some_and(|time| sent.is_none_or(|sent| since(sent) >= time))
    }

    /// Tells whether the cookie says when it was sent: Beaker would not understand.
    pub(super) fn says_when_sent(&self, life: Life) -> bool {
        life.reissue_after(self.cookie.get_lifetime()).is_some()
            && !self.signer.as_ref().is_some_and(super::super::signing::Signer::is_beakers)
    }

    /// Returns how long a session lasts that is not used, and when it ends at the latest.
    pub(super) fn limits(&self, data: &SessionData) -> (Option<Duration>, Option<Timestamp>) {
        let end = self.lifetime.map(|lifetime| data.created + lifetime);
        match data.life() {
            Life::Default | Life::Browser => (self.timeout, end),
            Life::For(time) => (Some(time), end),
            Life::Until(date) => (None, Some(date)),
        }
    }

    /// Returns when a session ends that nobody uses from now on.
    pub(super) fn ends_at(&self, data: &SessionData) -> Option<Timestamp> {
        let (timeout, end) = self.limits(data);
        [timeout.map(|timeout| data.accessed + timeout), end].into_iter().flatten().min()
    }

    /// Returns how much of its life a session has left, however much it is used.
    pub(super) fn life_left(&self, data: &SessionData, now: Timestamp) -> Option<Duration> {
        let (_, end) = self.limits(data);
        end.map(|end| end.since(now))
    }

    /// Returns the key that signs cookies.
    pub(super) fn signer(&self) -> Result<&Signer> {
        self.signer.as_ref().ok_or_else(|| {
            Error::config(
                "there is no key to sign cookies with; give `Sessions::signed_by` a `Signer`, or the \
                 settings a `session.secret`",
            )
        })
    }

    /// Returns the `Set-Cookie` header with a session in it.
    #[cfg(feature = "cookies")]
    pub(super) fn header(
        &self,
        carrier: &Carrier,
        id: &SessionId,
        data: &SessionData,
        kept: &Kept,
    ) -> Result<String> {
        self.check_codec()?;
        let longest = self.life_left(data, data.accessed);
        let cookie = data.life().cookie(&self.cookie);
        carrier.header(&cookie, id, data, kept, self.codecs(), longest)
    }

    /// Returns how sessions in cookies are turned into bytes.
    #[cfg(feature = "cookies")]
    pub(super) fn codecs(&self) -> Codecs<'_> {
        #[cfg(feature = "python")]
        let beakers = self.beaker.as_ref().map(|format| format.serializer()).unwrap_or_default();
        #[cfg(not(feature = "python"))]
        let beakers = Serializer::default();
        Codecs { own: &self.codec, beakers }
    }

    fn set_local_tier(&mut self, capacity: usize, time: Duration) {
        let of_ours = |every| Announcements::new(every, &self.namespace);
        let announcements = self.check_tier_every.map(of_ours);
        self.local_tier = Some(Arc::new(LocalTier::new(capacity, time, announcements)));
    }

    /// Begins an empty local tier: what the copies are of, or by which clock, has changed.
    fn renew_local_tier(&mut self) {
        if let Some(tier) = self.local_tier.take() {
            self.set_local_tier(tier.capacity(), tier.time());
        }
    }
}

impl Manager {
    pub(super) fn new(options: Options) -> Manager {
        Manager(Arc::new(options))
    }

    pub(super) fn with(mut self, change: impl FnOnce(&mut Options)) -> Manager {
        change(Arc::make_mut(&mut self.0));
        self
    }

    #[cfg(feature = "middleware")]
    /// Refuses options with which no visitor can be recognized.
    pub(crate) fn check_for_visitors(&self) -> Result<()> {
        self.0.check()?;
        self.check_signer()
    }

    #[cfg(feature = "middleware")]
    pub(crate) fn cookie(&self) -> &CookieOptions {
        &self.0.cookie
    }

    /// Returns the same sessions, for requests with another cookie.
    #[cfg(feature = "middleware")]
    pub(crate) fn with_cookie(&self, cookie: CookieOptions) -> Manager {
        self.clone().with(|options| options.cookie = cookie)
    }

    /// Refuses to go on without what makes cookies.
    pub(super) fn check_signer(&self) -> Result<()> {
        if self.0.is_in_cookies() { Ok(()) } else { self.0.signer().map(drop) }
    }

    /// Tells who waits for the store, if it may have to be waited for.
    #[cfg(feature = "middleware")]
    pub(crate) fn waits(&self) -> Option<World> {
        let AnyBackend { store, .. } = &self.0.backend;
        store.blocks().then(|| self.0.backend.world())
    }

    pub(super) fn damaged(&self) -> u64 {
        self.0.damaged.load(Ordering::Relaxed) + self.0.backend.store.damaged()
    }

    /// Waits for a turn with this key, if others take turns with it now.
    pub(super) async fn turn(&self, key: &Key) -> Option<Turn> {
        self.0.turns.join(key, self.0.backend.world()).await
    }

    /// Begins the further tries of a write under a key, with a turn that is there or a new one.
    pub(super) async fn attempts(&self, key: Key, turn: Option<Turn>) -> Attempts<'_> {
        let AnyBackend { locks, .. } = &self.0.backend;
        Attempts::new(&self.0.turns, locks, self.0.backend.world(), key, turn).await
    }
}

/// Creating sessions, and checking and reading their options.
impl Sessions {
    /// Creates the sessions that are kept in a backend. Without further options they never expire, and are
    /// opened by id only. A web application sets at least [`timeout`](Sessions::timeout), and
    /// [`signed_by`](Sessions::signed_by), because visitors carry the ids in cookies.
    ///
    /// ```
    /// use beaker::{Backend, Sessions};
    ///
    /// let sessions = Sessions::new(Backend::memory());
    /// assert!(sessions.create().is_new());
    /// ```
    pub fn new(backend: Backend) -> Sessions {
        Sessions(Manager::new(Options::new(backend.into())))
    }

    /// Creates sessions that are kept in the visitors' browsers, in a signed cookie: visitors can read their
    /// session but cannot change it. No store is needed. With a signer in Beaker's format, a Python
    /// application with `data_serializer = json` reads the same cookies.
    ///
    /// Such a session holds about 3 kB. It cannot be revoked: an old cookie stays valid until its `timeout`
    /// or `lifetime`, even after `delete`. Two requests at the same time overwrite each other's changes.
    ///
    /// # In Beaker's format
    ///
    /// - What Python stores comes back to Python unchanged, even what no [`Value`](crate::Value) can hold:
    ///   see [`unreadable`](crate::session::SessionState::unreadable). JSON has no form for
    ///   [`Value::Bytes`](crate::Value::Bytes), so Python sees a dictionary with the single key `$bytes` and
    ///   the bytes in hexadecimal.
    /// - The keys `_id`, `_path`, `_domain`, `_creation_time` and `_accessed_time` belong to Beaker. Saving a
    ///   value under one of them fails with `ErrorKind::Config`.
    /// - The cookie contains the path and the domain of the [`CookieOptions`](crate::CookieOptions), and
    ///   Beaker sends it with these, so both applications need the same path and domain.
    /// - The value is limited to 4,076 bytes, and the value with its name to 4,096. Beaker itself fails at
    ///   4,105 bytes, even for a request that only reads, and its zlib may need a few bytes more than this
    ///   library's for the same session. A session that Python has filled to the last bytes can therefore be
    ///   loaded, but may be too large to be saved.
    /// - A session that is only read is sent again after a minute, because Beaker may end it by a `timeout`
    ///   that is unknown here. [`touch_every`](Sessions::touch_every) sets another interval.
    /// - Cookies with Python's `data_serializer = pickle` are read with the feature `python` and
    ///   `shared_with_beaker(BeakerFormat::pickle())`, and those of `pycryptodome` with
    ///   [`Sealer::beaker_by`](crate::Sealer::beaker_by).
    ///
    /// Cookies that cannot be read are removed from the browser, like all rejected ones. Turn
    /// [`remove_rejected`](Sessions::remove_rejected) off while a Python application writes another format.
    ///
    /// # Examples
    ///
    /// ```
    /// use beaker::{Sessions, Signer};
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let signer = Signer::new(&["0123456789abcdef0123456789abcdef"])?;
    /// let sessions = Sessions::in_signed_cookies(signer);
    /// let mut session = sessions.create();
    /// session.set("theme", "dark");
    /// session.save()?;
    /// let header = session.set_cookie()?.unwrap_or_default();
    /// let again = sessions.load(header.split(';').next())?;
    /// assert_eq!(again.require("theme")?.as_str(), Some("dark"));
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "cookies")]
    pub fn in_signed_cookies(signer: Signer) -> Sessions {
        Sessions::carried_by(Carrier::Signed(signer))
    }

    /// Creates sessions that are kept in the visitors' browsers as with
    /// [`in_signed_cookies`](Sessions::in_signed_cookies), but encrypted: visitors can neither read nor
    /// change them.
    ///
    /// # Examples
    ///
    /// ```
    /// use beaker::{Sessions, Sealer};
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let sealer = Sealer::new(&["0123456789abcdef0123456789abcdef"])?;
    /// let sessions = Sessions::in_sealed_cookies(sealer);
    /// let mut session = sessions.create();
    /// session.set("theme", "dark");
    /// session.save()?;
    /// let header = session.set_cookie()?.unwrap_or_default();
    /// let again = sessions.load(header.split(';').next())?;
    /// assert_eq!(again.require("theme")?.as_str(), Some("dark"));
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "cookies")]
    pub fn in_sealed_cookies(sealer: Sealer) -> Sessions {
        Sessions::carried_by(Carrier::Sealed(sealer))
    }

    #[cfg(feature = "cookies")]
    fn carried_by(carrier: Carrier) -> Sessions {
        let options = Options::new(Backend::null().into());
        Sessions(Manager::new(Options { home: Home::Cookie(Arc::new(carrier)), ..options }))
    }

    /// Checks that the options fit together. The middleware calls this when it is created.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config`, naming the options and the remedy.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # use beaker::{Backend, Sessions};
    /// let sessions = Sessions::new(Backend::memory()).timeout(Duration::from_secs(1800));
    /// let error = sessions.save_accessed_time(false).check().unwrap_err();
    /// assert!(error.to_string().contains("`timeout`"));
    /// ```
    pub fn check(&self) -> Result<()> {
        self.0.0.check()
    }

    /// Returns how many damaged records were found so far. A damaged record is treated as if there were no
    /// session.
    ///
    /// ```
    /// assert_eq!(beaker::Sessions::new(beaker::Backend::memory()).damaged(), 0);
    /// ```
    #[must_use]
    pub fn damaged(&self) -> u64 {
        self.0.damaged()
    }

    /// Returns the counters: what these sessions have done so far.
    ///
    /// ```
    /// # fn main() -> beaker::Result<()> {
    /// let sessions = beaker::Sessions::new(beaker::Backend::memory());
    /// sessions.create().save()?;
    /// assert_eq!(sessions.counters().saves, 1);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "metrics")]
    #[must_use]
    pub fn counters(&self) -> SessionCounters {
        self.0.0.events.counters()
    }
}

/// What the middleware works with.
#[cfg(feature = "middleware")]
impl Sessions {
    pub(crate) fn into_manager(self) -> Manager {
        self.0
    }
}

/// Options, each with its default.
impl Sessions {
    fn with(self, change: impl FnOnce(&mut Options)) -> Sessions {
        Sessions(self.0.with(change))
    }

    /// Sets the idle timeout: a session ends when it has not been used for this time. Default: never. A
    /// server needs one, because sessions to which nobody returns would be stored forever.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # use beaker::{Backend, Sessions};
    /// let sessions = Sessions::new(Backend::memory()).timeout(Duration::from_secs(30 * 60));
    /// ```
    #[doc(alias = "max_age")]
    #[doc(alias = "expiry")]
    #[doc(alias = "with_expiry")]
    #[doc(alias = "session_ttl")]
    pub fn timeout(self, timeout: Duration) -> Sessions {
        self.with(|options| options.timeout = Some(timeout))
    }

    /// Sets the absolute timeout: a session ends this long after its beginning, however much it is used. It
    /// limits the time for which a stolen session is useful. Default: never. The time counts from the
    /// beginning of the session, usually before the log-in: `regenerate_id` keeps that beginning, while
    /// `invalidate` begins a new session.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # use beaker::{Backend, Sessions};
    /// let sessions = Sessions::new(Backend::memory())
    ///     .timeout(Duration::from_secs(30 * 60))
    ///     .lifetime(Duration::from_secs(24 * 60 * 60));
    /// ```
    pub fn lifetime(self, lifetime: Duration) -> Sessions {
        self.with(|options| options.lifetime = Some(lifetime))
    }

    /// Sets how often the access to a session is noted: only if the last noted access is at least this long
    /// ago. A longer interval saves writes to the store, and makes the idle timeout less exact.
    ///
    /// Default: each request that uses a session writes to the store. A session in a cookie is sent again
    /// after a tenth of its `timeout`, or of the cookie's lifetime; in Beaker's format after a minute at
    /// most, because the Python application may have a shorter `timeout`. If that is a few minutes, set a
    /// shorter interval here.
    ///
    /// It has to be shorter than the `timeout`: [`check`](Sessions::check) refuses another.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # use beaker::{Backend, Sessions};
    /// let sessions = Sessions::new(Backend::memory())
    ///     .timeout(Duration::from_secs(30 * 60))
    ///     .touch_every(Duration::from_secs(5 * 60));
    /// assert!(sessions.check().is_ok());
    /// ```
    #[doc(alias = "touch_after")]
    #[doc(alias = "rolling")]
    pub fn touch_every(self, interval: Duration) -> Sessions {
        self.with(|options| options.touch_every = Some(interval))
    }

    /// Sets a grace period after `regenerate_id`, in which the old id still leads to the session, so that the
    /// visitor's requests that are already on their way lose nothing. At most a minute. Default: off, because
    /// anybody who knows the old id can use the session during that time.
    ///
    /// A request to *end* the session is accepted under the old id for longer, with or without a grace
    /// period: see [`regenerate_id`](crate::Session::regenerate_id).
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # use beaker::{Backend, Sessions};
    /// # fn main() -> beaker::Result<()> {
    /// let sessions = Sessions::new(Backend::memory()).grace(Duration::from_secs(10));
    /// let mut session = sessions.create();
    /// session.save()?;
    /// let before = *session.id();
    /// session.regenerate_id()?;
    /// assert_eq!(sessions.open(&before)?.id(), session.id());
    /// # Ok(())
    /// # }
    /// ```
    pub fn grace(self, grace: Duration) -> Sessions {
        self.with(|options| options.grace = Some(grace).filter(|grace| !grace.is_zero()))
    }

    /// Sets the signer that signs the ids in cookies. A cookie with any other signature is rejected. Default:
    /// none; [`load`](Sessions::load) and the middleware need one.
    ///
    /// ```
    /// # use beaker::{Backend, Sessions, Signer};
    /// # fn main() -> beaker::Result<()> {
    /// let signer = Signer::new(&["0123456789abcdef0123456789abcdef"])?;
    /// let sessions = Sessions::new(Backend::memory()).signed_by(signer);
    /// assert!(sessions.load(None)?.is_new());
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "secret")]
    #[doc(alias = "with_signed")]
    #[doc(alias = "with_private")]
    pub fn signed_by(self, signer: Signer) -> Sessions {
        self.with(|options| options.signer = Some(signer))
    }

    /// Sets the options of the cookie, such as its name and path. Default: [`CookieOptions::default`].
    ///
    /// ```
    /// use beaker::CookieOptions;
    ///
    /// # use beaker::{Backend, Sessions};
    /// let cookie = CookieOptions::default().path("/shop");
    /// let sessions = Sessions::new(Backend::memory()).cookie(cookie);
    /// ```
    #[doc(alias = "with_name")]
    #[doc(alias = "with_path")]
    #[doc(alias = "with_secure")]
    pub fn cookie(self, cookie: CookieOptions) -> Sessions {
        self.with(|options| options.cookie = cookie)
    }

    /// Sets whether the middleware saves changes at the end of a request by itself, without a call of `save`.
    /// Default: off, as in Beaker.
    ///
    /// A new session without changes is not stored, with `auto` or without, because a visitor who only looks
    /// around, or a robot, needs none. [`save`](crate::Session::save) stores it all the same.
    ///
    /// A request that fails, with an error or a status of 500 or more, saves nothing, because it may have
    /// stopped half-way. A refused request, with a status of 400 to 499, does save, so that failed log-ins
    /// can be counted. With `auto` off, a change that was not saved is reported as a `WARN` event with the
    /// request's method and path.
    ///
    /// ```
    /// # use beaker::{Backend, Sessions};
    /// let sessions = Sessions::new(Backend::memory()).auto(true);
    /// ```
    #[doc(alias = "resave")]
    #[doc(alias = "save_uninitialized")]
    #[doc(alias = "always_save")]
    #[doc(alias = "auto_save")]
    pub fn auto(self, auto: bool) -> Sessions {
        self.with(|options| options.auto = auto)
    }

    /// Sets whether a request that only reads the session notes the time of its access. Default: on. If it is
    /// off, no idle timeout can be set, because that counts from the last access.
    ///
    /// ```
    /// # use beaker::{Backend, Sessions};
    /// let sessions = Sessions::new(Backend::memory()).save_accessed_time(false);
    /// assert!(sessions.check().is_ok());
    /// ```
    pub fn save_accessed_time(self, save: bool) -> Sessions {
        self.with(|options| options.save_accessed_time = save)
    }

    /// Sets the codec in which new records are written. Default: [`Bincode`]. Existing records in bincode and
    /// JSON can be read with either setting.
    ///
    /// Sessions in Beaker's cookies have a fixed format, JSON of Beaker's own kind. Setting a codec for them
    /// is an error of the kind `Config`, when the options are [checked](Sessions::check) and when a session
    /// is loaded or saved.
    ///
    /// ```
    /// use beaker::codec::Json;
    ///
    /// # use beaker::{Backend, Sessions};
    /// let sessions = Sessions::new(Backend::memory()).codec(Json);
    /// ```
    #[doc(alias = "serializer")]
    pub fn codec(self, codec: impl Codec<SessionData>) -> Sessions {
        self.with(|options| (options.codec, options.is_codec_set) = (Arc::new(codec), true))
    }

    /// Sets whether a rejected cookie (forged, damaged, expired, unknown) is removed from the visitor's
    /// browser, so that it does not cost a look-up with every request. Default: on. Only the cookie with this
    /// path and domain is removed, not others of the same name.
    ///
    /// A cookie whose id a log-in has just replaced is not removed, because a late response to an older
    /// request must not take away the new cookie. Turn this option off while some servers do not yet know a
    /// key with which others sign.
    ///
    /// ```
    /// # use beaker::{Backend, Sessions};
    /// let sessions = Sessions::new(Backend::memory()).remove_rejected(false);
    /// ```
    pub fn remove_rejected(self, remove: bool) -> Sessions {
        self.with(|options| options.remove_rejected = remove)
    }

    /// Sets what a request gets if its session cannot be loaded because the store cannot be reached. Default:
    /// an error when it asks for the session.
    ///
    /// ```
    /// use beaker::session::OnStoreFailure;
    ///
    /// # use beaker::{Backend, Sessions};
    /// let sessions = Sessions::new(Backend::memory()).on_store_failure(OnStoreFailure::Empty);
    /// ```
    #[doc(alias = "fail_open")]
    pub fn on_store_failure(self, then: OnStoreFailure) -> Sessions {
        self.with(|options| options.on_store_failure = then)
    }

    /// Sets the namespace, which keeps these sessions apart from others in the same backend. Default:
    /// [`Namespace::default`].
    ///
    /// ```
    /// # use beaker::{Backend, Sessions};
    /// # fn main() -> beaker::Result<()> {
    /// let backend = Backend::memory();
    /// let shop = Sessions::new(backend.clone()).namespace("shop");
    /// let forum = Sessions::new(backend).namespace("forum");
    /// let mut session = shop.create();
    /// session.save()?;
    /// assert!(forum.open(session.id()).is_err());
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "prefix")]
    pub fn namespace(self, name: &str) -> Sessions {
        self.with(|options| {
            options.namespace = Namespace::new(name);
            options.renew_local_tier();
        })
    }

    /// Sets the maximum number of sessions of one [user](crate::session::SessionState::set_user): 1 to
    /// 10,000. Default: 1000, which keeps the list of a user's sessions small. When a user with that many
    /// sessions logs in again, the oldest session ends.
    ///
    /// The oldest session is the one that logged in first. Sessions that have expired or were deleted may
    /// count for a while, but never more than an eighth of the maximum.
    ///
    /// ```
    /// # use beaker::{Backend, Sessions};
    /// # fn main() -> beaker::Result<()> {
    /// let sessions = Sessions::new(Backend::memory()).max_per_user(1);
    /// let (mut phone, mut laptop) = (sessions.create(), sessions.create());
    /// for session in [&mut phone, &mut laptop] {
    ///     session.set_user("kimi");
    ///     session.save()?;
    /// }
    /// assert_eq!(sessions.sessions_of("kimi")?, [*laptop.id()]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn max_per_user(self, max: usize) -> Sessions {
        self.with(|options| options.max_per_user = max)
    }

    /// Sets a local tier: copies of sessions in the memory of this process, in front of a slower store. It
    /// holds at most `capacity` sessions, and shows each copy to requests for `time`, at most a minute. A
    /// request whose session is in the local tier reads nothing from the store. Default: none.
    ///
    /// This process sees its own writes at once. What *other* processes write, it sees up to `time` later: a
    /// changed basket, but also a log-out or a [`revoke_all`](Sessions::revoke_all). Choose a time for which
    /// that does no harm, such as a second, or route each visitor to one process, or let the processes tell
    /// each other with [`check_tier_every`](Sessions::check_tier_every). No update is lost in any
    /// case: a save succeeds only if the stored session is still the one that was loaded. Otherwise the
    /// session is read from the store, and the changes are applied to it.
    ///
    /// Only requests use the copies, through [`load`](Sessions::load) and the middleware. `open`, `reload`,
    /// the lists of a user's sessions and everything that ends a session ask the store. Handles that existed
    /// before this call do not use the local tier. By default each request writes to the store to note its
    /// access; with [`touch_every`](Sessions::touch_every), a request that only reads does not touch the
    /// store at all.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # use beaker::{Backend, Sessions};
    /// let sessions = Sessions::new(Backend::memory())
    ///     .timeout(Duration::from_secs(30 * 60))
    ///     .touch_every(Duration::from_secs(5 * 60))
    ///     .local_tier(10_000, Duration::from_secs(1));
    /// assert!(sessions.check().is_ok());
    /// ```
    #[doc(alias = "cached_db")]
    #[doc(alias = "caching_session_store")]
    #[doc(alias = "l1")]
    pub fn local_tier(self, capacity: usize, time: Duration) -> Sessions {
        self.with(|options| options.set_local_tier(capacity, time))
    }

    /// Sets how often this process asks the store whether other processes have written sessions of which the
    /// [local tier](Sessions::local_tier) has copies. Default: never, so a copy is shown for its whole time.
    /// The interval has to be shorter than that time: [`check`](Sessions::check) refuses another.
    ///
    /// With this option, no request is shown a copy that another process has replaced, by a save or a log-out
    /// that *returned* at least this interval ago. All processes that share the sessions have to set it, and
    /// may set different intervals. Noting an access is not such a change: see
    /// [`touch_every`](Sessions::touch_every).
    ///
    /// Each save and each end of a session increments one of 256 counters, which is one more operation of the
    /// store. Reading all counters, in one batch, is up to the first request after the interval that has a
    /// copy; the requests that arrive meanwhile go to the store. A changed counter drops about 1 of 256 copies.
    /// The option pays off if a process gets many requests in an interval, and few of them write.
    ///
    /// If the store does not return the counters, no copies are shown until it does. If a counter cannot be
    /// incremented, or the future of a save is dropped before, the session may nevertheless be saved, and
    /// other processes see it when the time of their copies is over. The first is reported as a `WARN` event.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # use beaker::{Backend, Sessions};
    /// let sessions = Sessions::new(Backend::memory())
    ///     .timeout(Duration::from_secs(30 * 60))
    ///     .touch_every(Duration::from_secs(5 * 60))
    ///     .local_tier(10_000, Duration::from_secs(60))
    ///     .check_tier_every(Duration::from_millis(500));
    /// assert!(sessions.check().is_ok());
    /// ```
    #[doc(alias = "invalidation")]
    pub fn check_tier_every(self, interval: Duration) -> Sessions {
        self.with(|options| {
            options.check_tier_every = Some(interval);
            options.renew_local_tier();
        })
    }

    /// Sets the function that generates session ids. Default: [`SessionId::random`]. An id is a credential:
    /// anybody who can guess one has that session. Set this only in tests that need to know the ids, or to
    /// use your own source of random numbers.
    ///
    /// An id that is already in use is never assigned again: a new session takes the next generated id, and
    /// [`regenerate_id`](crate::Session::regenerate_id) fails if the function returns the session's current
    /// id.
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU64, Ordering};
    ///
    /// # use beaker::{Backend, Sessions};
    /// let next = AtomicU64::new(1);
    /// let sessions = Sessions::new(Backend::memory()).id_generator(move || {
    ///     let number = next.fetch_add(1, Ordering::Relaxed);
    ///     format!("{number:032x}").parse().expect("32 digits")
    /// });
    /// assert_eq!(sessions.create().id().as_str(), "00000000000000000000000000000001");
    /// ```
    #[doc(alias = "genid")]
    pub fn id_generator(
        self,
        generate: impl Fn() -> SessionId + Send + Sync + 'static,
    ) -> Sessions {
        self.with(|options| options.new_ids = NewIds::by(generate))
    }

    /// Reads and writes the sessions as Python's Beaker does, so that a Python application and this program
    /// share them: each reads what the other stored, and a visitor stays logged in on both. Default: this
    /// library's own format.
    ///
    /// The backend must keep records where Beaker does ([`store::python`](crate::store::python)), and the
    /// signer must be a [`Signer::beaker`]. The timeouts, the cookie's name, path and domain must be the same
    /// on both sides; [the configuration](crate::config) with `session.format = beaker` reads them from the
    /// same settings as Beaker.
    ///
    /// - What Python stored comes back to Python as it was, if it was not changed here: also what no
    ///   [`Value`](crate::Value) can hold ([`unreadable`](crate::session::SessionState::unreadable)).
    /// - A session that cannot be read at all is an error of the kind `Codec`, and is never replaced.
    /// - The keys `_id`, `_path`, `_domain`, `_creation_time` and `_accessed_time` belong to Beaker. Saving a
    ///   value under one of them fails with `ErrorKind::Config`.
    /// - Python knows nothing of a session's user, so a session with a
    ///   [user](crate::session::SessionState::set_user) cannot be saved.
    /// - A Python application writes back all that it loaded, even if it only read, and so undoes changes
    ///   that this program made meanwhile. The book's page on moving from Python has a `session_class` for
    ///   Beaker that merges instead.
    ///
    /// ```
    /// use beaker::session::BeakerFormat;
    /// use beaker::{Backend, Sessions, Signer};
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let sessions = Sessions::new(Backend::memory())
    ///     .shared_with_beaker(BeakerFormat::json())
    ///     .signed_by(Signer::beaker(["the secret of both"])?);
    /// sessions.check()?;
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "python")]
    pub fn shared_with_beaker(self, format: BeakerFormat) -> Sessions {
        self.with(|options| options.beaker = Some(Arc::new(format)))
    }

    /// Sets the clock. Default: the system's. With a [`ManualClock`](crate::ManualClock), tests can advance
    /// the time.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::time::Duration;
    ///
    /// use beaker::{Backend, ManualClock, Sessions};
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let clock = Arc::new(ManualClock::default());
    /// let sessions = Sessions::new(Backend::memory())
    ///     .timeout(Duration::from_secs(1800))
    ///     .clock(clock.clone());
    /// let mut session = sessions.create();
    /// session.save()?;
    /// clock.advance(Duration::from_secs(1801));
    /// assert!(sessions.open(session.id()).is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub fn clock(self, clock: Arc<dyn Clock>) -> Sessions {
        self.with(|options| {
            options.clock = clock;
            options.renew_local_tier();
        })
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sessions").field(&self.0.0).finish()
    }
}

impl fmt::Debug for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
