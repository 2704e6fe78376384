//! [`AsyncSessions`] and [`AsyncSession`] for asynchronous programs: waiting for a store blocks no thread.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "python")]
use super::BeakerFormat;
use super::handle::SessionState;
use super::id::SessionId;
use super::options::{Manager, OnStoreFailure, Options, Sessions};
use super::stored::SessionData;
use super::turns::Turns;
use super::users::{Device, DeviceHandle};
use crate::backend::AsyncBackend;
use crate::clock::Clock;
use crate::codec::Codec;
use crate::cookie::CookieOptions;
use crate::error::Result;
use crate::signing::Signer;
use crate::value::Value;

/// The sessions of an asynchronous program (feature `tokio`): the same as [`Sessions`], with `async` methods.
/// It is cheap to clone, and a clone refers to the same sessions.
///
/// With an asynchronous store, no call blocks a thread. A blocking store is taken over with
/// [`AsyncBackend::from`] or `AsyncSessions::from`, and is then called on a bounded number of threads.
///
/// Calls may be cancelled: a call that is dropped before it completes leaves each record either unchanged or
/// completely written. A half-finished change of several records is completed by the next request.
///
/// # Panics
///
/// The methods panic if they have to wait and no tokio runtime with time and network (`enable_all`) is
/// running.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use beaker::{AsyncBackend, AsyncSessions, Signer};
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
/// # runtime.block_on(async {
/// let sessions = AsyncSessions::new(AsyncBackend::memory())
///     .timeout(Duration::from_secs(30 * 60))
///     .signed_by(Signer::new(&["0123456789abcdef0123456789abcdef"])?);
///
/// let mut session = sessions.load(None).await?;
/// session.set("user", "kimi");
/// session.save().await?;
///
/// let again = sessions.open(session.id()).await?;
/// assert_eq!(again.require("user")?.as_str(), Some("kimi"));
/// # Ok::<(), beaker::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
#[must_use]
pub struct AsyncSessions(pub(super) Manager);

impl AsyncSessions {
    /// Creates the sessions that are kept in a backend, as [`Sessions::new`] does.
    ///
    /// ```
    /// use beaker::{AsyncBackend, AsyncSessions, Backend};
    ///
    /// let in_memory = AsyncSessions::new(AsyncBackend::memory());
    /// let on_threads = AsyncSessions::new(Backend::memory());
    /// # let _ = (in_memory, on_threads);
    /// ```
    pub fn new(backend: impl Into<AsyncBackend>) -> AsyncSessions {
        AsyncSessions(Manager::new(Options::new(backend.into().0)))
    }

    /// Creates a new, empty session, as [`Sessions::create`] does. Nothing is stored until the first save.
    ///
    /// ```
    /// let sessions = beaker::AsyncSessions::new(beaker::AsyncBackend::memory());
    /// assert!(sessions.create().is_new());
    /// ```
    #[must_use]
    pub fn create(&self) -> AsyncSession {
        AsyncSession(self.0.create())
    }

    /// Opens the session that is stored under an id that the program trusts, as [`Sessions::open`] does.
    ///
    /// # Errors
    ///
    /// The same as for [`Sessions::open`].
    ///
    /// ```
    /// use beaker::{AsyncBackend, AsyncSessions, ErrorKind, SessionId};
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let sessions = AsyncSessions::new(AsyncBackend::memory());
    /// let error = sessions.open(&SessionId::random()).await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::UnknownSession);
    /// # });
    /// ```
    pub async fn open(&self, id: &SessionId) -> Result<AsyncSession> {
        self.0.open(id).await.map(AsyncSession)
    }

    /// Loads the session of a visitor from the `Cookie` header of the request, as [`Sessions::load`] does.
    ///
    /// # Errors
    ///
    /// The same as for [`Sessions::load`].
    ///
    /// ```
    /// use beaker::{AsyncBackend, AsyncSessions, Signer};
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let signer = Signer::new(&["0123456789abcdef0123456789abcdef"])?;
    /// let sessions = AsyncSessions::new(AsyncBackend::memory()).signed_by(signer);
    /// assert!(sessions.load(None).await?.is_new());
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn load(&self, cookie_header: Option<&str>) -> Result<AsyncSession> {
        self.0.load(cookie_header).await.map(AsyncSession)
    }

    /// Returns the ids of a user's sessions, oldest first, as [`Sessions::sessions_of`] does.
    ///
    /// # Errors
    ///
    /// The same as for [`Sessions::sessions_of`].
    ///
    /// ```
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let sessions = beaker::AsyncSessions::new(beaker::AsyncBackend::memory());
    /// let mut session = sessions.create();
    /// session.set_user("kimi");
    /// session.save().await?;
    /// assert_eq!(sessions.sessions_of("kimi").await?, [*session.id()]);
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn sessions_of(&self, user: &str) -> Result<Vec<SessionId>> {
        self.0.sessions_of(user).await
    }

    /// Returns the devices on which a user is logged in, as [`Sessions::devices_of`] does.
    ///
    /// # Errors
    ///
    /// The same as for [`Sessions::devices_of`].
    ///
    /// ```
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let sessions = beaker::AsyncSessions::new(beaker::AsyncBackend::memory());
    /// let mut session = sessions.create();
    /// session.set_user("kimi");
    /// session.set_label("Firefox on Linux");
    /// session.save().await?;
    /// let devices = sessions.devices_of("kimi").await?;
    /// assert_eq!(devices[0].label(), Some("Firefox on Linux"));
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn devices_of(&self, user: &str) -> Result<Vec<Device>> {
        self.0.devices_of(user).await
    }

    /// Ends the session on one of a user's devices, as [`Sessions::end_device`] does.
    ///
    /// # Errors
    ///
    /// The same as for [`Sessions::end_device`].
    ///
    /// ```
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let sessions = beaker::AsyncSessions::new(beaker::AsyncBackend::memory());
    /// let mut session = sessions.create();
    /// session.set_user("kimi");
    /// session.save().await?;
    /// assert!(sessions.end_device("kimi", &session.device()).await?);
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn end_device(&self, user: &str, device: &DeviceHandle) -> Result<bool> {
        self.0.end_device(user, device).await
    }

    /// Ends all sessions of a user except the given one, as [`Sessions::revoke_all`] does.
    ///
    /// # Errors
    ///
    /// The same as for [`Sessions::revoke_all`].
    ///
    /// ```
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// let sessions = beaker::AsyncSessions::new(beaker::AsyncBackend::memory());
    /// let mut session = sessions.create();
    /// session.set_user("kimi");
    /// session.save().await?;
    /// assert_eq!(sessions.revoke_all("kimi", None).await?, 1);
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn revoke_all(&self, user: &str, except: Option<&SessionId>) -> Result<usize> {
        self.0.revoke_all(user, except).await
    }

    /// Checks that the backend can be reached, as [`Sessions::ping`] does.
    ///
    /// # Errors
    ///
    /// Errors of the store.
    ///
    /// ```
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// beaker::AsyncSessions::new(beaker::AsyncBackend::memory()).ping().await?;
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    #[doc(alias = "health")]
    pub async fn ping(&self) -> Result<()> {
        self.0.ping().await
    }

    /// Checks that the options fit together, as [`Sessions::check`] does. The middleware calls this when it
    /// is created.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config`, naming the options and the remedy.
    pub fn check(&self) -> Result<()> {
        self.0.0.check()
    }

    /// Returns how many damaged records were found so far, as [`Sessions::damaged`] does.
    #[must_use]
    pub fn damaged(&self) -> u64 {
        self.0.damaged()
    }

    /// Returns the counters: what these sessions have done so far, as [`Sessions::counters`] does.
    #[doc(alias = "metrics")]
    #[must_use]
    pub fn counters(&self) -> super::SessionCounters {
        self.0.0.events.counters()
    }
}

impl AsyncSessions {
    /// Sets options as those of a blocking program are set.
    pub(crate) fn set(
        self,
        set: impl FnOnce(Sessions) -> Result<Sessions>,
    ) -> Result<AsyncSessions> {
        Ok(AsyncSessions(set(Sessions(self.0))?.0))
    }
}

/// What the middleware works with.
#[cfg(feature = "tower")]
impl AsyncSessions {
    pub(crate) fn into_manager(self) -> Manager {
        self.0
    }
}

/// Writes for each option of [`Sessions`] a method of the same name, meaning and default.
macro_rules! options {
    ($($(#[$meta:meta])* $name:ident($($value:ident: $type:ty),*);)*) => {
        /// Options: those of [`Sessions`], with the same defaults.
        impl AsyncSessions {
            $(
                $(#[$meta])*
                #[doc = concat!("Sets what [`Sessions::", stringify!($name), "`] sets.")]
                pub fn $name(self, $($value: $type),*) -> AsyncSessions {
                    AsyncSessions(Sessions(self.0).$name($($value),*).0)
                }
            )*
        }
    };
}

options! {
    timeout(timeout: Duration);
    lifetime(lifetime: Duration);
    touch_every(interval: Duration);
    grace(grace: Duration);
    signed_by(signer: Signer);
    cookie(cookie: CookieOptions);
    auto(auto: bool);
    save_accessed_time(save: bool);
    codec(codec: impl Codec<SessionData>);
    remove_rejected(remove: bool);
    on_store_failure(then: OnStoreFailure);
    namespace(name: &str);
    max_per_user(max: usize);
    local_tier(capacity: usize, time: Duration);
    check_tier_every(interval: Duration);
    #[cfg(feature = "python")]
    shared_with_beaker(format: BeakerFormat);
    id_generator(generate: impl Fn() -> SessionId + Send + Sync + 'static);
    clock(clock: Arc<dyn Clock>);
}

/// Makes the sessions of a blocking program usable in an asynchronous one. A store that may wait is then
/// called on a bounded number of threads: see [`AsyncBackend::from`].
impl From<Sessions> for AsyncSessions {
    fn from(sessions: Sessions) -> AsyncSessions {
        AsyncSessions(sessions.0.with(|options| {
            options.backend = options.backend.clone().for_tasks();
            // A thread must not wait for a task that it has to run.
            options.turns = Turns::default();
        }))
    }
}

impl fmt::Debug for AsyncSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AsyncSessions").field(&self.0.0).finish()
    }
}

/// A visitor's session in an asynchronous program: the same as [`Session`](super::Session), with `async`
/// methods.
///
/// Values are read and changed with the methods of [`SessionState`], to which an `AsyncSession` dereferences.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// let sessions = beaker::AsyncSessions::new(beaker::AsyncBackend::memory());
/// let mut session = sessions.create();
/// session.update("visits", |old| old.and_then(beaker::Value::as_int).unwrap_or(0) + 1);
/// session.save().await?;
/// assert_eq!(sessions.open(session.id()).await?.require("visits")?.as_int(), Some(1));
/// # Ok::<(), beaker::Error>(())
/// # }).unwrap();
/// ```
pub struct AsyncSession(SessionState);

impl AsyncSession {
    /// Sets a value, as [`SessionState::set`] does. The new value may be computed from the current one:
    ///
    /// ```
    /// # let mut session = beaker::AsyncSessions::new(beaker::AsyncBackend::memory()).create();
    /// session.set("points", 100);
    /// session.set("points", session.require("points")?.as_int().unwrap_or(0) + 10);
    /// assert_eq!(session.require("points")?.as_int(), Some(110));
    /// # Ok::<(), beaker::Error>(())
    /// ```
    #[doc(alias = "insert")]
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<Value>) {
        self.0.set(key, value);
    }

    /// Saves the session, as [`Session::save`](super::Session::save) does.
    ///
    /// # Errors
    ///
    /// The same as for [`Session::save`](super::Session::save).
    ///
    /// ```
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// # let sessions = beaker::AsyncSessions::new(beaker::AsyncBackend::memory());
    /// let mut session = sessions.create();
    /// session.save().await?;
    /// assert!(!session.is_new());
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn save(&mut self) -> Result<()> {
        self.0.ask_to_save()?;
        self.0.persist().await
    }

    /// Deletes the session, as [`Session::delete`](super::Session::delete) does.
    ///
    /// # Errors
    ///
    /// The same as for [`Session::delete`](super::Session::delete).
    ///
    /// ```
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// # let sessions = beaker::AsyncSessions::new(beaker::AsyncBackend::memory());
    /// # let mut session = sessions.create();
    /// # session.save().await?;
    /// session.delete().await?;
    /// assert!(sessions.open(session.id()).await.is_err());
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    #[doc(alias = "destroy")]
    #[doc(alias = "flush")]
    pub async fn delete(&mut self) -> Result<()> {
        self.0.ask_to_delete()?;
        self.0.persist().await
    }

    /// Notes that the session is used now, as [`Session::touch`](super::Session::touch) does.
    ///
    /// # Errors
    ///
    /// Errors of the store.
    ///
    /// ```
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// # let sessions = beaker::AsyncSessions::new(beaker::AsyncBackend::memory());
    /// # let mut session = sessions.create();
    /// # session.save().await?;
    /// sessions.open(session.id()).await?.touch().await?;
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn touch(&mut self) -> Result<()> {
        self.0.note_access().await
    }

    /// Loads the session as it is stored now, as [`Session::reload`](super::Session::reload) does.
    ///
    /// # Errors
    ///
    /// The same as for [`Session::reload`](super::Session::reload).
    ///
    /// ```
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// # let sessions = beaker::AsyncSessions::new(beaker::AsyncBackend::memory());
    /// # let mut session = sessions.create();
    /// # session.save().await?;
    /// let mut other = sessions.open(session.id()).await?;
    /// other.set("points", 110);
    /// other.save().await?;
    /// session.reload().await?;
    /// assert_eq!(session.require("points")?.as_int(), Some(110));
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    #[doc(alias = "refresh")]
    pub async fn reload(&mut self) -> Result<()> {
        self.0.load_again().await
    }

    /// Ends the session and continues with an empty one under a new id, as
    /// [`Session::invalidate`](super::Session::invalidate) does.
    ///
    /// # Errors
    ///
    /// The same as for [`Session::delete`](super::Session::delete).
    ///
    /// ```
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// # let sessions = beaker::AsyncSessions::new(beaker::AsyncBackend::memory());
    /// # let mut session = sessions.create();
    /// # session.save().await?;
    /// let before = *session.id();
    /// session.invalidate().await?;
    /// assert!(sessions.open(&before).await.is_err() && session.is_new());
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    #[doc(alias = "flush")]
    #[doc(alias = "destroy")]
    #[doc(alias = "purge")]
    pub async fn invalidate(&mut self) -> Result<()> {
        self.0.ask_to_begin_again()?;
        self.0.persist().await
    }

    /// Saves the session under a new id and ends the old id, as
    /// [`Session::regenerate_id`](super::Session::regenerate_id) does.
    ///
    /// # Errors
    ///
    /// The same as for [`Session::regenerate_id`](super::Session::regenerate_id).
    ///
    /// ```
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(async {
    /// # let sessions = beaker::AsyncSessions::new(beaker::AsyncBackend::memory());
    /// # let mut session = sessions.create();
    /// # session.save().await?;
    /// let before = *session.id();
    /// session.set_user("kimi");
    /// session.regenerate_id().await?;
    /// assert!(sessions.open(&before).await.is_err());
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    #[doc(alias = "cycle_id")]
    #[doc(alias = "renew")]
    #[doc(alias = "regenerate")]
    pub async fn regenerate_id(&mut self) -> Result<()> {
        self.0.ask_for_new_id()?;
        self.0.persist().await
    }
}

impl Deref for AsyncSession {
    type Target = SessionState;

    fn deref(&self) -> &SessionState {
        &self.0
    }
}

impl DerefMut for AsyncSession {
    fn deref_mut(&mut self) -> &mut SessionState {
        &mut self.0
    }
}

impl fmt::Debug for AsyncSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
