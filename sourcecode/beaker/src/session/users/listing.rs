//! Listing a user's sessions: at most so many, and without those that have ended.

use std::convert::Infallible;
use std::time::Duration;

use super::is_of;
use super::list::{Entry, Ids, List};
use super::stored::kept_busy;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::key::Key;
use crate::session::data::SessionData;
use crate::session::end::Step;
use crate::session::find::Judged;
use crate::session::{SessionId, Sessions};

/// A session is listed before it is saved, and saved within this time.
const SAVED_WITHIN: Duration = Duration::from_secs(60);

/// So many records are read at once.
const BATCH: usize = 64;

/// So many may be listed and not saved yet: what then comes waits until some are.
const MOST_UNSAVED: usize = 5000;

/// So often the oldest are ended to make room for a new one; each time others have come first.
const MOST_ROUNDS: u32 = 8;

/// What a list is known to have beside sessions.
#[derive(Default)]
struct Known {
    /// Ended, and to be dropped.
    ended: Ids,
    /// On their way: not saved yet, or about to be left. They do not count.
    passing: Ids,
}

impl Sessions {
    /// Lists a session that is to be saved under this id, and ends the oldest if they are too many. One that
    /// leaves another id does not count twice.
    pub(super) fn list(&self, user: &str, id: &SessionId, leaves: Option<SessionId>) -> Result<()> {
        let key = self.user_key(user);
        let mut known = Known::default();
        known.passing.extend(leaves.map(|id| id.digits()));
        for round in 1..=MOST_ROUNDS {
            let may_exceed = round == MOST_ROUNDS;
            let adds = |list: List| self.with_one_more(list, user, id, &known, may_exceed);
            let Err(oldest) = self.rewrite_list(user, &key, &adds)? else { return Ok(()) };
            // No turn is held here: that of a session and that of a list never are together.
            for entry in oldest {
                let set = match self.make_room(&entry, user, leaves.as_ref())? {
                    true => &mut known.ended,
                    false => &mut known.passing,
                };
                set.extend([entry.digits()]);
            }
        }
        Err(kept_busy(user))
    }

    /// Notes that a session is saved which was listed to be: when it is found no more, it has ended.
    pub(super) fn list_as_saved(&self, user: &str, id: &SessionId) -> Result<()> {
        let notes = |mut list: List| -> Result<Result<List, Infallible>> {
            match list.entries.iter_mut().rfind(|entry| entry.digits() == id.digits()) {
                Some(entry) => *entry = entry.saved(),
                // Saving has taken so long that it was given up.
                None => list.entries.push(Entry::new(id, self.0.clock.now()).saved()),
            }
            Ok(Ok(list))
        };
        let Ok(()) = self.rewrite_list(user, &self.user_key(user), &notes)?;
        Ok(())
    }

    /// The list with this id, or those that have to end first.
    fn with_one_more(
        &self,
        mut list: List,
        user: &str,
        id: &SessionId,
        known: &Known,
        may_exceed: bool,
    ) -> Result<Result<List, Vec<Entry>>> {
        list.remove(&known.ended);
        let mut unsaved = Ids::default();
        if list.due == 0 {
            (list, unsaved) = self.look_through(list, user)?;
        }
        list.entries.retain(|entry| entry.digits() != id.digits());
        let most = self.0.max_per_user;
        let counts = |entry: &&Entry| !known.passing.contains(entry) && !unsaved.contains(entry);
        // Mostly there is room, and nothing to count.
        if list.entries.len() >= most && !may_exceed {
            let counted = list.entries.iter().filter(counts).count();
            let over = (counted + 1).saturating_sub(most);
            if over > 0 {
                return Ok(Err(list.entries.iter().filter(counts).take(over).copied().collect()));
            }
        }
        if list.entries.len() >= most + MOST_UNSAVED {
            return Err(kept_busy(user));
        }
        list.entries.push(Entry::new(id, self.0.clock.now()));
        list.due = list.due.saturating_sub(1);
        Ok(Ok(list))
    }

    /// Ends one of the oldest; `false` if it is not there yet, or is the session that is to be listed, which
    /// somebody else has moved from the same id.
    fn make_room(&self, entry: &Entry, user: &str, leaves: Option<&SessionId>) -> Result<bool> {
        let Some(id) = entry.id() else { return Ok(true) };
        let is_the_same = |id: &SessionId| leaves.map_or(Ok(false), |old| self.leads(old, id));
        let may = |id: &SessionId, data: &SessionData| -> Result<bool> {
            Ok(is_of(data, user) && !is_the_same(id)?)
        };
        let is_gone = match self.end_here(&id, &may)? {
            Step::Ended(_) => {
                self.0.events.too_many(&id);
                true
            }
            // The session is listed under its new id too.
            Step::Moved(_) => true,
            Step::Spared if is_the_same(&id)? => return Ok(false),
            Step::Nothing | Step::Spared | Step::Arrives(_) => false,
        };
        Ok(is_gone || !is_passing(entry, self.0.clock.now()))
    }

    /// The list without what has ended, and what of it is no session yet: it was listed just now and may
    /// not be saved.
    pub(super) fn look_through(&self, mut list: List, user: &str) -> Result<(List, Ids)> {
        let now = self.0.clock.now();
        let (mut living, mut unsaved) = (Ids::default(), Ids::default());
        living.extend(self.living(&list.entries, user)?.iter().map(Entry::digits));
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
    pub(super) fn living(&self, listed: &[Entry], user: &str) -> Result<Vec<Entry>> {
        let mut living = Vec::new();
        for batch in listed.chunks(BATCH) {
            let ids: Vec<(Entry, SessionId)> =
                batch.iter().filter_map(|entry| Some((*entry, entry.id()?))).collect();
            let keys: Vec<Key> = ids.iter().map(|(_, id)| self.key(id)).collect();
            let stored = self.0.records().get_many(&keys)?;
            for ((entry, id), stored) in ids.into_iter().zip(stored) {
                let Some(stored) = stored else { continue };
                let found = match self.judge(id, &stored)? {
                    Judged::Found(found) => Some(found),
                    Judged::Look(next) if next == id => self.find(&id)?.ok(),
                    Judged::Look(_) | Judged::Rejected(_) => None,
                };
                if found.is_some_and(|found| found.id == id && is_of(&found.data, user)) {
                    living.push(entry);
                }
            }
        }
        Ok(living)
    }
}

/// Whether what is listed may not be saved yet.
fn is_passing(entry: &Entry, now: Timestamp) -> bool {
    !entry.is_saved() && now.since(entry.at()) < SAVED_WITHIN
}
