//! The session of a request, loaded when it is first asked for.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::{Extensions, HeaderValue};
use smallvec::SmallVec;

use super::asked::Asked;
use crate::error::{Error, ErrorKind, Result};
use crate::session::{Manager, SessionState};
use crate::world::World;

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
            Place::Stored(_) | Place::Over => Ok(None),
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
