//! [`Attempts`]: how often, and after what, a write is tried again that others were in the way of.

use std::time::Duration;

use super::Sessions;
use super::id::shortened;
use super::turns::Turn;
use crate::clock::{Clock, SystemClock};
use crate::error::Result;
use crate::key::{Key, Namespace};
use crate::lock::Guard;
use crate::store::Version;

/// So often a write is tried again.
const MOST: u32 = 200;

/// From this one on it waits before each, a little longer every time, but not longer than this.
const WAITS_FROM: u32 = 4;
const LONGEST_WAIT: Duration = Duration::from_millis(8);

/// From this one on it holds the lock of the back end, and does not wait.
const LOCKS_FROM: u32 = 16;

/// The further tries of a write under one key. In this process nobody else has them at the same time;
/// those of other processes are met with waits, and then with a lock.
pub(super) struct Attempts<'a> {
    sessions: &'a Sessions,
    key: Key,
    made: u32,
    lock: Option<Guard>,
    _turn: Turn,
}

impl<'a> Attempts<'a> {
    /// Waits for the turn of this process, unless it is there.
    pub(super) fn new(sessions: &'a Sessions, key: Key, turn: Option<Turn>) -> Attempts<'a> {
        let turn = turn.unwrap_or_else(|| sessions.0.turns.take(&key));
        Attempts { sessions, key, made: 0, lock: None, _turn: turn }
    }

    /// Whether there is to be another one; waits until it is time for it.
    pub(super) fn next(&mut self) -> Result<bool> {
        match self.made {
            LOCKS_FROM => {
                let key = Namespace::new("beaker.turns").key(self.key.name());
                self.lock = Some(self.sessions.0.backend.locks.lock(&key).map_err(shortened)?);
            }
            made if made >= WAITS_FROM && self.lock.is_none() => self.wait(),
            _ => {}
        }
        self.made += 1;
        Ok(self.made <= MOST)
    }

    /// Lets those of other processes get on. Each waits its own time, so that they do not meet again.
    fn wait(&self) {
        let own = Version::fresh().number() % 80;
        let wait = Duration::from_micros(u64::from(self.made - WAITS_FROM + 1) * (20 + own));
        // Not by the sessions' clock: one that stands still would stop this for ever.
        SystemClock.sleep(wait.min(LONGEST_WAIT));
    }
}
