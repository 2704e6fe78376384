//! Finding what is stored under an id.

use std::sync::atomic::Ordering;

use super::data::{self, Arriving, Content, Forward, SessionData};
use super::options::Options;
use super::persist::put;
use super::{Rejection, SessionId, Sessions};
use crate::error::Result;
use crate::key::Key;
use crate::store::{Stored, Version, When};

/// A request is led over so many ids of a session that gets new ones all the time.
const MOST_FOLLOWED: usize = 64;

/// A session that may be used.
pub(crate) struct Found {
    /// The id that it has now.
    pub(super) id: SessionId,
    pub(super) data: SessionData,
    pub(super) version: Version,
}

/// What a record means to a request.
pub(super) enum Judged {
    Found(Found),
    Rejected(Rejection),
    /// The session is under this id, which may be the same one: what is there has changed.
    Look(SessionId),
}

impl Sessions {
    pub(super) fn key(&self, id: &SessionId) -> Key {
        self.0.namespace.key(id.as_str())
    }

    /// What is stored under an id and may be used. An id that was changed a moment ago leads to the
    /// new one, if there is a `grace`.
    pub(super) fn find(&self, id: &SessionId) -> Result<Result<Found, Rejection>> {
        let mut id = *id;
        for _ in 0..MOST_FOLLOWED {
            let Some(stored) = self.0.records().get(&self.key(&id))? else { break };
            match self.judge(id, &stored)? {
                Judged::Found(found) => return Ok(Ok(found)),
                Judged::Rejected(reason) => return Ok(Err(reason)),
                Judged::Look(next) => id = next,
            }
        }
        Ok(Err(Rejection::Unknown))
    }

    /// What a record under this id means to a request.
    pub(super) fn judge(&self, id: SessionId, stored: &Stored) -> Result<Judged> {
        let version = stored.version;
        match data::read(stored, &self.0.codec) {
            Some(Content::Session(data)) => self.in_time(Found { id, data, version }),
            Some(Content::Forward(Forward { to, until })) if self.0.clock.now() < until => {
                Ok(Judged::Look(to))
            }
            Some(Content::Forward(_)) => Ok(Judged::Rejected(Rejection::Moved)),
            Some(Content::Arriving(Arriving { from, data })) => {
                if self.forwards(&from)? != Some(id) {
                    return Ok(Judged::Rejected(Rejection::Unknown));
                }
                self.arrive(Found { id, data, version })
            }
            None => {
                self.0.damaged.fetch_add(1, Ordering::Relaxed);
                Ok(Judged::Rejected(Rejection::Damaged))
            }
        }
    }

    fn in_time(&self, found: Found) -> Result<Judged> {
        let Some(reason) = self.0.over(&found.data) else { return Ok(Judged::Found(found)) };
        self.0.records().delete(&self.key(&found.id), When::Unchanged(found.version))?;
        Ok(Judged::Rejected(reason))
    }

    /// Does what is left of a move, which was begun and not ended: by one that is at it now, or that has
    /// crashed.
    fn arrive(&self, mut found: Found) -> Result<Judged> {
        let (key, unchanged) = (self.key(&found.id), When::Unchanged(found.version));
        let accessed = found.data.accessed;
        match put(self, &key, &mut found.data, accessed, None, unchanged)? {
            Some(version) => self.in_time(Found { version, ..found }),
            None => Ok(Judged::Look(found.id)),
        }
    }

    /// Where this id leads, to those who are to end the session: also when the grace is over.
    pub(super) fn forwards(&self, id: &SessionId) -> Result<Option<SessionId>> {
        Ok(match self.content(id)? {
            Some(Content::Forward(Forward { to, .. })) => Some(to),
            _ => None,
        })
    }

    /// What is under an id, if it can be read.
    pub(super) fn content(&self, id: &SessionId) -> Result<Option<Content>> {
        let stored = self.0.records().get(&self.key(id))?;
        Ok(stored.and_then(|stored| data::read(&stored, &self.0.codec)))
    }
}

impl Options {
    /// Why a session is over, if it is.
    pub(super) fn over(&self, data: &SessionData) -> Option<Rejection> {
        if self.timeout.is_none() && self.lifetime.is_none() {
            return None;
        }
        let now = self.clock.recent();
        if self.timeout.is_some_and(|timeout| now.since(data.accessed) > timeout) {
            return Some(Rejection::TimedOut);
        }
        let is_too_old = self.lifetime.is_some_and(|lifetime| now.since(data.created) > lifetime);
        is_too_old.then_some(Rejection::TooOld)
    }
}
