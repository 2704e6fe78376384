//! Waiting for the right to make a value, among all who share the back end.

use std::fmt::Display;
use std::time::Duration;

use super::age::Freshness;
use super::failure::too_late;
use super::seen::Seen;
use super::{Cache, Made, Then};
use crate::error::{Error, Result};

/// Who waits looks again after this time, and then after a little more each time.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);
const LONGEST_WAIT: Duration = Duration::from_millis(8);

/// How the waiting ended.
pub(super) enum Turn<V, G> {
    /// It is this one's turn, until the guard is dropped; and this is there now.
    Own(Option<G>, Seen<V>),
    /// Somebody else has made it meanwhile.
    Made(V),
    Late,
}

impl<V: Clone + Send + Sync + 'static> Cache<V> {
    /// Takes the lock of a key, or finds the value, whichever comes first.
    ///
    /// Who gets the lock looks again, for another process may have made the value between this one's
    /// look and its lock:
    ///
    /// ```text
    /// A looks: nothing
    ///                     B looks: nothing
    /// A locks, makes, stores, unlocks
    ///                     B locks: would make it once more
    /// ```
    ///
    /// And who does not get it looks at the value between two tries, and never waits for the lock
    /// only to read: many waiters are all served at once, and not one after the other.
    pub(super) fn wait_for_turn(
        &self,
        key: &[u8],
        most: Option<Duration>,
    ) -> Result<Turn<V, impl Sized + use<V>>> {
        let Some(bytes) = self.shared.storage.bytes() else {
            let seen = self.shared.storage.look_closely(key, &self.time)?;
            return Ok(self.made_meanwhile(None, seen));
        };
        let lock_key = bytes.lock_key(key);
        let until = most.map(|most| self.time.monotonic().saturating_add(most));
        let mut wait = SHORTEST_WAIT;
        loop {
            let guard = bytes.backend.locks.try_lock(&lock_key)?;
            let is_own = guard.is_some();
            let seen = self.shared.storage.look_closely(key, &self.time)?;
            match self.made_meanwhile(guard, seen) {
                Turn::Own(..) if !is_own => {}
                turn => return Ok(turn),
            }
            if until.is_some_and(|until| self.time.monotonic() >= until) {
                return Ok(Turn::Late);
            }
            self.time.sleep(wait);
            wait = (wait * 3 / 2).min(LONGEST_WAIT);
        }
    }

    /// What comes after a wait that was too long.
    pub(super) fn late<M, E>(
        &self,
        key: &[u8],
        create: impl FnOnce() -> Result<M, E>,
    ) -> Result<V, E>
    where
        M: Into<Made<V>>,
        E: From<Error> + Display,
    {
        match self.policy.then {
            Then::Fail => {
                Err(too_late(self.shared.shown(key), self.policy.wait_at_most.unwrap_or_default())
                    .into())
            }
            Then::Create => {
                let begun = self.time.monotonic();
                let made = create().map(Into::into)?;
                self.shared.counting.created(self.time.monotonic().saturating_sub(begun));
                Ok(made.value)
            }
        }
    }

    /// The lock of a key, if nobody has it; `Some(None)` where there is none to take.
    pub(super) fn try_turn(&self, key: &[u8]) -> Result<Option<Option<impl Sized + use<V>>>> {
        match self.shared.storage.bytes() {
            None => Ok(Some(None)),
            Some(bytes) => Ok(bytes.backend.locks.try_lock(&bytes.lock_key(key))?.map(Some)),
        }
    }

    fn made_meanwhile<G>(&self, guard: Option<G>, seen: Seen<V>) -> Turn<V, G> {
        match (self.freshness(&seen), seen) {
            (Freshness::Fresh, Seen { slot: Some(slot), .. }) => Turn::Made(slot.value),
            (_, seen) => Turn::Own(guard, seen),
        }
    }
}
