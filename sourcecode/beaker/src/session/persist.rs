//! Acting on a session's plan: the only file that writes sessions.

use std::time::Duration;

use super::changes::Changes;
use super::data::SessionData;
use super::plan::{Facts, Intent, Plan, plan};
use super::{Session, SessionId};
use crate::error::{Error, ErrorKind, Result};
use crate::record::Header;
use crate::store::{Version, When};

/// So often a save is tried again when others write the same session.
const TRIES: u32 = 200;

/// From this try on it waits before each, a little longer every time, but not longer than this.
const WAITS_FROM: u32 = 4;
const LONGEST_WAIT: Duration = Duration::from_millis(8);

impl Session {
    /// Does what was asked for, and what the options want at the end of a request.
    pub(crate) fn persist(&mut self) -> Result<()> {
        let options = &self.sessions.0;
        let facts = Facts {
            intent: self.intent,
            modified: self.is_modified(),
            is_new: self.is_new(),
            auto: options.auto,
            save_accessed_time: options.save_accessed_time,
        };
        match plan(facts) {
            Plan::Nothing => {}
            Plan::Touch => self.touch()?,
            Plan::Write => self.write()?,
            Plan::Delete => self.delete_record()?,
        }
        self.intent = Intent::Leave;
        while let Some(id) = self.ended.last() {
            self.sessions.0.backend.store.delete(&self.sessions.key(id), When::Always)?;
            self.ended.pop();
        }
        Ok(())
    }

    fn delete_record(&mut self) -> Result<()> {
        let moved = self.moves_from.take().map(|(id, _)| id);
        for id in moved.into_iter().chain([self.id]) {
            self.sessions.0.backend.store.delete(&self.sessions.key(&id), When::Always)?;
        }
        self.stored = None;
        Ok(())
    }

    /// Notes the access. If somebody else has written since, they have noted a later one.
    fn touch(&mut self) -> Result<()> {
        let Some(version) = self.stored else { return Ok(()) };
        let mut unchanged = self.data.clone();
        unchanged.values = self.changes.clone().undo(unchanged.values);
        if let Some(version) = self.put(&unchanged, When::Unchanged(version))? {
            self.stored = Some(version);
        }
        Ok(())
    }

    fn write(&mut self) -> Result<()> {
        let version = match (self.stored, self.moves_from) {
            (Some(version), _) => self.write_over(version)?,
            (None, Some((old, version))) => self.move_from(old, version)?,
            (None, None) => self.write_new()?,
        };
        self.stored = Some(version);
        self.moves_from = None;
        self.changes = Changes::none();
        Ok(())
    }

    fn write_new(&mut self) -> Result<Version> {
        for _ in 0..TRIES {
            match self.put(&self.data, When::Absent)? {
                Some(version) => return Ok(version),
                None => self.id = SessionId::random(),
            }
        }
        Err(self.conflict())
    }

    fn write_over(&mut self, mut version: Version) -> Result<Version> {
        for attempt in 0..TRIES {
            if let Some(version) = self.put(&self.data, When::Unchanged(version))? {
                return Ok(version);
            }
            self.wait_before(attempt);
            version = self.merge_with(self.id)?;
        }
        Err(self.conflict())
    }

    /// Writes the session under its new id, then ends the old one. If that was written meanwhile,
    /// what was written comes along; if it was deleted, so is this.
    fn move_from(&mut self, old: SessionId, mut version: Version) -> Result<Version> {
        let mut new = self.write_new()?;
        let store = self.sessions.0.backend.store.clone();
        for attempt in 0..TRIES {
            if store.delete(&self.sessions.key(&old), When::Unchanged(version))? {
                return Ok(new);
            }
            self.wait_before(attempt);
            version = match self.merge_with(old) {
                Ok(version) => version,
                Err(error) => {
                    store.delete(&self.sessions.key(&self.id), When::Always)?;
                    return Err(error);
                }
            };
            new = match self.put(&self.data, When::Unchanged(new))? {
                Some(new) => new,
                None => return Err(self.gone()),
            };
        }
        Err(self.conflict())
    }

    /// Loads what is stored now, makes the changes to that, and gives its version.
    fn merge_with(&mut self, id: SessionId) -> Result<Version> {
        let Ok((mut latest, stored)) = self.sessions.find(&id)? else {
            return Err(self.gone());
        };
        self.changes.redo(&self.data.values, &mut latest.values);
        latest.accessed = latest.accessed.max(self.data.accessed);
        self.data = latest;
        Ok(stored.version)
    }

    fn put(&self, data: &SessionData, when: When) -> Result<Option<Version>> {
        let options = &self.sessions.0;
        let header = Header {
            codec: options.codec.tag(),
            stored_at: options.clock.now(),
            fresh_until: options.timeout.map(|timeout| data.accessed + timeout),
        };
        let record = header.build(|bytes| options.codec.encode_into(data, bytes))?;
        let key = self.sessions.key(&self.id);
        options.backend.store.put(&key, &record, options.timeout, when)
    }

    /// Lets the others get on. Each handle waits its own time, so that they do not meet again.
    fn wait_before(&self, attempt: u32) {
        if attempt >= WAITS_FROM {
            let steps = u64::from(attempt - WAITS_FROM + 1);
            let own =
                u64::from(self.id.as_str().as_bytes()[0] % 16) + Version::fresh().number() % 64;
            let wait = Duration::from_micros(steps * (20 + own));
            self.sessions.0.clock.sleep(wait.min(LONGEST_WAIT));
        }
    }

    fn conflict(&self) -> Error {
        let what = format!("could not save the session `{}`: others kept writing it", self.id);
        Error::new(ErrorKind::Conflict, what + "; try again, or let fewer requests write at once")
    }
}
