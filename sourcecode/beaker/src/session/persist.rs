//! Acting on a session's plan.

use std::time::Duration;

use smallvec::SmallVec;

use super::data::{self, SessionData};
use super::end::{FORWARDS_LAST, Known};
use super::options::Options;
use super::plan::{Facts, Intent, Plan, plan};
use super::{Session, SessionId, Sessions};
use crate::clock::Timestamp;
use crate::error::{ErrorKind, Result};
use crate::key::Key;
use crate::store::{Version, When};

impl Session {
    /// Does what was asked for, and what the options want at the end of a request.
    pub(crate) fn persist(&mut self) -> Result<()> {
        let plan = plan(self.facts());
        // What is to end, ends first: it must not live on because something else cannot be saved.
        while let Some((id, known)) = self.ended.pop() {
            let ended = self.sessions.end_known(&id, known.as_ref());
            if ended.as_ref().is_err_and(|error| error.kind() != ErrorKind::UnknownSession) {
                self.ended.push((id, known));
            }
            ended?;
        }
        match plan {
            Plan::Nothing => {}
            Plan::Touch => self.note_access()?,
            Plan::Write => self.write()?,
            Plan::Delete => self.delete_record()?,
        }
        self.intent = Intent::Leave;
        Ok(())
    }

    /// Whether all there is to save is that it was used.
    #[cfg(feature = "middleware")]
    pub(crate) fn is_only_looked_at(&self) -> bool {
        self.ended.is_empty() && plan(self.facts()) == Plan::Touch
    }

    fn facts(&self) -> Facts {
        let options = &self.sessions.0;
        Facts {
            intent: self.intent,
            modified: self.is_modified(),
            is_new: self.is_new(),
            auto: options.auto,
            save_accessed_time: options.save_accessed_time,
            is_renewal_due: options.is_in_cookies() && self.in_cookie.is_some_and(|it| it.is_due),
        }
    }

    fn delete_record(&mut self) -> Result<()> {
        for (id, known) in self.places() {
            self.sessions.end_known(&id, known.as_ref())?;
        }
        (self.moves_from, self.stored, self.issued) = (None, None, None);
        self.may_be_stored = false;
        Ok(())
    }

    /// Where the session is stored, or may be.
    pub(super) fn places(&self) -> SmallVec<[(SessionId, Option<Known>); 2]> {
        let at = self.data.accessed;
        let known = |(id, version)| (id, Some(Known { version, at }));
        let old = self.moves_from.map(known);
        let own = self.stored.map(|version| known((self.id, version)));
        let own = own.or(self.may_be_stored.then_some((self.id, None)));
        old.into_iter().chain(own).collect()
    }

    /// Notes the access in what is stored, and nothing else: not what was changed here, and not over
    /// what somebody else has changed.
    pub(super) fn note_access(&mut self) -> Result<()> {
        if self.is_deleted {
            // A deletion that failed has left the record as it was, and this handle empty.
            return Ok(());
        }
        // What is on its way to another id is not there yet.
        let (Some(version), None) = (self.stored, self.moves_from) else { return Ok(()) };
        let options = &self.sessions.0;
        let noted = self.last_accessed.unwrap_or(self.data.accessed);
        let is_due = options.is_touch_due(noted, options.clock.recent());
        #[cfg(feature = "cookies")]
        if let Some(carrier) = options.carrier.clone() {
            let is_due = is_due || self.in_cookie.is_some_and(|it| it.is_due);
            if is_due {
                self.renew_cookie(&carrier)?;
                self.sessions.0.events.touched(&self.id);
            }
            return Ok(());
        }
        if !is_due {
            return Ok(());
        }
        let key = self.sessions.key(&self.id);
        let _turn = self.sessions.0.turns.join(&key);
        let (now, mut unchanged) = (self.time(), self.unchanged());
        let noted = put(&self.sessions, &key, &mut unchanged, now, None, When::Unchanged(version))?;
        if noted.is_some() {
            self.stored = noted;
            self.sessions.0.events.touched(&self.id);
            return Ok(());
        }
        // Somebody has written since. They may have begun, and so noted an access, before this one.
        if let Ok(mut latest) = self.sessions.find(&self.id)? {
            let (key, unchanged) = (self.sessions.key(&latest.id), When::Unchanged(latest.version));
            put(&self.sessions, &key, &mut latest.data, now, None, unchanged)?;
        }
        Ok(())
    }

    /// The time of an access. For a request a few milliseconds less do no harm, and are told in a tenth
    /// of the time.
    pub(super) fn time(&self) -> Timestamp {
        let clock = &self.sessions.0.clock;
        if self.deferred { clock.recent() } else { clock.now() }
    }

    /// The data without what was changed here.
    pub(super) fn unchanged(&self) -> SessionData {
        let mut unchanged = self.data.clone();
        unchanged.values = self.changes.clone().undo(unchanged.values);
        unchanged
    }
}

/// Stores the data, with the access noted as of now. (What the handle itself says of its access stays
/// as it was loaded.) `from` is the id that the session is about to leave.
pub(super) fn put(
    sessions: &Sessions,
    key: &Key,
    data: &mut SessionData,
    now: Timestamp,
    from: Option<SessionId>,
    when: When,
) -> Result<Option<Version>> {
    let options = &sessions.0;
    let now = now.max(data.accessed);
    let ttl = match from {
        None => options.ttl(data.created, now),
        // What never arrives is kept no longer than what leads to it.
        Some(_) => Some(options.forward_ttl(data.created, now)),
    };
    let fresh_until = ttl.map(|ttl| now + ttl);
    let loaded = std::mem::replace(&mut data.accessed, now);
    let record = data::session(data, from, &options.codec, now, fresh_until);
    data.accessed = loaded;
    options.records().put(key, &record?, ttl, when)
}

impl Options {
    /// How long a record is kept that is written now, of a session that began then.
    fn ttl(&self, created: Timestamp, now: Timestamp) -> Option<Duration> {
        let left = self.lifetime.map(|lifetime| lifetime.saturating_sub(now.since(created)));
        [self.timeout, left].into_iter().flatten().min()
    }

    /// How long an old id leads on: the time-out says nothing of it, since the session is used on.
    pub(super) fn forward_ttl(&self, created: Timestamp, now: Timestamp) -> Duration {
        let left = self.lifetime.map(|lifetime| lifetime.saturating_sub(now.since(created)));
        left.map_or(FORWARDS_LAST, |left| left.clamp(Duration::from_secs(1), FORWARDS_LAST))
    }
}
