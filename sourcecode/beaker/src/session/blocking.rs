//! [`Sessions`] and [`Session`] of a blocking program: each call waits until it is done.

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
    /// Makes a new session. Nothing is stored until it is saved.
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

    /// Opens the session that is saved under an id that the program trusts. An id from a visitor goes
    /// through [`load`](Sessions::load).
    ///
    /// # Errors
    ///
    /// `ErrorKind::UnknownSession` if none is stored there, or it has timed out or is damaged;
    /// `ErrorKind::Config` for sessions in cookies; what the store fails with.
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

    /// Loads the session of a visitor, by the `Cookie` header of the request. Whatever is wrong with the
    /// cookie, the visitor gets a new session, whose [`origin`](SessionState::origin) says why.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` if there is no [signer](Sessions::signed_by); what the store fails with.
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
    /// `ErrorKind::Config` for sessions in cookies, which the server does not know; what the store
    /// fails with.
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

    /// Returns the devices on which a user is logged in, oldest first: for a page that shows them. All are read at
    /// once, 64 at a time.
    ///
    /// # Errors
    ///
    /// As for [`sessions_of`](Sessions::sessions_of).
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

    /// Ends the session on one of a user's devices, and tells whether there was one: `false` if it has ended
    /// meanwhile, or is none of this user. Whatever else is done with it at the same time, it has ended when this has
    /// returned `Ok(true)`. All devices but one end with [`revoke_all`](Sessions::revoke_all).
    ///
    /// A session that has got a new id since the list was made is found by its old handle for as long as its user's list
    /// knows the old id; where it is not, `false` asks for a new list.
    ///
    /// # Errors
    ///
    /// As for [`revoke_all`](Sessions::revoke_all).
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

    /// Ends all sessions of a user except the one given, and returns how many: for "log out everywhere",
    /// and after a change of the password. Whatever others do with them at the same time, they have ended
    /// when this has returned `Ok`. Their requests that are on their way save nothing any more:
    /// this one neither, if its own session is among those that end. So it goes on with another one:
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
    /// The session that is given stays also if it gets a new id meanwhile. What logs in at the same time
    /// counts as one that came later. It asks the store at once, and may wait.
    ///
    /// # Errors
    ///
    /// As for [`sessions_of`](Sessions::sessions_of) and [`Session::delete`]. Some may have ended then;
    /// another call ends the others.
    #[doc(alias = "end_sessions_of")]
    #[doc(alias = "logout_everywhere")]
    #[doc(alias = "delete_all")]
    pub fn revoke_all(&self, user: &str, except: Option<&SessionId>) -> Result<usize> {
        finish(self.0.revoke_all(user, except))
    }

    /// Asks the backend that these sessions are in whether it is there, as [`Backend::ping`](crate::Backend::ping).
    ///
    /// # Errors
    ///
    /// What the store fails with.
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
/// It works on a copy of what was loaded, and keeps a list of changes. [`save`](Session::save)
/// applies them to what is stored by then, so two requests of one visitor that overlap lose
/// nothing.
///
/// A handle that is dropped with changes that nobody has tried to save leaves a `WARN` event, with the keys and without their values. [`revert`](SessionState::revert) takes changes back.
///
/// What it holds is read and changed with the methods of [`SessionState`].
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
    /// Sets a value, as [`SessionState::set`]. The value may be made of what is there:
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

    /// Saves it. Changes that others have saved since it was loaded stay, but for the same keys. Without a
    /// change it notes the access, as [`touch`](Session::touch) does, and finds out whether the session was
    /// deleted.
    ///
    /// # Errors
    ///
    /// `ErrorKind::SessionGone` if it was deleted meanwhile; `ErrorKind::Conflict` if others kept writing
    /// it; what the store fails with. After the last two the changes are kept for another try.
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

    /// Deletes it: its values, and the record in the store. Whatever other requests do with it at the
    /// same time, it has ended when this has returned `Ok`: a save that comes later does not bring it
    /// back, and if it gets a new id meanwhile, it ends under that one.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Conflict` if others wrote it so often that it may live on;
    /// `ErrorKind::UnknownSession` if nothing is stored under its id any more, and it was loaded more than an hour ago: for so
    /// long an old id is known to lead to a new one; what the store fails with.
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

    /// Notes that it was used now, so that it does not time out, and saves nothing else. The
    /// middleware does this for a request that only looks.
    ///
    /// # Errors
    ///
    /// What the store fails with.
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

    /// Loads what is stored by now, such as what other requests have saved since this one began: for handles that are
    /// held for long. Changes that are not saved stay, as if they had been made to that; to do without
    /// them, [`revert`](SessionState::revert) first. Nothing is stored. A session that is new, or is kept in a
    /// cookie, stays as it is.
    ///
    /// # Errors
    ///
    /// `ErrorKind::SessionGone` if it has ended meanwhile; what the store fails with. The handle stays as it was.
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

    /// Ends it, and goes on with an empty one under a new id: for logging out. It ends as with
    /// [`delete`](Session::delete), and with the same errors.
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

    /// Saves it under a new id, and ends the old one: for logging in, so that an id that somebody
    /// else may know is worth nothing.
    ///
    /// Requests of this visitor that run at the same time have the old id: what they save before
    /// comes along, what they save after is refused with `ErrorKind::SessionGone`, unless there is
    /// a [`grace`](Sessions::grace). If they end the session, it ends under its new id: a small
    /// record leads there for an hour.
    ///
    /// # Errors
    ///
    /// As for [`save`](Session::save). After an error the session has the old id still, or has moved and
    /// can be used by this handle; a second try does what is left to do.
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
