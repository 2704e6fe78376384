//! The user of a session, and all sessions of a user: for "log out everywhere".
//!
//! Each user has a record with the ids of their sessions, up to a maximum. It may still list ids of sessions
//! that have ended; readers skip these, and they are dropped from time to time.

mod devices;
mod list;

use std::time::Duration;

pub use devices::{Device, DeviceHandle};
use list::{Entry, Ids, List};

use super::end::{Ending, MayEnd};
use super::events::Event;
use super::handle::SessionState;
use super::id::SessionId;
use super::life::{LIFE, Life};
use super::load::Resolved;
use super::options::Manager;
use super::stored::{SessionData, USER};
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Namespace};
use crate::store::Precondition;

/// A session is listed before it is saved, and saved within this time.
const SAVED_WITHIN: Duration = Duration::from_secs(60);

/// The number of records that are read at once.
const BATCH: usize = 64;

/// The limit of sessions that are listed but not yet saved: further ones wait.
const MAX_UNSAVED: usize = 5000;

/// The attempts at making room for a new session by ending the oldest; each fails only if others have come
/// first.
const MAX_ROUNDS: u32 = 8;

impl SessionState {
    /// Returns the user set with [`set_user`](SessionState::set_user).
    ///
    /// ```
    /// # let sessions = beaker::Sessions::new(beaker::Backend::memory());
    /// let mut session = sessions.create();
    /// assert_eq!(session.user(), None);
    /// session.set_user("kimi");
    /// assert_eq!(session.user(), Some("kimi"));
    /// ```
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.get(USER)?.as_str()
    }

    /// Sets the user of this session, for [`Sessions::sessions_of`](crate::Sessions::sessions_of) and the
    /// like. Call it at the log-in, together with [`regenerate_id`](crate::Session::regenerate_id). The user
    /// is stored under the key `_user`. If the user has more than
    /// [`max_per_user`](crate::Sessions::max_per_user) sessions with this one, the oldest ends.
    ///
    /// ```
    /// # fn main() -> beaker::Result<()> {
    /// # let sessions = beaker::Sessions::new(beaker::Backend::memory());
    /// # let mut session = sessions.create();
    /// session.set_user("kimi");
    /// session.regenerate_id()?;
    /// assert_eq!(sessions.sessions_of("kimi")?, [*session.id()]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_user(&mut self, user: &str) {
        self.set(USER, user);
    }

    /// Whether its user lists it under its id. Whatever is stored is listed for the user that it is
    /// stored with; and what was listed for this save is.
    pub(super) fn is_listed(&self) -> bool {
        let Some(user) = self.user() else { return true };
        let is_as_stored = self.stored.is_some() && self.moves_from.is_none();
        let listed_as = self.listed_as.as_deref();
        is_as_stored && !self.changes.touches(USER) && !self.may_outlive_its_list()
            || listed_as.is_some_and(|(id, of)| *id == self.id && of == user)
    }

    /// Tells whether its list may have to be kept longer than it is.
    fn may_outlive_its_list(&self) -> bool {
        self.sessions.longest_life().is_some() && self.changes.touches(LIFE)
    }

    /// Lists its id for its user, before it is saved under that id.
    pub(super) async fn list_for_its_user(&mut self) -> Result<()> {
        let Some(user) = self.user().map(str::to_owned) else { return Ok(()) };
        self.sessions.check_users_are_known()?;
        let leaves = self.moves_from.map(|(old, _)| old);
        let until = match self.data.life() {
            Life::Until(date) => Some(date),
            Life::Default | Life::For(_) | Life::Browser => None,
        };
        self.sessions.list(&user, &self.id, until, leaves).await?;
        self.listed_as = Some(Box::new((self.id, user)));
        Ok(())
    }

    /// Says so in the list, if this was listed for a save that is done.
    pub(super) async fn list_as_saved(&mut self) -> Result<()> {
        if let Some((id, user)) = self.listed_as.as_deref()
            && *id == self.id
        {
            self.sessions.rewrite_list(user, Change::MarkSaved { id }).await?;
        }
        self.listed_as = None;
        Ok(())
    }
}

impl Manager {
    /// Returns the ids of a user's sessions, oldest first.
    pub(super) async fn sessions_of(&self, user: &str) -> Result<Vec<SessionId>> {
        self.check_is_stored()?;
        self.check_users_are_known()?;
        let (list, _) = self.listed(&self.user_key(user)).await?;
        let living = self.living(&list.entries, user).await?;
        Ok(living.iter().filter_map(list::Entry::id).collect())
    }

    /// Ends a user's sessions, but for this one, and returns how many have ended.
    pub(super) async fn revoke_all(&self, user: &str, except: Option<&SessionId>) -> Result<usize> {
        self.check_is_stored()?;
        self.check_users_are_known()?;
        let (list, _) = self.listed(&self.user_key(user)).await?;
        let (mut count, mut ended) = (0, Ids::default());
        for entry in &list.entries {
            let Some(id) = entry.id() else { continue };
            if let Ending::Ended(at) = self.end_if(&id, MayEnd::Of { user, except }).await? {
                count += 1;
                // Under both ids, if it has moved.
                ended.extend([entry.digits(), at.digits()]);
            }
        }
        self.rewrite_list(user, Change::Drop { ended: &ended }).await?;
        Ok(count)
    }

    /// Refuses users where others begin and end sessions without a list of them.
    fn check_users_are_known(&self) -> Result<()> {
        #[cfg(feature = "python")]
        if self.0.beaker.is_some() {
            let why = "sessions that Python's Beaker shares have no user, because Python keeps no list of a \
                       user's sessions; keep the user's name under a key of the program";
            return Err(Error::config(why));
        }
        Ok(())
    }

    fn check_is_stored(&self) -> Result<()> {
        if self.0.is_in_cookies() {
            let why = "sessions in cookies are not known to the server, and cannot be listed or ended; \
                       keep them in a backend, or let them have a short `lifetime`";
            return Err(Error::config(why));
        }
        Ok(())
    }
}

/// Entries of a list that do not count.
#[derive(Default)]
struct Excluded {
    /// Ended, and to be dropped.
    ended: Ids,
    /// On their way: not saved yet, or about to be left. They do not count.
    passing: Ids,
}

/// What is to be done to a list.
#[derive(Clone, Copy)]
enum Change<'a> {
    /// List one more, that has a date of its own or not. When it `may_exceed`, none has to make room.
    Add { id: &'a SessionId, until: Option<Timestamp>, excluded: &'a Excluded, may_exceed: bool },
    /// Note that this one is saved: when it is found no more, it has ended.
    MarkSaved { id: &'a SessionId },
    /// Drop what has ended: these, and whatever else has.
    Drop { ended: &'a Ids },
}

/// A list after a change; or those that have to end before there is room for one more.
enum Changed {
    List(List),
    Full(Vec<Entry>),
}

impl Manager {
    /// Lists a session that is to be saved under this id, and ends the oldest if they are too many. One that
    /// leaves another id does not count twice.
    async fn list(
        &self,
        user: &str,
        id: &SessionId,
        until: Option<Timestamp>,
        leaves: Option<SessionId>,
    ) -> Result<()> {
        let mut excluded = Excluded::default();
        excluded.passing.extend(leaves.map(|id| id.digits()));
        for round in 1..=MAX_ROUNDS {
            let may_exceed = round == MAX_ROUNDS;
            let add = Change::Add { id, until, excluded: &excluded, may_exceed };
            let oldest = self.rewrite_list(user, add).await?;
            if oldest.is_empty() {
                return Ok(());
            }
            // No turn is held here: that of a session and that of a list never are together.
            for entry in oldest {
                let set = match self.make_room(&entry, user, leaves.as_ref()).await? {
                    true => &mut excluded.ended,
                    false => &mut excluded.passing,
                };
                set.extend([entry.digits()]);
            }
        }
        Err(kept_busy(user))
    }

    async fn change_list(&self, mut list: List, user: &str, change: Change<'_>) -> Result<Changed> {
        match change {
            Change::Add { id, until, excluded, may_exceed } => {
                list.lasts_until(until);
                return self.with_one_more(list, user, id, excluded, may_exceed).await;
            }
            Change::MarkSaved { id } => {
                match list.entries.iter_mut().rfind(|entry| entry.digits() == id.digits()) {
                    Some(entry) => *entry = entry.saved(),
                    // Saving has taken so long that it was given up.
                    None => list.entries.push(Entry::new(id, self.0.clock.now()).saved()),
                }
            }
            Change::Drop { ended } => {
                list.remove(ended);
                list = self.look_through(list, user).await?.0;
            }
        }
        Ok(Changed::List(list))
    }

    /// The list with this id, or those that have to end first.
    async fn with_one_more(
        &self,
        mut list: List,
        user: &str,
        id: &SessionId,
        excluded: &Excluded,
        may_exceed: bool,
    ) -> Result<Changed> {
        list.remove(&excluded.ended);
        if list.entries.iter().any(|entry| entry.digits() == id.digits() && entry.is_saved()) {
            return Ok(Changed::List(list));
        }
        let mut unsaved = Ids::default();
        if list.due == 0 {
            (list, unsaved) = self.look_through(list, user).await?;
        }
        list.entries.retain(|entry| entry.digits() != id.digits());
        let most = self.0.max_per_user;
        let counts = |entry: &&Entry| !excluded.passing.contains(entry) && !unsaved.contains(entry);
        // Mostly there is room, and nothing to count.
        if list.entries.len() >= most && !may_exceed {
            let counted = list.entries.iter().filter(counts).count();
            let over = (counted + 1).saturating_sub(most);
            if over > 0 {
                let oldest = list.entries.iter().filter(counts).take(over);
                return Ok(Changed::Full(oldest.copied().collect()));
            }
        }
        if list.entries.len() >= most + MAX_UNSAVED {
            return Err(kept_busy(user));
        }
        list.entries.push(Entry::new(id, self.0.clock.now()));
        list.due = list.due.saturating_sub(1);
        Ok(Changed::List(list))
    }

    /// Ends one of the oldest; `false` if it is not there yet, or is the session that is to be listed, which
    /// somebody else has moved from the same id.
    async fn make_room(
        &self,
        entry: &Entry,
        user: &str,
        leaves: Option<&SessionId>,
    ) -> Result<bool> {
        let Some(id) = entry.id() else { return Ok(true) };
        let is_gone = match self.end_here(&id, MayEnd::Of { user, except: leaves }).await? {
            Ending::Ended(_) => {
                self.0.events.emit(Event::TooMany(&id));
                true
            }
            // The session is listed under its new id too.
            Ending::Moved(_) => true,
            Ending::Spared if self.is_or_leads(leaves, &id).await? => return Ok(false),
            Ending::Nothing | Ending::Spared | Ending::Arrives(_) => false,
        };
        Ok(is_gone || !is_passing(entry, self.0.clock.now()))
    }

    /// The list without what has ended, and what of it is no session yet: it was listed just now and may
    /// not be saved.
    async fn look_through(&self, mut list: List, user: &str) -> Result<(List, Ids)> {
        let now = self.0.clock.now();
        let (mut living, mut unsaved) = (Ids::default(), Ids::default());
        living.extend(self.living(&list.entries, user).await?.iter().map(Entry::digits));
        list.entries.retain(|entry| {
            let is_living = living.contains(entry);
            if !is_living && is_passing(entry, now) {
                unsaved.extend([entry.digits()]);
            }
            is_living || is_passing(entry, now)
        });
        list.looked_through(self.0.max_per_user);
        Ok((list, unsaved))
    }

    /// Those that are ids of a session of this user.
    async fn living(&self, listed: &[Entry], user: &str) -> Result<Vec<Entry>> {
        let (mut living, mut listed_at) = (Vec::new(), listed.iter());
        let add = |id: SessionId, _: &SessionData| {
            living.extend(listed_at.find(|entry| entry.digits() == id.digits()));
        };
        self.for_each_living(listed, user, add).await?;
        Ok(living)
    }

    /// Reads many at once, and calls this for each session of this user, in their order.
    async fn for_each_living(
        &self,
        listed: &[Entry],
        user: &str,
        mut call: impl FnMut(SessionId, &SessionData),
    ) -> Result<()> {
        for batch in listed.chunks(BATCH) {
            let ids: Vec<SessionId> = batch.iter().filter_map(Entry::id).collect();
            let keys: Vec<Key> = ids.iter().map(|id| self.key(id)).collect();
            let stored = self.records().get_many(&keys).await?;
            for (id, stored) in ids.into_iter().zip(stored) {
                let Some(stored) = stored else { continue };
                let found = match self.resolve(id, &stored).await? {
                    Resolved::Found(found) => Some(found),
                    Resolved::Elsewhere(next) if next == id => self.find(&id).await?.ok(),
                    Resolved::Elsewhere(_) | Resolved::Rejected(_) => None,
                };
                if let Some(found) = found
                    && found.id == id
                    && found.data.user() == Some(user)
                {
                    call(id, &found.data);
                }
            }
        }
        Ok(())
    }
}

/// The record of a list: read, changed and written by several at once.
impl Manager {
    /// Reads, changes and writes a list, and repeats that if it was written in between; an empty list is
    /// removed.
    async fn rewrite_list(&self, user: &str, change: Change<'_>) -> Result<Vec<Entry>> {
        let key = self.user_key(user);
        let turn = self.turn(&key).await;
        if turn.is_none()
            && let Some(done) = self.try_to_rewrite(&key, user, change).await?
        {
            return Ok(done);
        }
        let mut attempts = self.attempts(key.clone(), turn).await;
        while attempts.next().await? {
            if let Some(done) = self.try_to_rewrite(&key, user, change).await? {
                return Ok(done);
            }
        }
        Err(kept_busy(user))
    }

    /// `None` if the list was written in between.
    async fn try_to_rewrite(
        &self,
        key: &Key,
        user: &str,
        change: Change<'_>,
    ) -> Result<Option<Vec<Entry>>> {
        let (list, when) = self.listed(key).await?;
        let list = match self.change_list(list, user, change).await? {
            Changed::List(list) => list,
            Changed::Full(oldest) => return Ok(Some(oldest)),
        };
        let records = self.records();
        let is_done = match (list.entries.is_empty(), when) {
            (true, Precondition::Absent) => true,
            (true, when) => records.delete(key, when).await?,
            (false, when) => {
                let own = list.until.map(|until| until.since(self.0.clock.now()));
                let ttl = self.longest_life().map(|longest| longest.max(own.unwrap_or_default()));
                records.put(key, &list.write(), ttl, when).await?.is_some()
            }
        };
        Ok(is_done.then(Vec::new))
    }

    async fn listed(&self, key: &Key) -> Result<(List, Precondition)> {
        Ok(match self.records().get(key).await? {
            None => (List::default(), Precondition::Absent),
            Some(stored) => (List::read(&stored.bytes), Precondition::Unchanged(stored.version)),
        })
    }

    /// No session that is listed now lives longer, but for one with a date of its own: a lifetime counts from
    /// its beginning. A timeout says nothing of that, since it counts from the last access, which the list does
    /// not know.
    fn longest_life(&self) -> Option<Duration> {
        self.0.lifetime
    }

    fn user_key(&self, user: &str) -> Key {
        let name = self.0.namespace.name();
        Namespace::new(&format!("beaker.users:{name}")).key(user)
    }
}

/// Whether what is listed may not be saved yet.
fn is_passing(entry: &Entry, now: Timestamp) -> bool {
    !entry.is_saved() && now.since(entry.at()) < SAVED_WITHIN
}

fn kept_busy(user: &str) -> Error {
    let what = format!("could not list a session of the user `{user}`: others kept doing so");
    Error::new(ErrorKind::Conflict, what + "; try again")
}
