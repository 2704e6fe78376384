//! Locks among the threads of one process.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use super::{Guard, Locks, would_deadlock};
use crate::error::Result;
use crate::key::Key;

/// Waiters of different keys rarely wake each other.
const SHARDS: usize = 16;

/// One holder a key among the threads that share this value; a clone is the same locks.
#[derive(Clone, Default)]
pub struct LocalLocks {
    shards: Arc<[Shard; SHARDS]>,
    hasher: RandomState,
}

#[derive(Default)]
struct Shard {
    /// Who took which key; no lock is held while anything else is done.
    held: Mutex<HashMap<Key, ThreadId>>,
    freed: Condvar,
}

impl Shard {
    fn held(&self) -> MutexGuard<'_, HashMap<Key, ThreadId>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LocalLocks {
    /// Locks that nobody holds.
    pub fn new() -> LocalLocks {
        LocalLocks::default()
    }

    fn shard(&self, key: &Key) -> usize {
        self.hasher.hash_one(key) as usize % SHARDS
    }

    fn take(
        &self,
        number: usize,
        mut held: MutexGuard<'_, HashMap<Key, ThreadId>>,
        key: &Key,
    ) -> Guard {
        held.insert(key.clone(), thread::current().id());
        Guard::new(Held { shards: Arc::clone(&self.shards), number, key: key.clone() })
    }
}

/// Says nothing of the keys.
impl fmt::Debug for LocalLocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LocalLocks")
    }
}

impl Locks for LocalLocks {
    fn lock(&self, key: &Key) -> Result<Guard> {
        let number = self.shard(key);
        let shard = &self.shards[number];
        let mut held = shard.held();
        while let Some(holder) = held.get(key) {
            if *holder == thread::current().id() {
                return Err(would_deadlock(key));
            }
            held = shard.freed.wait(held).unwrap_or_else(PoisonError::into_inner);
        }
        Ok(self.take(number, held, key))
    }

    fn try_lock(&self, key: &Key) -> Result<Option<Guard>> {
        let number = self.shard(key);
        let held = self.shards[number].held();
        match held.get(key) {
            Some(holder) if *holder == thread::current().id() => Err(would_deadlock(key)),
            Some(_) => Ok(None),
            None => Ok(Some(self.take(number, held, key))),
        }
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
        shard.freed.notify_all();
    }
}
