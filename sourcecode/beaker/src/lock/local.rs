//! Locks between the threads and tasks of one process.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use event_listener::{Event, EventListener, Listener};

use super::{AsyncLocks, Guard, LockFuture, Locks, would_deadlock};
use crate::error::Result;
use crate::key::Key;

/// With several shards, waiters for different keys rarely wake each other.
const SHARDS: usize = 16;

/// Locks keys for the threads and tasks that share this value: one holder for each key. A clone is the same
/// locks.
#[derive(Clone, Default)]
pub struct LocalLocks {
    shards: Arc<[Shard; SHARDS]>,
    hasher: RandomState,
}

#[derive(Default)]
struct Shard {
    /// The holder of each key. No other lock is taken while this is held.
    held: Mutex<HashMap<Key, Holder>>,
    freed: Event,
}

#[derive(Clone, Copy, PartialEq)]
enum Holder {
    Thread(ThreadId),
    /// A task may move from thread to thread, and other tasks run on the same threads.
    Task,
}

impl Holder {
    fn this_thread() -> Holder {
        Holder::Thread(thread::current().id())
    }
}

impl Shard {
    fn held(&self) -> MutexGuard<'_, HashMap<Key, Holder>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LocalLocks {
    /// Creates locks that nobody holds.
    #[must_use]
    pub fn new() -> LocalLocks {
        LocalLocks::default()
    }

    fn shard(&self, key: &Key) -> usize {
        self.hasher.hash_one(key) as usize % SHARDS
    }

    /// Takes the key for this holder, or returns the current holder.
    fn take(&self, key: &Key, holder: Holder) -> Result<Guard, Holder> {
        let number = self.shard(key);
        let mut held = self.shards[number].held();
        match held.get(key) {
            Some(other) => Err(*other),
            None => {
                held.insert(key.clone(), holder);
                let shards = Arc::clone(&self.shards);
                Ok(Guard::new(Held { shards, number, key: key.clone() }))
            }
        }
    }

    /// Is notified when a key of the same shard is released. Create it before the next check of the key.
    fn freed(&self, key: &Key) -> EventListener {
        self.shards[self.shard(key)].freed.listen()
    }
}

/// Does not show the keys.
impl fmt::Debug for LocalLocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LocalLocks")
    }
}

impl Locks for LocalLocks {
    fn lock(&self, key: &Key) -> Result<Guard> {
        let own = Holder::this_thread();
        let mut freed = None::<EventListener>;
        loop {
            match self.take(key, own) {
                Ok(guard) => return Ok(guard),
                Err(holder) if holder == own => return Err(would_deadlock(key)),
                // It may have been released between the check and this.
                Err(_) => match freed.take() {
                    None => freed = Some(self.freed(key)),
                    Some(freed) => freed.wait(),
                },
            }
        }
    }

    fn try_lock(&self, key: &Key) -> Result<Option<Guard>> {
        let own = Holder::this_thread();
        match self.take(key, own) {
            Ok(guard) => Ok(Some(guard)),
            Err(holder) if holder == own => Err(would_deadlock(key)),
            Err(_) => Ok(None),
        }
    }

    fn for_tasks(&self) -> Option<Arc<dyn AsyncLocks>> {
        Some(Arc::new(self.clone()))
    }
}

impl AsyncLocks for LocalLocks {
    fn lock<'a>(&'a self, key: &'a Key) -> LockFuture<'a, Guard> {
        Box::pin(async move {
            let mut freed = None::<EventListener>;
            loop {
                match (self.take(key, Holder::Task), freed.take()) {
                    (Ok(guard), _) => return Ok(guard),
                    // It may have been released between the check and this.
                    (Err(_), None) => freed = Some(self.freed(key)),
                    (Err(_), Some(freed)) => freed.await,
                }
            }
        })
    }

    fn try_lock<'a>(&'a self, key: &'a Key) -> LockFuture<'a, Option<Guard>> {
        Box::pin(async move { Ok(self.take(key, Holder::Task).ok()) })
    }
}

struct Held {
    shards: Arc<[Shard; SHARDS]>,
    number: usize,
    key: Key,
}

impl Drop for Held {
    fn drop(&mut self) {
        let shard = &self.shards[self.number];
        shard.held().remove(&self.key);
        shard.freed.notify(usize::MAX);
    }
}
