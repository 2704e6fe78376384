//! The life of a session: saved, deleted, ended, moved to a new id; and the visitor's cookie.

use super::changes::Changes;
use super::plan::Intent;
use super::{Session, SessionId};
use crate::error::{Error, ErrorKind, Result};

impl Session {
    /// Saves it. Changes that others have saved since it was loaded stay, but for the same keys.
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

    /// Deletes it: its values, and the record in the store. A save of another request that comes
    /// later does not bring it back.
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

    /// Ends it, and goes on with an empty one under a new id: for logging out.
    pub fn invalidate(&mut self) -> Result<()> {
        let fresh = Session::new(self.sessions.clone(), self.origin, self.in_cookie);
        let before = std::mem::replace(self, Session { deferred: self.deferred, ..fresh });
        self.ended = before.ended;
        self.ended.extend(before.stored.map(|_| before.id));
        self.ended.extend(before.moves_from.map(|(id, _)| id));
        self.act_unless_deferred()
    }

    /// Saves it under a new id, and ends the old one: for logging in, so that an id that somebody
    /// else may know is worth nothing.
    ///
    /// Requests of this visitor that run at the same time have the old id: what they save before
    /// comes along, what they save after is refused with `ErrorKind::SessionGone`, unless there is
    /// a [`grace`](super::Sessions::grace).
    pub fn regenerate_id(&mut self) -> Result<()> {
        if self.is_deleted {
            return Err(self.gone());
        }
        let old = std::mem::replace(&mut self.id, SessionId::random());
        if let Some(version) = self.stored.take() {
            self.moves_from = Some((old, version));
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
        let what = format!("the session `{}` was deleted, and was not saved again", self.id);
        Error::new(ErrorKind::SessionGone, what + "; `invalidate` goes on with an empty one")
    }
}
