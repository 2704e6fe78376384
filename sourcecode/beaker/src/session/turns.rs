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
use crate::clock::{Clock, SystemClock};
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

/// How long a write is tried again. A number of tries would not do: a writer in Python that holds the row of a
/// database lets none of ours through, however many they are, until it has done.
const PATIENCE: Duration = Duration::from_secs(10);

/// From this one on it waits before each, a little longer every time.
const WAITS_FROM: u32 = 4;
const FIRST_WAIT: Duration = Duration::from_micros(100);
const LONGEST_WAIT: Duration = Duration::from_millis(2);

/// From this one on it holds the lock of the backend, and does not wait.
const LOCKS_FROM: u32 = 16;

/// From this one on it waits as well: whoever is faster now does not know the lock.
const WAITS_AGAIN_FROM: u32 = 32;

/// The further tries of a write under one key. In this process nobody else has them at the same time;
/// those of other processes are met with waits, and then with a lock.
pub(super) struct Attempts<'a> {
    locks: &'a AnyLocks,
    world: World,
    key: Key,
    made: u32,
    /// By a clock that nobody can set: that of the sessions may stand still.
    until: Duration,
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
        let until = SystemClock.monotonic() + PATIENCE;
        Attempts { locks, world, key, made: 0, until, lock: None, _turn: turn }
    }

    /// Whether there is to be another one; waits until it is time for it.
    pub(super) async fn next(&mut self) -> Result<bool> {
        match self.made {
            LOCKS_FROM => {
                let key = Namespace::new("beaker.turns").key(self.key.name());
                self.lock = Some(self.locks.lock(&key).await.map_err(shortened)?);
            }
            WAITS_FROM..LOCKS_FROM | WAITS_AGAIN_FROM.. => self.world.sleep(self.pause()).await,
            _ => {}
        }
        self.made += 1;
        // The first is made however long the turn has been waited for.
        Ok(self.made == 1 || SystemClock.monotonic() < self.until)
    }

    /// Lets those of other processes get on. Each waits its own time, so that they do not meet again.
    fn pause(&self) -> Duration {
        let longest = (FIRST_WAIT * (self.made - WAITS_FROM + 1)).min(LONGEST_WAIT);
        let percent = 20 + Version::fresh().number() % 80;
        longest * percent as u32 / 100
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::Ordering::SeqCst;
    use std::sync::atomic::{AtomicBool, AtomicUsize};
    use std::thread;
    use std::time::Duration;

    use super::*;
    use crate::backend::{AnyBackend, Backend};
    use crate::session::Sessions;
    use crate::store::{MemoryStore, Precondition, Store, Stored};
    use crate::value::Value;
    use crate::world::finish;

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

    /// Is called by others too, who take no turns and no locks, and are faster this many times.
    #[derive(Debug, Default)]
    struct Contended {
        store: MemoryStore,
        others: AtomicUsize,
    }

    impl Store for Contended {
        fn get(&self, key: &Key) -> Result<Option<Stored>> {
            self.store.get(key)
        }

        fn put(
            &self,
            key: &Key,
            bytes: &[u8],
            ttl: Option<Duration>,
            when: Precondition,
        ) -> Result<Option<Version>> {
            let is_late =
                self.others.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok();
            if is_late && let Some(there) = self.store.get(key)? {
                self.store.put(key, &there.bytes, None, Precondition::Always)?;
            }
            self.store.put(key, bytes, ttl, when)
        }

        fn delete(&self, key: &Key, when: Precondition) -> Result<bool> {
            self.store.delete(key, when)
        }

        fn clear(&self, namespace: &Namespace) -> Result<()> {
            self.store.clear(namespace)
        }
    }

    #[test]
    fn hundreds_of_others_who_know_no_turns_are_outlasted() {
        let store = Arc::new(Contended::default());
        let sessions = Sessions::new(Backend::new(Arc::clone(&store), LocalLocks::new()));
        let mut session = sessions.create();
        session.save().unwrap();
        store.others.store(300, SeqCst);
        session.set("a", 1);
        session.save().unwrap();
        assert_eq!(store.others.load(SeqCst), 0);
        assert_eq!(sessions.open(session.id()).unwrap().get("a"), Some(&1.into()));
    }

    #[test]
    fn one_is_made_however_long_the_turn_was_waited_for_and_none_when_the_time_is_over() {
        let backend = AnyBackend::from(Backend::memory());
        let (turns, key) = (Turns::default(), Namespace::default().key("a"));
        let begun = Attempts::new(&turns, &backend.locks, World::Threads, key, None);
        let mut attempts = finish(begun);
        attempts.until = SystemClock.monotonic();
        let made = [(); 3].map(|()| finish(attempts.next()).unwrap());
        assert_eq!(made, [true, false, false]);
        drop(attempts);
    }
}
