//! The store as sessions see it: under which key a session is, how its record is read, made and written,
//! and how long it is kept.

use std::time::Duration;

use super::announcements::{Announcements, COUNTERS_LAST, shard_of, step};
use super::id::{SessionId, shortened};
use super::kept::Kept;
use super::local_tier::{LocalTier, Writing};
use super::options::{Manager, Options};
use super::stored::{self, Content, Forward, Rejection, SessionData};
use crate::clock::Timestamp;
use crate::error::{ErrorKind, Result};
use crate::key::Key;
use crate::store::{AnyStore, Precondition, Stored, Version};

/// How long an old id leads to the new one. No request takes longer.
pub(super) const FORWARDS_LAST: Duration = Duration::from_secs(60 * 60);

/// The store of these sessions, whose errors show no whole id. Sessions reach it in no other way, and what is
/// written in it has no old copy in the local tier of this process, nor for long in those of others.
pub(super) struct Records<'a>(&'a Options);

impl Records<'_> {
    fn store(&self) -> &AnyStore {
        &self.0.backend.store
    }

    fn writing<'a>(&'a self, key: &'a Key) -> Option<Writing<'a>> {
        let tier = self.0.local_tier.as_deref()?;
        Some(tier.writing(key, self.0.clock.monotonic()))
    }

    /// Tells other processes that a session was written, if they listen. If that fails, the write stands, and
    /// they see it when the time of their copies is over.
    async fn announce(&self, key: &Key) {
        let tier = self.0.local_tier.as_deref();
        if let Some(announcements) = tier.and_then(LocalTier::announcements)
            && *key.namespace() == self.0.namespace
        {
            Box::pin(self.count_up(announcements.counter_of(key))).await;
        }
    }

    async fn count_up(&self, counter: &Key) {
        let done = match self.store().increment(counter, step(), Some(COUNTERS_LAST)).await {
            // Nothing can be added to it. That it is missing from now on, is an announcement too.
            Err(error) if matches!(error.kind(), ErrorKind::Codec | ErrorKind::TooLarge) => {
                self.store().delete(counter, Precondition::Always).await.map(drop)
            }
            done => done.map(drop),
        };
        if let Err(error) = done {
            self.0.events.not_announced(&error);
        }
    }

    /// Looks for announcements of other processes, for a session that has a copy. If that fails, no copies are
    /// shown.
    async fn check(&self, tier: &LocalTier, announcements: &Announcements, session: &Key) {
        let (clock, events) = (&self.0.clock, &self.0.events);
        let Some(check) = announcements.begin_check(clock.monotonic()) else { return };
        match self.get_many(announcements.counters()).await {
            Ok(counters) => {
                if counters.get(shard_of(session)).is_some_and(Option::is_none) {
                    self.count_up(announcements.counter_of(session)).await;
                }
                tier.checked(check, counters);
                events.announcements_are_known();
            }
            Err(error) => {
                check.failed(clock.monotonic());
                events.announcements_are_unknown(&error);
            }
        }
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
        let version = self.put_quietly(key, bytes, ttl, when).await?;
        if version.is_some() {
            self.announce(key).await;
        }
        Ok(version)
    }

    /// Writes what no other process has to know: their copies show the same values.
    async fn put_quietly(
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
        let is_removed = self.store().delete(key, when).await.map_err(shortened)?;
        // Also if nothing was there: a deletion that failed before may have been done.
        self.announce(key).await;
        Ok(is_removed)
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

    /// Looks for what other processes have written into sessions of which there is a copy in the local tier.
    pub(super) async fn check_announcements(&self, tier: &LocalTier, session: &Key) {
        if let Some(announcements) = tier.announcements() {
            self.records().check(tier, announcements, session).await;
        }
    }

    /// Makes a record of the data, with the access noted as of now, and tells
    /// how long it is kept. (What the handle itself says of its access stays as
    /// it was loaded.) `from` is the id that the session is about to leave.
    fn record(
        &self,
        data: &mut SessionData,
        kept: &Kept,
        now: Timestamp,
        from: Option<SessionId>,
    ) -> Result<(Vec<u8>, Option<Duration>)> {
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
        Ok((record?, ttl))
    }

    /// Stores a record of the data.
    pub(super) async fn put(
        &self,
        key: &Key,
        data: &mut SessionData,
        kept: &Kept,
        now: Timestamp,
        from: Option<SessionId>,
        when: Precondition,
    ) -> Result<Option<Version>> {
        let (record, ttl) = self.record(data, kept, now, from)?;
        self.records().put(key, &record, ttl, when).await
    }

    /// The same for data that were loaded, and of which nothing is to be stored but the access.
    pub(super) async fn note(
        &self,
        key: &Key,
        data: &mut SessionData,
        kept: &Kept,
        now: Timestamp,
        when: Precondition,
    ) -> Result<Option<Version>> {
        let (record, ttl) = self.record(data, kept, now, None)?;
        self.records().put_quietly(key, &record, ttl, when).await
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
