//! Writing a session that others may be writing too.

use super::attempts::Attempts;
use super::changes::Changes;
use super::find::Found;
use super::persist::put;
use super::{Session, SessionId};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::store::{Version, When};

/// So often it is begun again with another id or another user: each time others have changed that.
const MOST_ROUNDS: u32 = 16;

impl Session {
    pub(super) fn write(&mut self) -> Result<()> {
        let events = self.sessions.0.events.clone();
        let _span = events.saving(&self.id);
        let written = self.write_where_it_is_kept();
        match &written {
            Ok(()) => events.saved(&self.id),
            Err(error) if error.kind() == ErrorKind::SessionGone => events.dropped(&self.id),
            Err(_) => {}
        }
        written
    }

    fn write_where_it_is_kept(&mut self) -> Result<()> {
        #[cfg(feature = "cookies")]
        if let Some(carrier) = self.sessions.0.carrier.clone() {
            return self.write_into_cookie(&carrier);
        }
        for _ in 0..MOST_ROUNDS {
            // Listed first: an id that leads to nothing does no harm, a session that is not listed does.
            self.list_for_its_user()?;
            if let Some(version) = self.write_as_listed()? {
                (self.stored, self.moves_from) = (Some(version), None);
                self.changes = Changes::none();
                return self.list_as_saved();
            }
        }
        Err(self.conflict())
    }

    /// `None` if it has another id or another user now, and so may have to be listed first.
    fn write_as_listed(&mut self) -> Result<Option<Version>> {
        let Some(version) = self.stored else {
            return match self.write_new()? {
                Some(version) => self.stored_as(version),
                None => Ok(None),
            };
        };
        if self.has_nothing_to_write() {
            return self.merge_with(self.id, version).map(Some);
        }
        match self.write_over(version)? {
            Some(version) => self.stored_as(version),
            None => Ok(None),
        }
    }

    /// Goes on with a move, if this is one.
    fn stored_as(&mut self, version: Version) -> Result<Option<Version>> {
        // Known from here on, so that another try, or a `delete`, finds it.
        self.stored = Some(version);
        match self.moves_from {
            None => Ok(Some(version)),
            Some((old, known)) => self.move_from(old, known, version),
        }
    }

    /// Without a change and with its access noted already, all there is to do is to find out whether
    /// it was deleted.
    fn has_nothing_to_write(&self) -> bool {
        let options = &self.sessions.0;
        let noted = self.last_accessed.unwrap_or(self.data.accessed);
        let is_due =
            options.save_accessed_time && options.is_touch_due(noted, options.clock.recent());
        !is_due && !self.is_modified() && self.moves_from.is_none()
    }

    fn write_new(&mut self) -> Result<Option<Version>> {
        // A try that failed may have been done.
        let was_tried = std::mem::replace(&mut self.may_be_stored, true);
        if let Some(version) = self.put(When::Absent)? {
            self.may_be_stored = false;
            return Ok(Some(version));
        }
        if was_tried {
            let key = self.sessions.key(&self.id);
            let stored = self.sessions.0.records().get(&key)?;
            self.stored = stored.map(|stored| stored.version);
        } else {
            self.id = SessionId::random();
            self.may_be_stored = false;
        }
        Ok(None)
    }

    fn write_over(&mut self, mut version: Version) -> Result<Option<Version>> {
        let key = self.sessions.key(&self.id);
        let turn = self.sessions.0.turns.join(&key);
        if turn.is_none()
            && let Some(version) = self.put_under(&key, When::Unchanged(version))?
        {
            return Ok(Some(version));
        }
        let sessions = self.sessions.clone();
        let mut attempts = Attempts::new(&sessions, key, turn);
        while attempts.next()? {
            version = self.merge_with(self.id, version)?;
            if !self.is_listed() {
                self.stored = Some(version);
                return Ok(None);
            }
            if let Some(version) = self.put(When::Unchanged(version))? {
                return Ok(Some(version));
            }
        }
        Err(self.conflict())
    }

    /// Loads what is stored now, makes the changes to that, and gives its version. If it has moved to a
    /// new id meanwhile, and still can be found, this session has that id from now on.
    fn merge_with(&mut self, id: SessionId, known: Version) -> Result<Version> {
        let Ok(latest) = self.sessions.find(&id)? else {
            return Err(self.gone());
        };
        // If this was a move, it has come to its end: what only arrives is not found.
        (self.id, self.moves_from) = (latest.id, None);
        Ok(self.merge(latest, known))
    }

    pub(super) fn merge(&mut self, mut latest: Found, known: Version) -> Version {
        if latest.version != known {
            self.sessions.0.events.conflict(&latest.id);
        }
        self.changes.redo(&self.data.values, &mut latest.data.values);
        latest.data.accessed = latest.data.accessed.max(self.data.accessed);
        self.data = latest.data;
        latest.version
    }

    pub(super) fn put(&mut self, when: When) -> Result<Option<Version>> {
        self.put_under(&self.sessions.key(&self.id), when)
    }

    fn put_under(&mut self, key: &Key, when: When) -> Result<Option<Version>> {
        let (now, from) = (self.time(), self.moves_from.map(|(old, _)| old));
        put(&self.sessions, key, &mut self.data, now, from, when)
    }

    pub(super) fn conflict(&self) -> Error {
        let id = self.id.short();
        let what = format!("could not save the session `{id}`: others kept writing it");
        Error::new(ErrorKind::Conflict, what + "; try again, or let fewer requests write at once")
    }
}
