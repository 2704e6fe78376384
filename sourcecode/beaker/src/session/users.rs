//! Whose session it is, and all sessions of one user: for "log out everywhere".
//!
//! Each user has a record with the ids of their sessions. It may list ids that lead to nothing any
//! more; whoever reads it leaves them out, and drops them now and then.

use std::time::Duration;

use super::attempts::Attempts;
use super::{Session, SessionId, Sessions};
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Namespace};
use crate::store::{Version, When};

/// Where a session says whose it is.
const USER: &str = "_user";

/// Ids that lead to nothing are looked for when the list has grown to a multiple of this.
const TIDY_AT: usize = 16;

/// A session is listed before it is saved, and saved within this time.
const SAVED_WITHIN: Duration = Duration::from_secs(60);

/// A session in the list: its id, and when it was listed.
struct Listed {
    id: SessionId,
    at: Timestamp,
}

/// 32 digits of the id, 16 of the microseconds.
const ENTRY: usize = 48;

impl Listed {
    fn write(&self) -> String {
        format!("{}{:016x}", self.id, self.at.as_micros())
    }

    fn read(entry: &[u8]) -> Option<Listed> {
        let (id, at) = str::from_utf8(entry).ok()?.split_at_checked(32)?;
        let at = Timestamp::from_micros(u64::from_str_radix(at, 16).ok()?);
        Some(Listed { id: id.parse().ok()?, at })
    }
}

impl Session {
    /// Whose session it is, as [`set_user`](Session::set_user) said.
    pub fn user(&self) -> Option<&str> {
        self.get(USER)?.as_str()
    }

    /// Says whose session it is, for [`Sessions::sessions_of`]: with a login, together with
    /// [`regenerate_id`](Session::regenerate_id). It is kept under the key `_user`.
    pub fn set_user(&mut self, user: &str) {
        self.set(USER, user);
    }

    /// Lists its id for its user, before it is saved under that id.
    pub(super) fn list_for_its_user(&self) -> Result<()> {
        let is_listed = self.stored.is_some() && !self.changes.touches(USER);
        match self.user() {
            Some(user) if !is_listed => self.sessions.list(user, &self.id),
            _ => Ok(()),
        }
    }
}

impl Sessions {
    /// The ids of a user's sessions, oldest first.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` for sessions in cookies, which the server does not know; what the store
    /// fails with.
    pub fn sessions_of(&self, user: &str) -> Result<Vec<SessionId>> {
        self.check_is_stored()?;
        let listed = self.listed(&self.user_key(user))?.map(|(listed, _)| listed);
        let living = self.living(listed.unwrap_or_default(), user)?;
        Ok(living.into_iter().map(|entry| entry.id).collect())
    }

    /// Ends all sessions of a user but the one given, and tells how many: for "log out everywhere",
    /// and after a change of the password. Their requests that are on their way save nothing any more:
    /// this one neither, if its own session is among those that end. So it goes on with another one:
    ///
    /// ```
    /// # fn main() -> beaker::Result<()> {
    /// # let sessions = beaker::Sessions::new(beaker::Backend::memory());
    /// # let mut session = sessions.create();
    /// sessions.end_sessions_of("kimi", None)?;
    /// session.invalidate()?;
    /// session.set("flash", "You are logged out everywhere.");
    /// session.save()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// It asks the store at once, and may wait.
    ///
    /// # Errors
    ///
    /// As for [`sessions_of`](Sessions::sessions_of).
    pub fn end_sessions_of(&self, user: &str, but: Option<&SessionId>) -> Result<usize> {
        let mut ids = self.sessions_of(user)?;
        ids.retain(|id| Some(id) != but);
        ids.iter().try_for_each(|id| self.end(id))?;
        Ok(ids.len())
    }

    fn check_is_stored(&self) -> Result<()> {
        if self.0.is_in_cookies() {
            let why = "sessions in cookies are not known to the server, and cannot be listed or ended; \
                       keep them in a back end, or let them have a short `lifetime`";
            return Err(Error::config(why));
        }
        Ok(())
    }

    fn list(&self, user: &str, id: &SessionId) -> Result<()> {
        let key = self.user_key(user);
        let turn = self.0.turns.join(&key);
        if turn.is_none() && self.try_to_list(user, &key, id)? {
            return Ok(());
        }
        let mut attempts = Attempts::new(self, key.clone(), turn);
        while attempts.next()? {
            if self.try_to_list(user, &key, id)? {
                return Ok(());
            }
        }
        let what = format!("could not list a session of the user `{user}`: others kept doing so");
        Err(Error::new(ErrorKind::Conflict, what + "; try again"))
    }

    fn try_to_list(&self, user: &str, key: &Key, id: &SessionId) -> Result<bool> {
        let (mut listed, when) = match self.listed(key)? {
            None => (Vec::new(), When::Absent),
            Some((listed, version)) => (listed, When::Unchanged(version)),
        };
        let now = self.0.clock.now();
        if listed.len() % TIDY_AT == TIDY_AT - 1 {
            // What was listed just now may not be saved yet.
            let (new, old): (Vec<_>, Vec<_>) =
                listed.into_iter().partition(|entry| now.since(entry.at) < SAVED_WITHIN);
            listed = self.living(old, user)?;
            listed.extend(new);
        }
        listed.retain(|entry| entry.id != *id);
        listed.push(Listed { id: *id, at: now });
        let text: String = listed.iter().map(Listed::write).collect();
        let store = &self.0.backend.store;
        Ok(store.put(key, text.as_bytes(), self.longest_life(), when)?.is_some())
    }

    fn listed(&self, key: &Key) -> Result<Option<(Vec<Listed>, Version)>> {
        let stored = self.0.backend.store.get(key)?;
        Ok(stored.map(|stored| {
            let listed = stored.bytes.chunks(ENTRY).filter_map(Listed::read);
            (listed.collect(), stored.version)
        }))
    }

    /// Those that lead to a session of this user.
    fn living(&self, listed: Vec<Listed>, user: &str) -> Result<Vec<Listed>> {
        let mut living = Vec::new();
        for entry in listed {
            if let Ok(found) = self.find(&entry.id)?
                && found.id == entry.id
                && found.data.values.get(USER).and_then(|user| user.as_str()) == Some(user)
            {
                living.push(entry);
            }
        }
        Ok(living)
    }

    /// No session that is listed now lives longer: a lifetime counts from its beginning.
    fn longest_life(&self) -> Option<Duration> {
        self.0.lifetime
    }

    fn user_key(&self, user: &str) -> Key {
        let name = self.0.namespace.name();
        Namespace::new(&format!("beaker.users:{name}")).key(user)
    }
}
