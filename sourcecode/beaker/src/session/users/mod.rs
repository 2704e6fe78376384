//! Whose session it is, and all sessions of one user: for "log out everywhere".
//!
//! Each user has a record with the ids of their sessions. It may list ids that lead to nothing any
//! more; whoever reads it leaves them out, and drops them now and then.

mod list;
mod listing;
mod stored;

use std::convert::Infallible;

use list::{Ids, List};

use super::data::SessionData;
use super::end::{MOST_MOVES, Step};
use super::options::{MOST_PER_USER, Options};
use super::{Session, SessionId, Sessions};
use crate::error::{Error, Result};

/// Where a session says whose it is.
const USER: &str = "_user";

impl Session {
    /// Whose session it is, as [`set_user`](Session::set_user) said.
    pub fn user(&self) -> Option<&str> {
        self.get(USER)?.as_str()
    }

    /// Says whose session it is, for [`Sessions::sessions_of`]: with a login, together with
    /// [`regenerate_id`](Session::regenerate_id). It is kept under the key `_user`. If the user has more
    /// than [`max_per_user`](Sessions::max_per_user) with this one, the oldest ends.
    pub fn set_user(&mut self, user: &str) {
        self.set(USER, user);
    }

    /// Whether its user lists it under its id. Whatever is stored is listed for the user that it is
    /// stored with; and what was listed for this save is.
    pub(super) fn is_listed(&self) -> bool {
        let Some(user) = self.user() else { return true };
        let is_as_stored = self.stored.is_some() && self.moves_from.is_none();
        let listed_as = self.listed_as.as_deref();
        is_as_stored && !self.changes.touches(USER)
            || listed_as.is_some_and(|(id, of)| *id == self.id && of == user)
    }

    /// Lists its id for its user, before it is saved under that id.
    pub(super) fn list_for_its_user(&mut self) -> Result<()> {
        if self.is_listed() {
            return Ok(());
        }
        let Some(user) = self.user().map(str::to_owned) else { return Ok(()) };
        self.sessions.list(&user, &self.id, self.moves_from.map(|(old, _)| old))?;
        self.listed_as = Some(Box::new((self.id, user)));
        Ok(())
    }

    /// Says so in the list, if this was listed for a save that is done.
    pub(super) fn list_as_saved(&mut self) -> Result<()> {
        if let Some((id, user)) = self.listed_as.as_deref()
            && *id == self.id
        {
            self.sessions.list_as_saved(user, id)?;
        }
        self.listed_as = None;
        Ok(())
    }
}

impl Options {
    pub(super) fn check_users(&self) -> Result<()> {
        let most = self.max_per_user;
        if (1..=MOST_PER_USER).contains(&most) {
            return Ok(());
        }
        let why = format!("`max_per_user` is 1 to {MOST_PER_USER} sessions, and not {most}");
        Err(Error::config(why))
    }
}

impl Sessions {
    /// Keeps at most so many sessions of one [user](super::Session::set_user): when a user logs in once
    /// more, their oldest session ends, and whoever has it is logged out. 1 to 10,000; 1000 by default, so
    /// that the list of a user's sessions stays small whoever logs in how often.
    ///
    /// It goes by when they logged in. One that has timed out or was deleted may count for a while, but not
    /// more than an eighth of them.
    pub fn max_per_user(self, most: usize) -> Sessions {
        self.with(|options| options.max_per_user = most)
    }

    /// The ids of a user's sessions, oldest first.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` for sessions in cookies, which the server does not know; what the store
    /// fails with.
    pub fn sessions_of(&self, user: &str) -> Result<Vec<SessionId>> {
        self.check_is_stored()?;
        let (list, _) = self.listed(&self.user_key(user))?;
        let living = self.living(&list.entries, user)?;
        Ok(living.iter().filter_map(|entry| entry.id()).collect())
    }

    /// Ends all sessions of a user but the one given, and tells how many: for "log out everywhere",
    /// and after a change of the password. Whatever others do with them at the same time, they have ended
    /// when this has returned `Ok`. Their requests that are on their way save nothing any more:
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
    /// The session that is given stays also if it gets a new id meanwhile. What logs in at the same time
    /// counts as one that came later. It asks the store at once, and may wait.
    ///
    /// # Errors
    ///
    /// As for [`sessions_of`](Sessions::sessions_of) and [`Session::delete`]. Some may have ended then;
    /// another call ends the others.
    pub fn end_sessions_of(&self, user: &str, but: Option<&SessionId>) -> Result<usize> {
        self.check_is_stored()?;
        let key = self.user_key(user);
        let (list, _) = self.listed(&key)?;
        let may = |id: &SessionId, data: &SessionData| -> Result<bool> {
            Ok(is_of(data, user) && !but.map_or(Ok(false), |but| self.leads(but, id))?)
        };
        let (mut count, mut ended) = (0, Ids::default());
        for entry in &list.entries {
            let Some(id) = entry.id() else { continue };
            if let Step::Ended(at) = self.end_if(&id, &may)? {
                count += 1;
                // Under both ids, if it has moved.
                ended.extend([entry.digits(), at.digits()]);
            }
        }
        let drops = |mut list: List| -> Result<Result<List, Infallible>> {
            list.remove(&ended);
            Ok(Ok(self.look_through(list, user)?.0))
        };
        let Ok(()) = self.rewrite_list(user, &key, &drops)?;
        Ok(count)
    }

    fn check_is_stored(&self) -> Result<()> {
        if self.0.is_in_cookies() {
            let why = "sessions in cookies are not known to the server, and cannot be listed or ended; \
                       keep them in a back end, or let them have a short `lifetime`";
            return Err(Error::config(why));
        }
        Ok(())
    }

    /// Whether an id is another one, or has led to it.
    fn leads(&self, from: &SessionId, to: &SessionId) -> Result<bool> {
        let mut id = *from;
        for _ in 0..MOST_MOVES {
            if id == *to {
                return Ok(true);
            }
            match self.forwards(&id)? {
                Some(next) => id = next,
                None => break,
            }
        }
        Ok(false)
    }
}

/// Whether a session is this user's.
fn is_of(data: &SessionData, user: &str) -> bool {
    data.values.get(USER).and_then(|user| user.as_str()) == Some(user)
}
