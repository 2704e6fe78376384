//! The record of a user's list: read, changed and written by several at once.

use std::time::Duration;

use super::list::List;
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Namespace};
use crate::session::Sessions;
use crate::session::attempts::Attempts;
use crate::store::When;

/// Changes a list, or says why not.
pub(super) type Change<'a, T> = &'a dyn Fn(List) -> Result<Result<List, T>>;

impl Sessions {
    /// Reads, changes and writes a list, until nobody has written in between; one that is empty is
    /// removed.
    pub(super) fn rewrite_list<T>(
        &self,
        user: &str,
        key: &Key,
        change: Change<'_, T>,
    ) -> Result<Result<(), T>> {
        let turn = self.0.turns.join(key);
        if turn.is_none()
            && let Some(done) = self.try_to_rewrite(key, change)?
        {
            return Ok(done);
        }
        let mut attempts = Attempts::new(self, key.clone(), turn);
        while attempts.next()? {
            if let Some(done) = self.try_to_rewrite(key, change)? {
                return Ok(done);
            }
        }
        Err(kept_busy(user))
    }

    fn try_to_rewrite<T>(&self, key: &Key, change: Change<'_, T>) -> Result<Option<Result<(), T>>> {
        let (list, when) = self.listed(key)?;
        let list = match change(list)? {
            Ok(list) => list,
            Err(reason) => return Ok(Some(Err(reason))),
        };
        let records = self.0.records();
        let is_done = match (list.entries.is_empty(), when) {
            (true, When::Absent) => true,
            (true, when) => records.delete(key, when)?,
            (false, when) => records.put(key, &list.write(), self.longest_life(), when)?.is_some(),
        };
        Ok(is_done.then_some(Ok(())))
    }

    /// The list under a key, and on what condition it is to be replaced.
    pub(super) fn listed(&self, key: &Key) -> Result<(List, When)> {
        Ok(match self.0.records().get(key)? {
            None => (List::default(), When::Absent),
            Some(stored) => (List::read(&stored.bytes), When::Unchanged(stored.version)),
        })
    }

    /// No session that is listed now lives longer: a lifetime counts from its beginning. A time-out says
    /// nothing of that, since it counts from the last access, which the list does not know.
    fn longest_life(&self) -> Option<Duration> {
        self.0.lifetime
    }

    pub(super) fn user_key(&self, user: &str) -> Key {
        let name = self.0.namespace.name();
        Namespace::new(&format!("beaker.users:{name}")).key(user)
    }
}

pub(super) fn kept_busy(user: &str) -> Error {
    let what = format!("could not list a session of the user `{user}`: others kept doing so");
    Error::new(ErrorKind::Conflict, what + "; try again")
}
