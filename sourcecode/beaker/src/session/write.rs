//! Writing a session that others may be writing too.

use super::attempts::Attempts;
use super::changes::Changes;
use super::persist::put;
use super::{Session, SessionId, data};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::store::{Version, When};

/// So many random ids are tried for a new session: one that is taken has never been seen.
const NEW_IDS: u32 = 3;

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
        // Listed first: an id that leads to nothing does no harm, a session that is not listed does.
        self.list_for_its_user()?;
        let version = match (self.stored, self.moves_from) {
            (Some(version), None) => self.write_over(version)?,
            (None, None) => self.write_new()?,
            (written, Some((old, version))) => {
                let new = match written {
                    Some(new) => self.write_over(new)?,
                    None => self.write_new()?,
                };
                // Known from here on, so that another try, or a `delete`, finds it.
                self.stored = Some(new);
                self.move_from(old, version, new)?
            }
        };
        self.stored = Some(version);
        self.moves_from = None;
        self.changes = Changes::none();
        Ok(())
    }

    fn write_new(&mut self) -> Result<Version> {
        for _ in 0..NEW_IDS {
            match self.put(When::Absent)? {
                Some(version) => return Ok(version),
                None => self.id = SessionId::random(),
            }
        }
        Err(self.conflict())
    }

    fn write_over(&mut self, mut version: Version) -> Result<Version> {
        let key = self.sessions.key(&self.id);
        let turn = self.sessions.0.turns.join(&key);
        if turn.is_none()
            && let Some(version) = self.put_under(&key, When::Unchanged(version))?
        {
            return Ok(version);
        }
        let sessions = self.sessions.clone();
        let mut attempts = Attempts::new(&sessions, key, turn);
        while attempts.next()? {
            version = self.merge_with(self.id, version)?;
            if let Some(version) = self.put(When::Unchanged(version))? {
                return Ok(version);
            }
        }
        Err(self.conflict())
    }

    /// Ends the old id, now that the session is written under its new one. If the old one was written
    /// meanwhile, what was written comes along; if it was deleted, so is the new one.
    fn move_from(
        &mut self,
        old: SessionId,
        mut version: Version,
        mut new: Version,
    ) -> Result<Version> {
        let key = self.sessions.key(&old);
        let turn = self.sessions.0.turns.join(&key);
        if turn.is_none() && self.leave(&old, version)? {
            return Ok(new);
        }
        let sessions = self.sessions.clone();
        let mut attempts = Attempts::new(&sessions, key, turn);
        while attempts.next()? {
            version = match self.merge_with(old, version) {
                Ok(version) => version,
                Err(error) => {
                    let key = sessions.key(&self.id);
                    sessions.0.backend.store.delete(&key, When::Always)?;
                    (self.stored, self.moves_from) = (None, None);
                    return Err(error);
                }
            };
            new = match self.put(When::Unchanged(new))? {
                Some(new) => new,
                None => return Err(self.gone()),
            };
            self.stored = Some(new);
            if self.leave(&old, version)? {
                return Ok(new);
            }
        }
        Err(self.conflict())
    }

    /// Ends the old id, if nobody has written there since: at once, or by leading to the new one for a
    /// while.
    fn leave(&self, old: &SessionId, version: Version) -> Result<bool> {
        let options = &self.sessions.0;
        let (key, unchanged) = (self.sessions.key(old), When::Unchanged(version));
        let Some(grace) = options.grace else {
            return options.backend.store.delete(&key, unchanged);
        };
        let now = options.clock.now();
        let forward = data::forward(&self.id, now, now + grace);
        Ok(options.backend.store.put(&key, &forward, Some(grace), unchanged)?.is_some())
    }

    /// Loads what is stored now, makes the changes to that, and gives its version. If it has moved to a
    /// new id meanwhile, and still can be found, this session has that id from now on.
    fn merge_with(&mut self, id: SessionId, known: Version) -> Result<Version> {
        let Ok(mut latest) = self.sessions.find(&id)? else {
            return Err(self.gone());
        };
        if latest.version != known {
            self.sessions.0.events.conflict(&id);
        }
        self.changes.redo(&self.data.values, &mut latest.data.values);
        latest.data.accessed = latest.data.accessed.max(self.data.accessed);
        self.data = latest.data;
        if self.moves_from.is_none() {
            self.id = latest.id;
        }
        Ok(latest.version)
    }

    fn put(&mut self, when: When) -> Result<Option<Version>> {
        self.put_under(&self.sessions.key(&self.id), when)
    }

    fn put_under(&mut self, key: &Key, when: When) -> Result<Option<Version>> {
        let now = self.time();
        put(&self.sessions, key, &mut self.data, now, when)
    }

    fn conflict(&self) -> Error {
        let what = format!("could not save the session `{}`: others kept writing it", self.id);
        Error::new(ErrorKind::Conflict, what + "; try again, or let fewer requests write at once")
    }
}
