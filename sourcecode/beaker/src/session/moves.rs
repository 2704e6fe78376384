//! Moving a session to a new id. What is written in which order, and why, is told in [`end`](super::end).

use std::time::Duration;

use super::attempts::Attempts;
use super::data::{Content, Forward};
use super::options::Options;
use super::persist::put;
use super::{Session, SessionId};
use crate::error::{Error, Result};
use crate::store::{Version, When};

/// The longest time that requests may be led from an old id to its session.
const LONGEST_GRACE: Duration = Duration::from_secs(60);

impl Options {
    pub(super) fn check_grace(&self) -> Result<()> {
        match self.grace {
            Some(grace) if grace > LONGEST_GRACE => Err(Error::config(format!(
                "`grace` keeps an old id alive, so it is {LONGEST_GRACE:?} at most"
            ))),
            _ => Ok(()),
        }
    }
}

impl Session {
    /// Lets the old id lead here, now that the session is written under its new one. If the old one was
    /// written meanwhile, what was written comes along; if it was deleted, so is the new one. `None` if
    /// it has to be listed first, or comes from another id now.
    pub(super) fn move_from(
        &mut self,
        old: SessionId,
        mut known: Version,
        mut new: Version,
    ) -> Result<Option<Version>> {
        let key = self.sessions.key(&old);
        let turn = self.sessions.0.turns.join(&key);
        if turn.is_none() && self.leave(&old, known)? {
            return self.arrive(new).map(Some);
        }
        let sessions = self.sessions.clone();
        let mut attempts = Attempts::new(&sessions, key, turn);
        while attempts.next()? {
            if sessions.forwards(&old)? == Some(self.id) {
                // Another try has come so far, and was not told.
                return self.arrive(new).map(Some);
            }
            let Ok(latest) = sessions.find(&old)? else {
                let key = sessions.key(&self.id);
                sessions.0.records().delete(&key, When::Always)?;
                self.stored = None;
                return Err(self.gone());
            };
            let now_at = latest.id;
            known = self.merge(latest, known);
            self.moves_from = Some((now_at, known));
            if now_at != old || !self.is_listed() {
                return Ok(None);
            }
            let Some(written) = self.put(When::Unchanged(new))? else { return Err(self.gone()) };
            new = written;
            self.stored = Some(new);
            if self.leave(&old, known)? {
                return self.arrive(new).map(Some);
            }
        }
        Err(self.conflict())
    }

    /// Replaces what is under the old id by what leads here, if nobody has written there since. This
    /// is what decides between the move and whatever else is done to the session.
    fn leave(&self, old: &SessionId, known: Version) -> Result<bool> {
        let options = &self.sessions.0;
        let now = options.clock.now();
        let forward = Forward { to: self.id, until: now + options.grace.unwrap_or_default() };
        let ttl = options.forward_ttl(self.data.created, now);
        let (key, unchanged) = (self.sessions.key(old), When::Unchanged(known));
        Ok(options.records().put(&key, &forward.record(now), Some(ttl), unchanged)?.is_some())
    }

    /// Makes what has arrived an ordinary record.
    fn arrive(&mut self, new: Version) -> Result<Version> {
        let (key, now) = (self.sessions.key(&self.id), self.time());
        let unchanged = When::Unchanged(new);
        let arrived = put(&self.sessions, &key, &mut self.data, now, None, unchanged)?;
        match arrived {
            Some(version) => Ok(version),
            // Somebody has come along, and the next save finds what they wrote. Or it was deleted.
            None => match self.sessions.content(&self.id)? {
                Some(Content::Session(_) | Content::Forward(_)) => Ok(new),
                Some(Content::Arriving(_)) | None => Err(self.gone()),
            },
        }
    }
}
