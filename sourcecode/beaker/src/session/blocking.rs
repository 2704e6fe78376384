//! [`Sessions`] and [`Session`] for blocking programs: each call returns when its work is done.

use std::fmt;
use std::ops::{Deref, DerefMut};

use super::handle::SessionState;
use super::id::SessionId;
use super::options::Sessions;
use super::users::{Device, DeviceHandle};
use crate::error::Result;
use crate::value::Value;
use crate::world::finish;

impl Sessions {
    /// Creates a new, empty session. Nothing is stored until the first [`save`](Session::save).
    ///
    /// ```
    /// # fn main() -> beaker::Result<()> {
    /// let sessions = beaker::Sessions::new(beaker::Backend::memory());
    /// let mut session = sessions.create();
    /// assert!(sessions.open(session.id()).is_err());
    /// session.save()?;
    /// assert!(sessions.open(session.id()).is_ok());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn create(&self) -> Session {
        Session(self.0.create())
    }

    /// Opens the session that is stored under an id. The id must come from a source that the program trusts;
    /// for the id in a visitor's cookie, use [`load`](Sessions::load), which checks its signature.
    ///
    /// # Errors
    ///
    /// `ErrorKind::UnknownSession` if no session is stored under the id, or the session has expired or is
    /// damaged; `ErrorKind::Config` for sessions in cookies; errors of the store.
    ///
    /// # Examples
    ///
    /// ```
    /// use beaker::{ErrorKind, SessionId};
    ///
    /// # let sessions = beaker::Sessions::new(beaker::Backend::memory());
    /// let error = sessions.open(&SessionId::random()).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::UnknownSession);
    /// ```
    pub fn open(&self, id: &SessionId) -> Result<Session> {
        finish(self.0.open(id)).map(Session)
    }

    /// Loads the session of a visitor from the `Cookie` header of the request. A missing, forged or outdated
    /// cookie is no error: the visitor gets a new session, and its [`origin`](SessionState::origin) tells the
    /// reason.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` if there is no [signer](Sessions::signed_by); errors of the store.
    ///
    /// # Examples
    ///
    /// ```
    /// use beaker::{Backend, Origin, Rejection, Sessions, Signer};
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let signer = Signer::new(&["0123456789abcdef0123456789abcdef"])?;
    /// let sessions = Sessions::new(Backend::memory()).signed_by(signer);
    /// let mut session = sessions.load(None)?;
    /// session.set("visits", 1);
    /// session.save()?;
    /// let header = session.set_cookie()?.unwrap_or_default();
    ///
    /// // The browser sends back what stands before the first semicolon.
    /// let again = sessions.load(header.split(';').next())?;
    /// assert_eq!(again.require("visits")?.as_int(), Some(1));
    ///
    /// let forged = sessions.load(Some("beaker.session.id=0123456789abcdef"))?;
    /// assert_eq!(forged.origin(), Origin::Rejected(Rejection::Signature));
    /// # Ok(())
    /// # }
    /// ```
    pub fn load(&self, cookie_header: Option<&str>) -> Result<Session> {
        finish(self.0.load(cookie_header)).map(Session)
    }

    /// Returns the ids of a user's sessions, oldest first.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` for sessions in cookies, because the server has no list of them; errors of the
    /// store.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> beaker::Result<()> {
    /// # let sessions = beaker::Sessions::new(beaker::Backend::memory());
    /// # let mut session = sessions.create();
    /// session.set_user("kimi");
    /// session.save()?;
    /// for id in sessions.sessions_of("kimi")? {
    ///     println!("logged in since {:?}", sessions.open(&id)?.created());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn sessions_of(&self, user: &str) -> Result<Vec<SessionId>> {
        finish(self.0.sessions_of(user))
    }

    /// Returns the devices on which a user is logged in, oldest first, for an account page that lists them.
    /// The sessions are read in batches of 64.
    ///
    /// # Errors
    ///
    /// The same as for [`sessions_of`](Sessions::sessions_of).
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> beaker::Result<()> {
    /// # let sessions = beaker::Sessions::new(beaker::Backend::memory());
    /// # let mut session = sessions.create();
    /// session.set_user("kimi");
    /// session.set_label("Firefox on Linux");
    /// session.save()?;
    /// for device in sessions.devices_of("kimi")? {
    ///     let is_this_one = *device.handle() == session.device();
    ///     println!("{:?}, last seen {}, {is_this_one}", device.label(), device.last_seen());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn devices_of(&self, user: &str) -> Result<Vec<Device>> {
        finish(self.0.devices_of(user))
    }

    /// Ends the session on one of a user's devices. Returns `false` if that session has already ended or
    /// belongs to another user. After `Ok(true)` the session is gone for good, whatever other requests do
    /// with it at the same time. To end the sessions on all devices but one, use
    /// [`revoke_all`](Sessions::revoke_all).
    ///
    /// A handle stays valid for a while after its session has moved to a new id, as long as the user's list
    /// still knows the old id. After that this returns `false`, and the program should show a new list.
    ///
    /// A session that has got a new id since the list was made is found by its old handle for as long as its user's list
    /// knows the old id; where it is not, `false` asks for a new list.
    ///
    /// # Errors
    ///
    /// The same as for [`revoke_all`](Sessions::revoke_all).
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> beaker::Result<()> {
    /// # let sessions = beaker::Sessions::new(beaker::Backend::memory());
    /// # let mut session = sessions.create();
    /// # session.set_user("kimi");
    /// # session.save()?;
    /// // What the button in the list has sent.
    /// let sent = session.device().to_string();
    /// assert!(!sessions.end_device("jenson", &sent.parse()?)?);
    /// assert!(sessions.end_device("kimi", &sent.parse()?)?);
    /// assert!(sessions.open(session.id()).is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub fn end_device(&self, user: &str, device: &DeviceHandle) -> Result<bool> {
        finish(self.0.end_device(user, device))
    }

    /// Ends all sessions of a user except the given one, and returns how many it has ended: for "log out
    /// everywhere", and after a change of the password. After `Ok` these sessions are gone for good, and
    /// requests that still work on one of them can no longer save it.
    ///
    /// The session of the current request is ended too, unless you pass its id. In that case continue with a
    /// new one:
    ///
    /// ```
    /// # fn main() -> beaker::Result<()> {
    /// # let sessions = beaker::Sessions::new(beaker::Backend::memory());
    /// # let mut session = sessions.create();
    /// sessions.revoke_all("kimi", None)?;
    /// session.invalidate()?;
    /// session.set("flash", "You are logged out everywhere.");
    /// session.save()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The given session survives even if it moves to a new id at the same time. A session that logs in
    /// during the call may stay, as if it had logged in afterwards. The call goes to the store immediately,
    /// not at the end of the request, and may wait for it.
    ///
    /// # Errors
    ///
    /// The same as for [`sessions_of`](Sessions::sessions_of) and [`Session::delete`]. After an error some of
    /// the sessions may have ended; another call ends the rest.
    #[doc(alias = "end_sessions_of")]
    #[doc(alias = "logout_everywhere")]
    #[doc(alias = "delete_all")]
    pub fn revoke_all(&self, user: &str, except: Option<&SessionId>) -> Result<usize> {
        finish(self.0.revoke_all(user, except))
    }

    /// Checks that the backend of these sessions can be reached, as [`Backend::ping`](crate::Backend::ping)
    /// does.
    ///
    /// # Errors
    ///
    /// Errors of the store.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> beaker::Result<()> {
    /// beaker::Sessions::new(beaker::Backend::memory()).ping()?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "health")]
    pub fn ping(&self) -> Result<()> {
        finish(self.0.ping())
    }
}

/// A visitor's session.
///
/// A `Session` is a copy of the stored session plus a list of the changes made to it. [`save`](Session::save)
/// applies these changes to what is stored at that moment, so two overlapping requests of one visitor do not
/// undo each other's changes.
///
/// Dropping a `Session` with changes that the program never tried to save emits a `WARN` event with the
/// changed keys, but without their values. [`revert`](SessionState::revert) discards changes on purpose.
///
/// Values are read and changed with the methods of [`SessionState`], to which a `Session` dereferences.
///
/// # Examples
///
/// ```
/// # fn main() -> beaker::Result<()> {
/// let sessions = beaker::Sessions::new(beaker::Backend::memory());
/// let mut session = sessions.create();
/// session.set("user", "kimi");
/// session.save()?;
///
/// let again = sessions.open(session.id())?;
/// assert_eq!(again.require("user")?.as_str(), Some("kimi"));
/// # Ok(())
/// # }
/// ```
pub struct Session(SessionState);

impl Session {
    /// Sets a value, as [`SessionState::set`] does. The new value may be computed from the current one:
    ///
    /// ```
    /// # let mut session = beaker::Sessions::new(beaker::Backend::memory()).create();
    /// session.set("points", 100);
    /// session.set("points", session.require("points")?.as_int().unwrap_or(0) + 10);
    /// assert_eq!(session.require("points")?.as_int(), Some(110));
    /// # Ok::<(), beaker::Error>(())
    /// ```
    #[doc(alias = "insert")]
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<Value>) {
        self.0.set(key, value);
    }

    /// Saves the session. Changes that other requests have saved since it was loaded are kept; only for a key
    /// that both have changed, this save wins. Without any change, `save` notes the access as
    /// [`touch`](Session::touch) does, and detects whether the session was deleted.
    ///
    /// # Errors
    ///
    /// `ErrorKind::SessionGone` if the session was deleted meanwhile; `ErrorKind::Conflict` if others kept
    /// writing it for ten seconds; errors of the store. After the last two the changes are kept, so that you
    /// can try again.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> beaker::Result<()> {
    /// let sessions = beaker::Sessions::new(beaker::Backend::memory());
    /// let mut session = sessions.create();
    /// session.set("user", "kimi");
    /// session.save()?;
    /// assert!(sessions.open(session.id())?.contains("user"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn save(&mut self) -> Result<()> {
        self.0.ask_to_save()?;
        finish(self.0.persist())
    }

    /// Deletes the session: its values, and its record in the store. After `Ok` the session is gone for good,
    /// whatever other requests do with it at the same time: a later save does not bring it back, and if it
    /// moves to a new id meanwhile, it ends there.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Conflict` if others kept writing the session for ten seconds, so that it may still exist;
    /// `ErrorKind::UnknownSession` if nothing is stored under its id any more and it was loaded more than an
    /// hour ago, because an old id leads to the new one for no longer than that; errors of the store.
    ///
    /// # Examples
    ///
    /// ```
    /// use beaker::ErrorKind;
    ///
    /// # fn main() -> beaker::Result<()> {
    /// # let sessions = beaker::Sessions::new(beaker::Backend::memory());
    /// let mut session = sessions.create();
    /// session.save()?;
    /// session.delete()?;
    /// assert_eq!(session.save().unwrap_err().kind(), ErrorKind::SessionGone);
    /// assert_eq!(sessions.open(session.id()).unwrap_err().kind(), ErrorKind::UnknownSession);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "destroy")]
    #[doc(alias = "flush")]
    pub fn delete(&mut self) -> Result<()> {
        self.0.ask_to_delete()?;
        finish(self.0.persist())
    }

    /// Notes that the session is used now, which restarts its idle timeout, and saves nothing else. The
    /// middleware does this for requests that only read the session.
    ///
    /// # Errors
    ///
    /// Errors of the store.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::{sync::Arc, time::Duration};
    /// # use beaker::{Backend, ManualClock, Sessions};
    /// # fn main() -> beaker::Result<()> {
    /// # let clock = Arc::new(ManualClock::default());
    /// let sessions = Sessions::new(Backend::memory()).timeout(Duration::from_secs(1800));
    /// # let sessions = sessions.clock(clock.clone());
    /// # let mut session = sessions.create();
    /// # session.save()?;
    /// # clock.advance(Duration::from_secs(1200));
    /// sessions.open(session.id())?.touch()?;
    /// # clock.advance(Duration::from_secs(1200));
    /// // Twenty minutes later it has not timed out: its half hour began with the touch.
    /// assert!(sessions.open(session.id()).is_ok());
    /// # Ok(())
    /// # }
    /// ```
    pub fn touch(&mut self) -> Result<()> {
        finish(self.0.note_access())
    }

    /// Loads the session as it is stored now, with the changes that other requests have saved meanwhile: for
    /// programs that keep a handle for long. Unsaved changes are kept and applied to the newly loaded values;
    /// to discard them, call [`revert`](SessionState::revert) first. Nothing is written to the store. A
    /// session that is new, or is kept in a cookie, stays as it is.
    ///
    /// # Errors
    ///
    /// `ErrorKind::SessionGone` if the session has ended meanwhile; errors of the store. After an error the
    /// handle is unchanged.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> beaker::Result<()> {
    /// # let sessions = beaker::Sessions::new(beaker::Backend::memory());
    /// # let mut session = sessions.create();
    /// # session.save()?;
    /// let mut other = sessions.open(session.id())?;
    /// other.set("points", 110);
    /// other.save()?;
    /// session.reload()?;
    /// assert_eq!(session.require("points")?.as_int(), Some(110));
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "refresh")]
    pub fn reload(&mut self) -> Result<()> {
        finish(self.0.load_again())
    }

    /// Ends the session and continues with an empty one under a new id: for logging out. The old session ends
    /// as with [`delete`](Session::delete), and with the same errors.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> beaker::Result<()> {
    /// # let sessions = beaker::Sessions::new(beaker::Backend::memory());
    /// # let mut session = sessions.create();
    /// # session.set("user", "kimi");
    /// # session.save()?;
    /// let before = *session.id();
    /// session.invalidate()?;
    /// session.set("flash", "You are logged out.");
    /// session.save()?;
    /// assert!(sessions.open(&before).is_err() && !session.contains("user"));
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "flush")]
    #[doc(alias = "destroy")]
    #[doc(alias = "purge")]
    #[doc(alias = "regenerate")]
    pub fn invalidate(&mut self) -> Result<()> {
        self.0.ask_to_begin_again()?;
        finish(self.0.persist())
    }

    /// Saves the session under a new id and ends the old id: for logging in. This prevents session fixation,
    /// because an id that somebody else knew before the log-in is worth nothing afterwards.
    ///
    /// Requests of the same visitor that run at this time still use the old id. What they save before the
    /// move comes along. What they save after it is refused with `ErrorKind::SessionGone`, unless there is a
    /// [`grace`](Sessions::grace) period. For an hour a small record under the old id leads to the new one,
    /// so that such a request can still end the session.
    ///
    /// # Errors
    ///
    /// The same as for [`save`](Session::save). After an error the session either still has the old id or has
    /// already moved; this handle can be used in both cases, and a second call completes the move.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> beaker::Result<()> {
    /// # let sessions = beaker::Sessions::new(beaker::Backend::memory());
    /// # let mut session = sessions.create();
    /// # session.save()?;
    /// let before = *session.id();
    /// session.set_user("kimi");
    /// session.regenerate_id()?;
    /// assert!(sessions.open(&before).is_err());
    /// assert_eq!(sessions.open(session.id())?.user(), Some("kimi"));
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "cycle_id")]
    #[doc(alias = "renew")]
    #[doc(alias = "regenerate")]
    pub fn regenerate_id(&mut self) -> Result<()> {
        self.0.ask_for_new_id()?;
        finish(self.0.persist())
    }
}

impl Deref for Session {
    type Target = SessionState;

    fn deref(&self) -> &SessionState {
        &self.0
    }
}

impl DerefMut for Session {
    fn deref_mut(&mut self) -> &mut SessionState {
        &mut self.0
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
