//! The life of a session: saved, deleted, ended, moved to a new id; and the visitor's cookie.

use super::changes::Changes;
use super::plan::Intent;
use super::{Session, SessionId};
use crate::error::{Error, ErrorKind, Result};

impl Session {
    /// Saves it. Changes that others have saved since it was loaded stay, but for the same keys. Without a
    /// change it notes the access, as [`touch`](Session::touch) does, and finds out whether the session was
    /// deleted.
    ///
    /// # Errors
    ///
    /// `ErrorKind::SessionGone` if it was deleted meanwhile; what the store fails with, and then
    /// the changes are kept for another try.
    pub fn save(&mut self) -> Result<()> {
        if self.is_deleted {
            return Err(self.gone());
        }
        self.intent = Intent::Save;
        self.act_unless_deferred()
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
    pub fn delete(&mut self) -> Result<()> {
        self.data.values.clear();
        self.changes = Changes::none();
        self.is_deleted = true;
        self.intent = Intent::Delete;
        self.act_unless_deferred()
    }

    /// Notes that it was used now, so that it does not time out, and saves nothing else. The
    /// middleware does this for a request that only looks.
    pub fn touch(&mut self) -> Result<()> {
        if self.deferred { Ok(()) } else { self.note_access() }
    }

    /// Ends it, and goes on with an empty one under a new id: for logging out. It ends as with
    /// [`delete`](Session::delete), and with the same errors.
    pub fn invalidate(&mut self) -> Result<()> {
        let mut fresh = Session::new(self.sessions.clone(), self.origin, self.in_cookie);
        fresh.deferred = self.deferred;
        let mut before = std::mem::replace(self, fresh);
        self.ended = std::mem::take(&mut before.ended);
        self.ended.extend(before.places());
        before.changes = Changes::none();
        self.act_unless_deferred()
    }

    /// Saves it under a new id, and ends the old one: for logging in, so that an id that somebody
    /// else may know is worth nothing.
    ///
    /// Requests of this visitor that run at the same time have the old id: what they save before
    /// comes along, what they save after is refused with `ErrorKind::SessionGone`, unless there is
    /// a [`grace`](super::Sessions::grace). If they end the session, it ends under its new id: a small
    /// record leads there for an hour, or for what is left of the session's lifetime.
    ///
    /// # Errors
    ///
    /// As for [`save`](Session::save). After an error the session has the old id still, or has moved and
    /// can be used by this handle; a second try does what is left to do.
    pub fn regenerate_id(&mut self) -> Result<()> {
        if self.is_deleted {
            return Err(self.gone());
        }
        // A move that was begun and not ended goes on to the id that it was to have: nobody knows it.
        let is_on_its_way =
            self.moves_from.is_some() && (self.stored.is_some() || self.may_be_stored);
        if !is_on_its_way {
            let old = std::mem::replace(&mut self.id, SessionId::random());
            if let Some(version) = self.stored.take() {
                self.moves_from = Some((old, version));
            } else if std::mem::take(&mut self.may_be_stored) {
                self.ended.push((old, None));
            }
        }
        self.intent = Intent::Save;
        self.act_unless_deferred()
    }

    /// Acts when the request has ended.
    #[cfg(feature = "middleware")]
    pub(super) fn deferred(mut self) -> Session {
        self.deferred = true;
        self
    }

    fn act_unless_deferred(&mut self) -> Result<()> {
        if self.deferred { Ok(()) } else { self.persist() }
    }

    pub(super) fn gone(&self) -> Error {
        let id = self.id.short();
        let what = format!("the session `{id}` was deleted, and was not saved again");
        Error::new(ErrorKind::SessionGone, what + "; `invalidate` goes on with an empty one")
    }
}
