//! Waiting for the right to make a value, among all who share the back end.

use std::time::Duration;

use super::Cache;
use super::age::Freshness;
use super::seen::Seen;
use crate::error::Result;

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
            let seen = self.shared.storage.look_behind(key, &*self.clock)?;
            return Ok(self.made_meanwhile(None, seen));
        };
        let lock_key = bytes.lock_key(key);
        let (mut wait, mut waited) = (SHORTEST_WAIT, Duration::ZERO);
        loop {
            let guard = bytes.backend.locks.try_lock(&lock_key)?;
            let is_own = guard.is_some();
            let seen = self.shared.storage.look_behind(key, &*self.clock)?;
            match self.made_meanwhile(guard, seen) {
                Turn::Own(..) if !is_own => {}
                turn => return Ok(turn),
            }
            if most.is_some_and(|most| waited >= most) {
                return Ok(Turn::Late);
            }
            self.clock.sleep(wait);
            waited += wait;
            wait = (wait * 3 / 2).min(LONGEST_WAIT);
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
