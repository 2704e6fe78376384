//! [`Turns`] and [`Attempts`]: writers of the same record take turns, and one that lost a race tries again.
//!
//! A save that finds a newer record starts again. That alone is not enough, because a repeated attempt takes
//! longer than a first one, so the same writer may be overtaken forever.
//!
//! ```text
//! A loads, makes its changes again, saves: too late. Loads, makes its changes again, saves: too late.
//! B loads, changes, saves     loads, changes, saves     loads, changes, saves     loads, changes, …
//! ```
//!
//! Therefore a writer that lost a race takes a turn, and while any writer waits for a turn or has it, all new
//! writers take one too. Without races, all of this costs a save the reading of one number.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::id::shortened;
use crate::error::Result;
use crate::key::{Key, Namespace};
#[cfg(feature = "tokio")]
use crate::lock::AsyncLocks;
use crate::lock::{AnyLocks, Guard, LocalLocks, Locks};
use crate::store::Version;
use crate::world::World;

/// Keys are counted together by some of their bytes: a key that is alone may take a turn in vain.
const COUNTS: usize = 256;

/// The turns of one process. A clone is the same turns.
#[derive(Clone)]
pub(super) struct Turns(Arc<Inner>);

struct Inner {
    /// How many have a turn or wait for one.
    counts: [AtomicU32; COUNTS],
    locks: LocalLocks,
}

impl Default for Turns {
    fn default() -> Turns {
        let counts = [const { AtomicU32::new(0) }; COUNTS];
        Turns(Arc::new(Inner { counts, locks: LocalLocks::new() }))
    }
}

impl Turns {
    /// Waits for a turn, if others take turns with this key now.
    pub(super) async fn join(&self, key: &Key, world: World) -> Option<Turn> {
        match self.count(key) {
            0 => None,
            _ => Some(self.take(key, world).await),
        }
    }

    /// Waits for a turn. A thread that has one already goes on with that.
    async fn take(&self, key: &Key, world: World) -> Turn {
        let number = number(key.name());
        self.0.counts[number].fetch_add(1, Ordering::Relaxed);
        let mut turn = Turn { turns: self.clone(), number, _lock: None };
        turn._lock = match world {
            World::Threads => Locks::lock(&self.0.locks, key).ok(),
            #[cfg(feature = "tokio")]
            World::Tasks => AsyncLocks::lock(&self.0.locks, key).await.ok(),
        };
        turn
    }

    /// How many have a turn with this key, or wait for one.
    fn count(&self, key: &Key) -> u32 {
        self.0.counts[number(key.name())].load(Ordering::Relaxed)
    }
}

/// The last bytes differ most: an id is random, names of users are counted up.
fn number(name: &[u8]) -> usize {
    let last = name.iter().rev().take(4);
    last.fold(0, |number: usize, byte| number * 31 + usize::from(*byte)) % COUNTS
}

/// The turn of one who writes; the next one has it when this is dropped.
#[must_use = "the turn is over as soon as this is dropped"]
pub(super) struct Turn {
    turns: Turns,
    number: usize,
    _lock: Option<Guard>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.0.counts[self.number].fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for Turns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Turns")
    }
}

/// The limit of further attempts of a write.
const MOST: u32 = 200;

/// From this one on it waits before each, a little longer every time, but not longer than this.
const WAITS_FROM: u32 = 4;
const LONGEST_WAIT: Duration = Duration::from_millis(8);

/// From this one on it holds the lock of the backend, and does not wait.
const LOCKS_FROM: u32 = 16;

/// The further tries of a write under one key. In this process nobody else has them at the same time;
/// those of other processes are met with waits, and then with a lock.
pub(super) struct Attempts<'a> {
    locks: &'a AnyLocks,
    world: World,
    key: Key,
    made: u32,
    lock: Option<Guard>,
    _turn: Turn,
}

impl<'a> Attempts<'a> {
    /// Waits for the turn of this process, unless it is there.
    pub(super) async fn new(
        turns: &Turns,
        locks: &'a AnyLocks,
        world: World,
        key: Key,
        turn: Option<Turn>,
    ) -> Attempts<'a> {
        let turn = match turn {
            Some(turn) => turn,
            None => turns.take(&key, world).await,
        };
        Attempts { locks, world, key, made: 0, lock: None, _turn: turn }
    }

    /// Whether there is to be another one; waits until it is time for it.
    pub(super) async fn next(&mut self) -> Result<bool> {
        match self.made {
            LOCKS_FROM => {
                let key = Namespace::new("beaker.turns").key(self.key.name());
                self.lock = Some(self.locks.lock(&key).await.map_err(shortened)?);
            }
            made if made >= WAITS_FROM && self.lock.is_none() => {
                self.world.sleep(self.pause()).await;
            }
            _ => {}
        }
        self.made += 1;
        Ok(self.made <= MOST)
    }

    /// Lets those of other processes get on. Each waits its own time, so that they do not meet again.
    fn pause(&self) -> Duration {
        let own = Version::fresh().number() % 80;
        let wait = Duration::from_micros(u64::from(self.made - WAITS_FROM + 1) * (20 + own));
        // Not by the sessions' clock: one that stands still would stop this for ever.
        wait.min(LONGEST_WAIT)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::Ordering::SeqCst;
    use std::sync::atomic::{AtomicBool, AtomicUsize};
    use std::thread;

    use crate::backend::Backend;
    use crate::session::Sessions;
    use crate::value::Value;

    /// The slow one gives the fast one the time to overtake it, each time between its loading and its
    /// saving: unless the fast one waits for its turn, it does.
    #[test]
    fn who_is_slow_is_not_overtaken_for_ever() {
        let sessions = Sessions::new(Backend::memory());
        let mut new = sessions.create();
        new.save().unwrap();
        let id = *new.id();
        let (key, turns) = (sessions.0.key(&id), sessions.0.0.turns.clone());
        let (saves, tries) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (saved, tried) = (Arc::clone(&saves), Arc::clone(&tries));
        let is_done = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !is_done.load(SeqCst) {
                    let mut fast = sessions.open(&id).unwrap();
                    fast.update("fast", |old| old.and_then(Value::as_int).unwrap_or(0) + 1);
                    fast.save().unwrap();
                    saves.fetch_add(1, SeqCst);
                }
            });
            let mut slow = sessions.open(&id).unwrap();
            slow.update("slow", move |_| {
                let before = saved.load(SeqCst);
                while saved.load(SeqCst) == before && turns.count(&key) < 2 {
                    thread::yield_now();
                }
                tried.fetch_add(1, SeqCst);
                true
            });
            let saved = slow.save();
            is_done.store(true, SeqCst);
            saved.unwrap();
        });
        let tries = tries.load(SeqCst);
        assert!((2..=3).contains(&tries), "{tries} tries");
    }
}
