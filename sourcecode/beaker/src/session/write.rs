//! Writing a session that others may be writing too.

use std::time::Duration;

use super::changes::Changes;
use super::persist::put;
use super::{Session, SessionId, data};
use crate::clock::{Clock, SystemClock};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Namespace;
use crate::store::{Version, When};

/// So often a save is tried again when others write the same session.
const TRIES: u32 = 200;

/// From this try on it waits before each, a little longer every time, but not longer than this.
const WAITS_FROM: u32 = 4;
const LONGEST_WAIT: Duration = Duration::from_millis(8);

/// Where so many write one session, they take turns: from this try on under a lock, without waiting.
const TAKES_TURNS_FROM: u32 = 16;

impl Session {
    pub(super) fn write(&mut self) -> Result<()> {
        let events = self.sessions.0.events.clone();
        let _span = events.saving(&self.id);
        self.write_where_it_is_kept()?;
        events.saved(&self.id);
        Ok(())
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
        for _ in 0..TRIES {
            match put(&self.sessions, &self.id, &mut self.data, When::Absent)? {
                Some(version) => return Ok(version),
                None => self.id = SessionId::random(),
            }
        }
        Err(self.conflict())
    }

    fn write_over(&mut self, mut version: Version) -> Result<Version> {
        let mut turn = None;
        for attempt in 0..TRIES {
            if let Some(version) =
                put(&self.sessions, &self.id, &mut self.data, When::Unchanged(version))?
            {
                return Ok(version);
            }
            match attempt {
                TAKES_TURNS_FROM => turn = Some(self.take_turn(&self.id)?),
                _ if turn.is_none() => self.wait_before(attempt),
                _ => {}
            }
            version = self.merge_with(self.id)?;
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
        let store = self.sessions.0.backend.store.clone();
        let mut turn = None;
        for attempt in 0..TRIES {
            if self.leave(&old, version)? {
                return Ok(new);
            }
            match attempt {
                TAKES_TURNS_FROM => turn = Some(self.take_turn(&old)?),
                _ if turn.is_none() => self.wait_before(attempt),
                _ => {}
            }
            version = match self.merge_with(old) {
                Ok(version) => version,
                Err(error) => {
                    store.delete(&self.sessions.key(&self.id), When::Always)?;
                    (self.stored, self.moves_from) = (None, None);
                    return Err(error);
                }
            };
            new = match put(&self.sessions, &self.id, &mut self.data, When::Unchanged(new))? {
                Some(new) => new,
                None => return Err(self.gone()),
            };
            self.stored = Some(new);
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
    fn merge_with(&mut self, id: SessionId) -> Result<Version> {
        self.sessions.0.events.conflict(&id);
        let Ok(mut latest) = self.sessions.find(&id)? else {
            return Err(self.gone());
        };
        self.changes.redo(&self.data.values, &mut latest.data.values);
        latest.data.accessed = latest.data.accessed.max(self.data.accessed);
        self.data = latest.data;
        if self.moves_from.is_none() {
            self.id = latest.id;
        }
        Ok(latest.version)
    }

    /// Waits until those who write under this id, and have tried for long as well, are done. What is
    /// given back is held while this one writes.
    fn take_turn(&self, id: &SessionId) -> Result<impl Sized + use<>> {
        let key = Namespace::new("beaker.turns").key(id.as_str());
        self.sessions.0.backend.locks.lock(&key)
    }

    /// Lets the others get on. Each handle waits its own time, so that they do not meet again.
    fn wait_before(&self, attempt: u32) {
        if attempt >= WAITS_FROM {
            let steps = u64::from(attempt - WAITS_FROM + 1);
            let own =
                u64::from(self.id.as_str().as_bytes()[0] % 16) + Version::fresh().number() % 64;
            let wait = Duration::from_micros(steps * (20 + own));
            // Not by the sessions' clock: one that stands still would stop this for ever.
            SystemClock.sleep(wait.min(LONGEST_WAIT));
        }
    }

    fn conflict(&self) -> Error {
        let what = format!("could not save the session `{}`: others kept writing it", self.id);
        Error::new(ErrorKind::Conflict, what + "; try again, or let fewer requests write at once")
    }
}
