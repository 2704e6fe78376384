//! Writing the record of a session that others may be writing too, and moving it to a new id.
//!
//! One that belongs to a user is put into the user's list before, and marked as saved there afterwards.
//! What a move writes in which order, and why, is said in [`end`](super::end).
//!
//! What is rare is boxed: the future of a save is handed on by each request, and is as large as its largest
//! branch.

use super::events::Event;
use super::handle::SessionState;
use super::id::SessionId;
use super::records::FORWARDS_LAST;
use super::stored::{Content, Forward, Found};
use super::turns::Turn;
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::store::{Precondition, Version};

/// The attempts with another id or another user: each time others have changed that.
const MAX_ROUNDS: u32 = 16;

impl SessionState {
    /// Writes it into the store: on the condition that nobody has written meanwhile, and otherwise again,
    /// with the changes made to what they wrote.
    pub(super) async fn write_record(&mut self) -> Result<()> {
        for _ in 0..MAX_ROUNDS {
            // Listed first: an id that leads to nothing does no harm, a session that is not listed does.
            if !self.is_listed() {
                Box::pin(self.list_for_its_user()).await?;
            }
            if let Some(version) = self.write_as_listed().await? {
                (self.stored, self.moves_from) = (Some(version), None);
                self.forget_changes();
                return match self.listed_as {
                    None => Ok(()),
                    Some(_) => Box::pin(self.list_as_saved()).await,
                };
            }
        }
        Err(self.conflict())
    }

    /// `None` if it has another id or another user now, and so may have to be listed first.
    async fn write_as_listed(&mut self) -> Result<Option<Version>> {
        let Some(version) = self.stored else {
            return match self.write_new().await? {
                Some(version) => self.stored_as(version).await,
                None => Ok(None),
            };
        };
        if self.has_nothing_to_write() {
            return Box::pin(self.merge_with(self.id, version)).await.map(Some);
        }
        match self.write_over(version).await? {
            Some(version) => self.stored_as(version).await,
            None => Ok(None),
        }
    }

    /// Goes on with a move, if this is one.
    async fn stored_as(&mut self, version: Version) -> Result<Option<Version>> {
        // Known from here on, so that another try, or a `delete`, finds it.
        self.stored = Some(version);
        match self.moves_from {
            None => Ok(Some(version)),
            Some((old, known)) => Box::pin(self.move_from(old, known, version)).await,
        }
    }

    /// Without a change and with its access noted already, all there is to do is to find out whether
    /// it was deleted.
    fn has_nothing_to_write(&self) -> bool {
        let options = &self.sessions.0;
        let noted = self.last_accessed.unwrap_or(self.data.accessed);
        let is_due = options.save_accessed_time
            && options.is_touch_due(self.data.life(), noted, options.clock.recent());
        !is_due && !self.is_modified() && self.moves_from.is_none()
    }

    async fn write_new(&mut self) -> Result<Option<Version>> {
        // A try that failed may have been done.
        let was_tried = std::mem::replace(&mut self.may_be_stored, true);
        if let Some(version) = self.put(Precondition::Absent).await? {
            self.may_be_stored = false;
            return Ok(Some(version));
        }
        if was_tried {
            let key = self.sessions.key(&self.id);
            let stored = self.sessions.records().get(&key).await?;
            self.stored = stored.map(|stored| stored.version);
        } else {
            self.id = self.sessions.0.new_ids.make();
            self.may_be_stored = false;
        }
        Ok(None)
    }

    async fn write_over(&mut self, version: Version) -> Result<Option<Version>> {
        let key = self.sessions.key(&self.id);
        let turn = self.sessions.turn(&key).await;
        if turn.is_none()
            && let Some(version) = self.put_under(&key, Precondition::Unchanged(version)).await?
        {
            return Ok(Some(version));
        }
        Box::pin(self.write_after_others(key, turn, version)).await
    }

    async fn write_after_others(
        &mut self,
        key: Key,
        turn: Option<Turn>,
        mut version: Version,
    ) -> Result<Option<Version>> {
        let sessions = self.sessions.clone();
        let mut attempts = sessions.attempts(key, turn).await;
        while attempts.next().await? {
            version = self.merge_with(self.id, version).await?;
            if !self.is_listed() {
                self.stored = Some(version);
                return Ok(None);
            }
            if let Some(version) = self.put(Precondition::Unchanged(version)).await? {
                return Ok(Some(version));
            }
        }
        Err(self.conflict())
    }

    /// Loads what is stored now, makes the changes to that, and returns its version. If it has moved to a
    /// new id meanwhile, and still can be found, this session has that id from now on.
    async fn merge_with(&mut self, id: SessionId, known: Version) -> Result<Version> {
        let Ok(latest) = self.sessions.find(&id).await? else {
            return Err(self.gone());
        };
        // If this was a move, it has come to its end: what only arrives is not found.
        (self.id, self.moves_from) = (latest.id, None);
        self.merge(latest, known)
    }

    /// Loads what is stored now, and makes the changes to that, without a save. What is stored nowhere stays.
    pub(super) async fn load_again(&mut self) -> Result<()> {
        self.refuse_if_unavailable()?;
        if self.is_deleted {
            return Err(self.gone());
        }
        if self.stored.is_none() || self.moves_from.is_some() || self.sessions.0.is_in_cookies() {
            return Ok(());
        }
        let Ok(latest) = self.sessions.find(&self.id).await? else { return Err(self.gone()) };
        let id = latest.id;
        self.stored = Some(self.take_over(latest)?);
        self.id = id;
        Ok(())
    }

    /// The same where a save found that others were first.
    fn merge(&mut self, latest: Found, known: Version) -> Result<Version> {
        if latest.version != known {
            self.sessions.0.events.emit(Event::Conflict(&latest.id));
        }
        self.take_over(latest)
    }

    /// Makes the changes to what others have saved, and goes on with that.
    fn take_over(&mut self, mut latest: Found) -> Result<Version> {
        self.changes.redo(&self.data.values, &mut latest.data.values)?;
        latest.data.accessed = latest.data.accessed.max(self.data.accessed);
        self.kept = latest.kept;
        self.data = latest.data;
        Ok(latest.version)
    }

    async fn put(&mut self, when: Precondition) -> Result<Option<Version>> {
        self.put_under(&self.sessions.key(&self.id), when).await
    }

    async fn put_under(&mut self, key: &Key, when: Precondition) -> Result<Option<Version>> {
        let (now, from) = (self.time(), self.moves_from.map(|(old, _)| old));
        let kept = self.kept.without(|entry| self.changes.replaces(entry));
        self.sessions.put(key, &mut self.data, &kept, now, from, when).await
    }

    /// Lets the old id lead here, now that the session is written under its new one. If the old one was
    /// written meanwhile, what was written comes along; if it was deleted, so is the new one. `None` if
    /// it has to be listed first, or comes from another id now.
    async fn move_from(
        &mut self,
        old: SessionId,
        mut known: Version,
        mut new: Version,
    ) -> Result<Option<Version>> {
        let key = self.sessions.key(&old);
        let turn = self.sessions.turn(&key).await;
        if turn.is_none() && self.leave(&old, known).await? {
            return self.arrive(new).await.map(Some);
        }
        let sessions = self.sessions.clone();
        let mut attempts = sessions.attempts(key, turn).await;
        while attempts.next().await? {
            if sessions.forwards(&old).await? == Some(self.id) {
                // Another try has come so far, and was not told.
                return self.arrive(new).await.map(Some);
            }
            let Ok(latest) = sessions.find(&old).await? else {
                let key = sessions.key(&self.id);
                sessions.records().delete(&key, Precondition::Always).await?;
                self.stored = None;
                return Err(self.gone());
            };
            let now_at = latest.id;
            known = self.merge(latest, known)?;
            self.moves_from = Some((now_at, known));
            if now_at != old || !self.is_listed() {
                return Ok(None);
            }
            let Some(written) = self.put(Precondition::Unchanged(new)).await? else {
                return Err(self.gone());
            };
            new = written;
            self.stored = Some(new);
            if self.leave(&old, known).await? {
                return self.arrive(new).await.map(Some);
            }
        }
        Err(self.conflict())
    }

    /// Replaces what is under the old id by what leads here, if nobody has written there since. This
    /// is what decides between the move and whatever else is done to the session.
    async fn leave(&self, old: &SessionId, known: Version) -> Result<bool> {
        let options = &self.sessions.0;
        let now = options.clock.now();
        let forward = Forward { to: self.id, until: now + options.grace.unwrap_or_default() };
        let (key, unchanged) = (self.sessions.key(old), Precondition::Unchanged(known));
        let record = options.forward_record(&forward, now)?;
        Ok(self
            .sessions
            .records()
            .put(&key, &record, Some(FORWARDS_LAST), unchanged)
            .await?
            .is_some())
    }

    /// Makes what has arrived an ordinary record.
    async fn arrive(&mut self, new: Version) -> Result<Version> {
        let (key, now) = (self.sessions.key(&self.id), self.time());
        let unchanged = Precondition::Unchanged(new);
        let kept = self.kept.without(|entry| self.changes.replaces(entry));
        let arrived = self.sessions.put(&key, &mut self.data, &kept, now, None, unchanged).await?;
        match arrived {
            Some(version) => Ok(version),
            // Somebody has come along, and the next save finds what they wrote. Or it was deleted.
            None => match self.sessions.content(&self.id).await? {
                Some(Content::Session(..) | Content::Forward(_)) => Ok(new),
                #[cfg(feature = "python")]
                Some(Content::Emptied) => Err(self.gone()),
                Some(Content::Arriving(_)) | None => Err(self.gone()),
            },
        }
    }

    fn conflict(&self) -> Error {
        let id = self.id.short();
        let what = format!("could not save the session `{id}`: others kept writing it");
        Error::new(ErrorKind::Conflict, what + "; try again, or let fewer requests write at once")
    }
}
