//! Finding what is stored under an id, and ending it.

use std::sync::atomic::Ordering;

use super::data::{self, Content, SessionData};
use super::options::Options;
use super::{Rejection, SessionId, Sessions};
use crate::error::Result;
use crate::key::Key;
use crate::store::{Version, When};

/// Ids that follow each other this fast are followed no further.
const MOST_FORWARDS: usize = 4;

/// A session that may be used.
pub(crate) struct Found {
    /// The id that it has now.
    pub(super) id: SessionId,
    pub(super) data: SessionData,
    pub(super) version: Version,
}

impl Sessions {
    pub(super) fn key(&self, id: &SessionId) -> Key {
        self.0.namespace.key(id.as_str())
    }

    /// What is stored under an id and may be used. An id that was changed a moment ago leads to the
    /// new one, if there is a `grace`.
    pub(super) fn find(&self, id: &SessionId) -> Result<Result<Found, Rejection>> {
        let mut id = *id;
        for _ in 0..MOST_FORWARDS {
            let Some(stored) = self.0.backend.store.get(&self.key(&id))? else {
                return Ok(Err(Rejection::Unknown));
            };
            match data::read(&stored, &self.0.codec) {
                Some(Content::Forward(next)) => id = next,
                Some(Content::Session(data)) => {
                    let found = Found { id, data, version: stored.version };
                    let Some(reason) = self.0.over(&found.data) else { return Ok(Ok(found)) };
                    let unchanged = When::Unchanged(found.version);
                    self.0.backend.store.delete(&self.key(&id), unchanged)?;
                    return Ok(Err(reason));
                }
                None => {
                    self.0.damaged.fetch_add(1, Ordering::Relaxed);
                    return Ok(Err(Rejection::Damaged));
                }
            }
        }
        Ok(Err(Rejection::Unknown))
    }

    /// Removes what is stored under an id, and what it leads to.
    pub(super) fn end(&self, id: &SessionId) -> Result<()> {
        let store = &self.0.backend.store;
        if self.0.grace.is_some()
            && let Some(stored) = store.get(&self.key(id))?
            && let Some(Content::Forward(next)) = data::read(&stored, &self.0.codec)
        {
            store.delete(&self.key(&next), When::Always)?;
        }
        store.delete(&self.key(id), When::Always).map(drop)
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
