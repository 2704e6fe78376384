//! Doing what was asked of a session: deciding what that is, and then writing, touching, deleting or
//! ending it, in the store or in the visitor's cookie.

#[cfg(feature = "cookies")]
use std::mem;

use smallvec::SmallVec;

#[cfg(feature = "cookies")]
use super::client_side::Carrier;
use super::events::Event;
use super::handle::{Intent, Known, SessionState};
use super::id::SessionId;
use super::options::Home;
#[cfg(feature = "cookies")]
use super::stored::SessionData;
use crate::clock::Timestamp;
use crate::error::{ErrorKind, Result};
use crate::store::Precondition;
#[cfg(feature = "cookies")]
use crate::store::Version;

/// What there is to know before a decision.
#[derive(Debug, Clone, Copy)]
struct Facts {
    intent: Intent,
    /// Has anything changed since it was loaded?
    modified: bool,
    /// Is it stored nowhere yet?
    is_new: bool,
    /// Save what changed without being asked: Beaker's `auto`.
    auto: bool,
    /// Keep the time of the last access: Beaker's `save_accessed_time`.
    save_accessed_time: bool,
    /// It is kept in the cookie, and an old key made that.
    is_renewal_due: bool,
}

impl Facts {
    fn wants_a_touch(self) -> bool {
        self.save_accessed_time || self.is_renewal_due
    }
}

/// What is to be done about a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plan {
    Nothing,
    /// Note the access, unless somebody else has written since.
    Touch,
    Write,
    Delete,
}

/// Decides with no store in sight.
fn plan(facts: Facts) -> Plan {
    match facts.intent {
        Intent::Delete => Plan::Delete,
        Intent::Save => Plan::Write,
        Intent::Leave if facts.auto && facts.modified => Plan::Write,
        // A visitor who only looked is given no session.
        Intent::Leave if facts.is_new => Plan::Nothing,
        Intent::Leave if facts.wants_a_touch() => Plan::Touch,
        Intent::Leave => Plan::Nothing,
    }
}

impl SessionState {
    /// Does what was asked for, and what the options want at the end of a request.
    pub(crate) async fn persist(&mut self) -> Result<()> {
        let plan = plan(self.facts());
        if plan != Plan::Nothing {
            self.refuse_if_unavailable()?;
        }
        // What is to end, ends first: it must not live on because something else cannot be saved.
        if !self.ended.is_empty() {
            Box::pin(self.end_those_that_ended()).await?;
        }
        match plan {
            Plan::Nothing => {}
            Plan::Touch => self.note_access().await?,
            Plan::Write => self.write().await?,
            Plan::Delete => Box::pin(self.delete_record()).await?,
        }
        self.intent = Intent::Leave;
        Ok(())
    }

    async fn end_those_that_ended(&mut self) -> Result<()> {
        while let Some((id, known)) = self.ended.last().copied() {
            let ended = self.sessions.end_known(&id, known.as_ref()).await;
            // What nobody can find any more is not tried again.
            if ended.as_ref().err().is_none_or(|error| error.kind() == ErrorKind::UnknownSession) {
                self.ended.pop();
            }
            ended?;
        }
        Ok(())
    }

    /// Tells whether there is nothing to do, so that no future of it has to be made.
    #[cfg(feature = "tower")]
    pub(crate) fn is_done(&self) -> bool {
        self.ended.is_empty()
            && match plan(self.facts()) {
                Plan::Nothing => true,
                Plan::Touch => !self.is_access_due(),
                Plan::Write | Plan::Delete => false,
            }
    }

    /// Tells whether all there is to save is that it was used.
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

    async fn write(&mut self) -> Result<()> {
        let (events, id) = (self.sessions.0.events.clone(), self.id);
        #[cfg(feature = "metrics")]
        let begun = crate::metrics::begin(&*self.sessions.0.clock);
        let written = match self.sessions.0.home.clone() {
            Home::Store => events.during_save(&id, || self.write_record()).await,
            #[cfg(feature = "cookies")]
            Home::Cookie(carrier) => self.write_into_cookie(&carrier),
        };
        #[cfg(feature = "metrics")]
        events.save_ended(begun, &*self.sessions.0.clock, &written);
        match &written {
            Ok(()) => events.emit(Event::Saved(&self.id)),
            Err(error) if error.kind() == ErrorKind::SessionGone => {
                events.emit(Event::SavedTooLate(&self.id));
            }
            Err(_) => {}
        }
        written
    }

    async fn delete_record(&mut self) -> Result<()> {
        for (id, known) in self.places() {
            self.sessions.end_known(&id, known.as_ref()).await?;
        }
        (self.moves_from, self.stored, self.issued) = (None, None, None);
        self.may_be_stored = false;
        Ok(())
    }

    /// Returns where the session is stored, or may be.
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
    pub(super) async fn note_access(&mut self) -> Result<()> {
        if !self.is_access_due() {
            return Ok(());
        }
        match self.sessions.0.home.clone() {
            Home::Store => self.touch_record().await,
            #[cfg(feature = "cookies")]
            Home::Cookie(carrier) => self.renew_cookie(&carrier),
        }
    }

    fn is_access_due(&self) -> bool {
        // A deletion that failed has left the record as it was, and this handle empty. And what is on its
        // way to another id is not there yet.
        if self.is_deleted || self.stored.is_none() || self.moves_from.is_some() {
            return false;
        }
        let options = &self.sessions.0;
        let noted = self.last_accessed.unwrap_or(self.data.accessed);
        let is_renewal_due = options.is_in_cookies() && self.in_cookie.is_some_and(|it| it.is_due);
        is_renewal_due || options.is_touch_due(self.data.life(), noted, options.clock.recent())
    }

    async fn touch_record(&mut self) -> Result<()> {
        let Some(version) = self.stored else { return Ok(()) };
        let key = self.sessions.key(&self.id);
        let _turn = self.sessions.turn(&key).await;
        let (now, mut unchanged) = (self.time(), self.unchanged());
        let condition = Precondition::Unchanged(version);
        let noted = self.sessions.note(&key, &mut unchanged, &self.kept, now, condition).await?;
        if noted.is_some() {
            self.stored = noted;
            self.sessions.0.events.emit(Event::Touched(&self.id));
            return Ok(());
        }
        Box::pin(self.touch_what_others_wrote(now)).await
    }

    /// They may have begun, and so noted an access, before this one.
    async fn touch_what_others_wrote(&self, now: Timestamp) -> Result<()> {
        if let Ok(mut latest) = self.sessions.find(&self.id).await? {
            let (key, unchanged) =
                (self.sessions.key(&latest.id), Precondition::Unchanged(latest.version));
            self.sessions.note(&key, &mut latest.data, &latest.kept, now, unchanged).await?;
        }
        Ok(())
    }
}

/// Of a session that is kept in the visitor's cookie.
#[cfg(feature = "cookies")]
impl SessionState {
    /// Issues a cookie with all that there is, changed or not: whoever saves wants it to be sent.
    fn write_into_cookie(&mut self, carrier: &Carrier) -> Result<()> {
        let now = self.time().max(self.data.accessed);
        let loaded = mem::replace(&mut self.data.accessed, now);
        let header = self.sessions.0.header(carrier, &self.id, &self.data, &self.kept());
        self.data.accessed = loaded;
        self.issue(header?);
        self.moves_from = None;
        self.forget_changes();
        Ok(())
    }

    /// Issues a cookie with what was loaded, and the access noted as of now.
    fn renew_cookie(&mut self, carrier: &Carrier) -> Result<()> {
        let unchanged = self.unchanged();
        let data = SessionData { accessed: self.time().max(unchanged.accessed), ..unchanged };
        let header = self.sessions.0.header(carrier, &self.id, &data, &self.kept)?;
        self.issue(header);
        self.sessions.0.events.emit(Event::Touched(&self.id));
        Ok(())
    }

    fn issue(&mut self, header: String) {
        self.issued = Some(header);
        // There is no store to number its writes.
        self.stored = Some(Version::new(0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_table() {
        use Intent::*;
        // intent, modified, new, auto, atime
        let rows = [
            ((Delete, false, false, false, false), Plan::Delete),
            ((Delete, true, true, true, true), Plan::Delete),
            ((Save, false, false, false, false), Plan::Write),
            ((Save, true, true, false, true), Plan::Write),
            ((Leave, true, true, true, false), Plan::Write),
            ((Leave, true, false, true, true), Plan::Write),
            ((Leave, false, true, true, true), Plan::Nothing),
            ((Leave, false, false, true, true), Plan::Touch),
            ((Leave, true, false, false, true), Plan::Touch),
            ((Leave, true, true, false, true), Plan::Nothing),
            ((Leave, true, false, false, false), Plan::Nothing),
            ((Leave, false, false, true, false), Plan::Nothing),
        ];
        for ((intent, modified, is_new, auto, save_accessed_time), wanted) in rows {
            let facts =
                Facts { intent, modified, is_new, auto, save_accessed_time, is_renewal_due: false };
            assert_eq!(plan(facts), wanted, "{facts:?}");
            let renewed = plan(Facts { is_renewal_due: true, ..facts });
            let by_renewal = if is_new { wanted } else { Plan::Touch };
            assert_eq!(renewed, if wanted == Plan::Nothing { by_renewal } else { wanted });
        }
    }
}
