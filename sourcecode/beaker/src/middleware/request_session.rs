//! [`RequestSession`]: the session of a request. It is loaded when it is first asked for, has one user at a
//! time, and cannot be reached after the response.

use std::borrow::Cow;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::{Extensions, HeaderValue};
use smallvec::SmallVec;

use super::Request;
use super::log::Asked;
use super::sealed::Sealed;
use crate::error::{Error, ErrorKind, Result};
use crate::session::{Manager, SessionState};
use crate::value::Value;
use crate::world::{World, finish};

/// Adds access to the session to a [`Request`](super::Request).
///
/// The trait is implemented for [`Request`](super::Request) only.
pub trait SessionExt: Sealed {
    /// Returns the visitor's session, and loads it at the first call.
    ///
    /// A request has one session, and the session has one user at a time.
    ///
    /// # Errors
    ///
    /// `ErrorKind::WouldDeadlock` if the session is already in use: drop it before asking for it again;
    /// `ErrorKind::Config` if no `SessionMiddleware` is wrapped around the application, or if the store is
    /// asynchronous and has to be reached with `session_of`; `ErrorKind::Application` if the request has
    /// already been answered; errors of the store.
    fn session(&self) -> Result<RequestSession>;

    /// Returns the visitor's session as [`session`](SessionExt::session) does, or `None` where there can be
    /// none: no `SessionMiddleware` is wrapped around the application, or the [cookie's
    /// path](crate::CookieOptions::path) does not cover the path of the request.
    ///
    /// # Errors
    ///
    /// The same as for [`session`](SessionExt::session), except for the two cases that are `None`.
    fn optional_session(&self) -> Result<Option<RequestSession>>;
}

impl SessionExt for Request {
    fn session(&self) -> Result<RequestSession> {
        let lazy = LazySession::of(self.extensions())?;
        lazy.check_that_threads_may_wait()?;
        finish(RequestSession::of(lazy.clone()))
    }

    fn optional_session(&self) -> Result<Option<RequestSession>> {
        let is_there = LazySession::of(self.extensions()).is_ok_and(LazySession::is_there);
        if is_there { self.session().map(Some) } else { Ok(None) }
    }
}

/// The session of a request, while it is in use.
///
/// Values are read and changed with the methods of [`SessionState`]. Saving and ending the session only
/// record what is to be done; it is done once, when the application has answered, so that a handler that
/// fails saves nothing.
///
/// Dropping this gives the session back to the request. Drop it before the request is answered, because a
/// session that is still in use then cannot be saved, and the response becomes an error.
pub struct RequestSession {
    lazy: LazySession,
    /// There until this is dropped.
    session: Option<Box<SessionState>>,
}

/// A session that is being loaded. If loading fails, or is cancelled, the stored session is unchanged.
struct Loading {
    lazy: LazySession,
    sessions: Option<Manager>,
}

impl RequestSession {
    /// Takes that of a request out of it, and loads it unless that was done before.
    pub(super) async fn of(lazy: LazySession) -> Result<RequestSession> {
        let session = match lazy.claim()? {
            Claimed::Loaded(session) => session,
            Claimed::Stored(sessions) => {
                let mut loading = Loading { lazy: lazy.clone(), sessions: Some(sessions.clone()) };
                let session = lazy.load(&sessions).await?;
                loading.sessions = None;
                Box::new(session)
            }
        };
        Ok(RequestSession { lazy, session: Some(session) })
    }

    fn state(&self) -> &SessionState {
        self.session.as_ref().expect("it is there until this is dropped")
    }

    fn state_mut(&mut self) -> &mut SessionState {
        self.session.as_mut().expect("it is there until this is dropped")
    }

    /// Sets a value, as [`SessionState::set`] does. The new value may be computed from the current one.
    #[doc(alias = "insert")]
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<Value>) {
        self.state_mut().set(key, value);
    }

    /// Requests a save at the end of the request, as [`Session::save`](crate::Session::save) does at once.
    ///
    /// # Errors
    ///
    /// `ErrorKind::SessionGone` if this request has deleted the session; `ErrorKind::Unavailable` if the
    /// session is empty because the store could not be reached. If the save itself fails later, the response
    /// to the request is an error.
    pub fn save(&mut self) -> Result<()> {
        self.state_mut().ask_to_save()
    }

    /// Deletes the session, as [`Session::delete`](crate::Session::delete) does: its values at once, and its
    /// record in the store at the end of the request.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Unavailable` if the store could not be reached when the session was asked for. If ending
    /// it fails later, the response to the request is an error.
    #[doc(alias = "destroy")]
    #[doc(alias = "flush")]
    pub fn delete(&mut self) -> Result<()> {
        self.state_mut().ask_to_delete()
    }

    /// Ends the session and continues with an empty one, as
    /// [`Session::invalidate`](crate::Session::invalidate) does: for logging out. The old session ends at the
    /// end of the request.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Unavailable` if the store could not be reached when the session was asked for. If ending
    /// it fails later, the response to the request is an error.
    #[doc(alias = "flush")]
    #[doc(alias = "destroy")]
    #[doc(alias = "purge")]
    pub fn invalidate(&mut self) -> Result<()> {
        self.state_mut().ask_to_begin_again()
    }

    /// Requests a save under a new id at the end of the request, as
    /// [`Session::regenerate_id`](crate::Session::regenerate_id) does at once: for logging in.
    ///
    /// # Errors
    ///
    /// The same as for [`save`](RequestSession::save).
    #[doc(alias = "cycle_id")]
    #[doc(alias = "renew")]
    #[doc(alias = "regenerate")]
    pub fn regenerate_id(&mut self) -> Result<()> {
        self.state_mut().ask_for_new_id()
    }
}

impl Drop for Loading {
    fn drop(&mut self) {
        if let Some(sessions) = self.sessions.take() {
            self.lazy.give_back(Claimed::Stored(sessions));
        }
    }
}

impl Drop for RequestSession {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            self.lazy.give_back(Claimed::Loaded(session));
        }
    }
}

impl Deref for RequestSession {
    type Target = SessionState;

    fn deref(&self) -> &SessionState {
        self.state()
    }
}

impl DerefMut for RequestSession {
    fn deref_mut(&mut self) -> &mut SessionState {
        self.state_mut()
    }
}

impl fmt::Debug for RequestSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.state().fmt(f)
    }
}

/// Mostly one.
pub(super) type Cookies = SmallVec<[HeaderValue; 1]>;

/// What a middleware puts into a request. A request that never asks for its session costs no look
/// at the store.
#[derive(Clone)]
pub(super) struct LazySession(Arc<Inner>);

struct Inner {
    /// Who waits for the store, if it may have to be waited for.
    waits: Option<World>,
    /// What the request asked for, where the request itself is not at hand any more when it ends.
    asked: Option<Asked>,
    /// The `Cookie` headers. Their bytes are shared with the request, and looked at when the
    /// session is asked for.
    cookies: Cookies,
    /// Guards where the session is, and for no longer than it takes to move it: nothing is loaded
    /// or saved meanwhile.
    place: Mutex<Place>,
}

enum Place {
    /// In the store: nobody has asked for it yet.
    Stored(Manager),
    /// Loaded, and nobody uses it.
    Here(Box<SessionState>),
    InUse,
    /// The request has been answered.
    Over,
    /// There is none: the path of the request is none for which there is a cookie.
    Nowhere,
    /// There cannot be one, and why.
    Refused(Box<str>),
}

/// The session of a request, taken out of it.
pub(super) enum Claimed {
    /// In these sessions' store.
    Stored(Manager),
    Loaded(Box<SessionState>),
}

impl LazySession {
    pub(super) fn new(sessions: Manager, asked: Option<Asked>, cookies: Cookies) -> LazySession {
        let waits = sessions.waits();
        let place = Mutex::new(Place::Stored(sessions));
        LazySession(Arc::new(Inner { waits, asked, cookies, place }))
    }

    /// Of a request that has none.
    pub(super) fn without(asked: Option<Asked>) -> LazySession {
        let (cookies, place) = (Cookies::new(), Mutex::new(Place::Nowhere));
        LazySession(Arc::new(Inner { waits: None, asked, cookies, place }))
    }

    /// Of a request that gets an error if it asks for one.
    pub(super) fn refused(asked: Option<Asked>, why: &Error) -> LazySession {
        let place = Mutex::new(Place::Refused(why.to_string().into()));
        LazySession(Arc::new(Inner { waits: None, asked, cookies: Cookies::new(), place }))
    }

    /// Tells whether the request can have one.
    pub(super) fn is_there(&self) -> bool {
        !matches!(*self.place(), Place::Nowhere)
    }

    /// Returns whether the session was asked for, so that the response may be private to the visitor.
    pub(super) fn is_asked_for(&self) -> bool {
        !matches!(*self.place(), Place::Stored(_) | Place::Nowhere | Place::Refused(_))
    }

    /// That of the request with these extensions.
    pub(super) fn of(extensions: &Extensions) -> Result<&LazySession> {
        extensions.get().ok_or_else(|| {
            let missing = "this request has no session; wrap the application in a";
            Error::config(format!("{missing} `SessionMiddleware` or a `SessionLayer`"))
        })
    }

    /// What the request asked for, if that was noted.
    #[cfg_attr(not(feature = "tower"), allow(dead_code))]
    pub(super) fn asked(&self) -> Option<&Asked> {
        self.0.asked.as_ref()
    }

    /// Takes the session out of the request.
    pub(super) fn claim(&self) -> Result<Claimed> {
        let mut place = self.place();
        match std::mem::replace(&mut *place, Place::InUse) {
            Place::Stored(sessions) => Ok(Claimed::Stored(sessions)),
            Place::Here(session) => Ok(Claimed::Loaded(session)),
            // Waiting would be for ever, if the one who has it is the one who asks.
            Place::InUse => {
                let what =
                    "the session of this request is in use; let go of it before asking again";
                Err(Error::new(ErrorKind::WouldDeadlock, what))
            }
            Place::Nowhere => {
                *place = Place::Nowhere;
                let what = "the path of this request is not below the `path` of the session's cookie, so it has no \
                            session; widen that path, or say `path_is_cut` if a proxy takes it away";
                Err(Error::config(what))
            }
            Place::Refused(why) => {
                let error = Error::config(&*why);
                *place = Place::Refused(why);
                Err(error)
            }
            Place::Over => {
                *place = Place::Over;
                let what = "this request has been answered, and its session is out of reach; ask for it before";
                Err(Error::new(ErrorKind::Application, what))
            }
        }
    }

    /// Loads the session that the request's cookies lead to.
    pub(super) async fn load(&self, sessions: &Manager) -> Result<SessionState> {
        // What is no text in them belongs to other cookies than ours.
        let text = |bytes| match str::from_utf8(bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => String::from_utf8_lossy(bytes),
        };
        let mut texts = self.0.cookies.iter().map(|header| text(header.as_bytes()));
        let first = texts.next();
        let all = first.map(|first| texts.fold(first, |all, next| all + "; " + next));
        sessions.load_for_request(all.as_deref()).await
    }

    /// Refuses to have a thread wait for what only tasks can wait for.
    pub(super) fn check_that_threads_may_wait(&self) -> Result<()> {
        match self.0.waits {
            None | Some(World::Threads) => Ok(()),
            #[cfg(feature = "tokio")]
            Some(World::Tasks) => Err(Error::config(
                "the store of this request's session is waited for by tasks; ask for the session with \
                 `session_of(request.extensions()).await`",
            )),
        }
    }

    /// Takes the session back from the one who used it.
    pub(super) fn give_back(&self, claimed: Claimed) {
        let mut place = self.place();
        if matches!(*place, Place::InUse) {
            *place = match claimed {
                Claimed::Stored(sessions) => Place::Stored(sessions),
                Claimed::Loaded(session) => Place::Here(session),
            };
        }
    }

    /// The request has been answered: its session, if it asked for it. Nobody gets it any more.
    pub(super) fn end(&self) -> Result<Option<Box<SessionState>>> {
        match std::mem::replace(&mut *self.place(), Place::Over) {
            Place::Here(session) => Ok(Some(session)),
            Place::Stored(_) | Place::Over | Place::Nowhere | Place::Refused(_) => Ok(None),
            Place::InUse => {
                let what = "the session was still in use when its request was answered, so it is";
                let what = format!("{what} not saved; let go of it before answering");
                Err(Error::new(ErrorKind::Application, what))
            }
        }
    }

    fn place(&self) -> MutexGuard<'_, Place> {
        self.0.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
