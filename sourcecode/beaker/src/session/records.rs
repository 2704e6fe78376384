//! The store as sessions see it: under which key a session is, how its record is read, made and written,
//! and how long it is kept.

use std::time::Duration;

use super::id::{SessionId, shortened};
use super::kept::Kept;
use super::local_tier::Writing;
use super::options::{Manager, Options};
use super::stored::{self, Content, Forward, Rejection, SessionData};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::key::Key;
use crate::store::{AnyStore, Precondition, Stored, Version};

/// How long an old id leads to the new one. No request takes longer.
pub(super) const FORWARDS_LAST: Duration = Duration::from_secs(60 * 60);

/// The store of these sessions, whose errors show no whole id. Sessions reach it in no other way, and what is
/// written in it has no old copy in the local tier.
pub(super) struct Records<'a>(&'a Options);

impl Records<'_> {
    fn store(&self) -> &AnyStore {
        &self.0.backend.store
    }

    fn writing<'a>(&'a self, key: &'a Key) -> Option<Writing<'a>> {
        let tier = self.0.local_tier.as_deref()?;
        Some(tier.writing(key, self.0.clock.monotonic()))
    }

    pub(super) async fn get(&self, key: &Key) -> Result<Option<Stored>> {
        self.store().get(key).await.map_err(shortened)
    }

    pub(super) async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>> {
        self.store().get_many(keys).await.map_err(shortened)
    }

    pub(super) async fn put(
        &self,
        key: &Key,
        bytes: &[u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>> {
        let writing = self.writing(key);
        let version = self.store().put(key, bytes, ttl, when).await.map_err(shortened)?;
        if let (Some(writing), Some(version)) = (&writing, version)
            && *key.namespace() == self.0.namespace
        {
            writing.keep(Stored { bytes: bytes.into(), version });
        }
        Ok(version)
    }

    pub(super) async fn delete(&self, key: &Key, when: Precondition) -> Result<bool> {
        let _writing = self.writing(key);
        self.store().delete(key, when).await.map_err(shortened)
    }
}

impl Manager {
    pub(super) fn records(&self) -> Records<'_> {
        Records(&self.0)
    }

    /// Asks the store for something that is not there.
    pub(super) async fn ping(&self) -> Result<()> {
        self.0.backend.ping().await
    }

    pub(super) fn key(&self, id: &SessionId) -> Key {
        self.0.namespace.key(id.as_str())
    }

    /// Reads what is under an id; `None` also for what cannot be read.
    pub(super) async fn content(&self, id: &SessionId) -> Result<Option<Content>> {
        match self.records().get(&self.key(id)).await? {
            Some(stored) => self.0.read_record(id, &stored),
            None => Ok(None),
        }
    }

    /// Reads where an id leads, for those who are to end the session: also when the grace is over.
    pub(super) async fn forwards(&self, id: &SessionId) -> Result<Option<SessionId>> {
        Ok(match self.content(id).await? {
            Some(Content::Forward(Forward { to, .. })) => Some(to),
            _ => None,
        })
    }

    /// Makes a record of the data, with the access noted as of now, and stores it. (What the handle itself
    /// says of its access stays as it was loaded.) `from` is the id that the session is about to leave.
    pub(super) async fn put(
        &self,
        key: &Key,
        data: &mut SessionData,
        kept: &Kept,
        now: Timestamp,
        from: Option<SessionId>,
        when: Precondition,
    ) -> Result<Option<Version>> {
        let options = &self.0;
        let now = now.max(data.accessed);
        let ttl = match from {
            None => options.ttl(data, now),
            // What never arrives is kept no longer than what leads to it.
            Some(_) => Some(FORWARDS_LAST),
        };
        let until = ttl.map(|ttl| now + ttl);
        let loaded = std::mem::replace(&mut data.accessed, now);
        let record = options.session_record(data, kept, from, now, until);
        data.accessed = loaded;
        self.records().put(key, &record?, ttl, when).await
    }
}

impl Options {
    /// Reads a record that is stored under this id; `None` if it is damaged or foreign.
    ///
    /// # Errors
    ///
    /// A record in Beaker's format that cannot be read, which stays as it is.
    pub(super) fn read_record(&self, id: &SessionId, stored: &Stored) -> Result<Option<Content>> {
        #[cfg(feature = "python")]
        if let Some(format) = &self.beaker {
            return format.read(id, &stored.bytes).map(Some);
        }
        let _ = id;
        Ok(stored::read(stored, &self.codec))
    }

    /// Builds the record of a session; `from` is the id that it is about to leave.
    fn session_record(
        &self,
        data: &SessionData,
        kept: &Kept,
        from: Option<SessionId>,
        now: Timestamp,
        until: Option<Timestamp>,
    ) -> Result<Vec<u8>> {
        #[cfg(feature = "python")]
        if let Some(format) = &self.beaker {
            return format.session(&self.cookie, data, kept, from);
        }
        let _ = kept;
        stored::session(data, from, &self.codec, now, until)
    }

    /// Builds the record that leads from an old id to the new one.
    pub(super) fn forward_record(&self, forward: &Forward, now: Timestamp) -> Result<Vec<u8>> {
        #[cfg(feature = "python")]
        if let Some(format) = &self.beaker {
            return format.forward(&self.cookie, forward, now);
        }
        Ok(forward.record(now))
    }

    /// Tells why a session is over, if it is.
    pub(super) fn over(&self, data: &SessionData) -> Option<Rejection> {
        let (timeout, end) = self.limits(data);
        if timeout.is_none() && end.is_none() {
            return None;
        }
        let now = self.clock.recent();
        if timeout.is_some_and(|timeout| now.since(data.accessed) > timeout) {
            return Some(Rejection::TimedOut);
        }
        end.is_some_and(|end| now > end).then_some(Rejection::TooOld)
    }

    /// Computes how long a record is kept that is written now.
    fn ttl(&self, data: &SessionData, now: Timestamp) -> Option<Duration> {
        let (timeout, end) = self.limits(data);
        [timeout, end.map(|end| end.since(now))].into_iter().flatten().min()
    }
}
