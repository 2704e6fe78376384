//! In memory: the quickest. Shared across the threads of one process, gone when it ends. Times to
//! live are kept to the microsecond.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Store, Stored, Swept, Version, When};
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::error::Result;
use crate::key::{Key, Namespace};

/// So many threads can be at work at once, more or less.
const SHARDS: usize = 16;

/// A map in memory. Each `MemoryStore` is a memory of its own: share one in an `Arc`.
///
/// What has expired is removed as the map grows: each time a sixteenth of it has doubled, that
/// part is gone through. What never expires stays.
pub struct MemoryStore {
    shards: [Mutex<Shard>; SHARDS],
    clock: Arc<dyn Clock>,
    /// The shard that the next step of a sweep looks at.
    next_to_sweep: AtomicUsize,
}

#[derive(Default)]
struct Shard {
    entries: HashMap<Key, Entry>,
    /// Expired entries are looked for when there are more than this.
    sweep_above: usize,
}

struct Entry {
    bytes: Arc<[u8]>,
    version: Version,
    expires: Option<Timestamp>,
}

impl MemoryStore {
    /// An empty memory.
    pub fn new() -> MemoryStore {
        MemoryStore::with_clock(Arc::new(SystemClock))
    }

    /// The same, with a clock of the caller's.
    pub fn with_clock(clock: Arc<dyn Clock>) -> MemoryStore {
        MemoryStore { shards: Default::default(), clock, next_to_sweep: AtomicUsize::new(0) }
    }

    fn shard(&self, key: &Key) -> MutexGuard<'_, Shard> {
        // The end of a name tells keys apart well enough; the map hashes it all.
        let end = key.name().iter().rev().take(4);
        let number = end.fold(0, |sum: usize, byte| sum * 31 + usize::from(*byte)) % SHARDS;
        self.shards[number].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lives(&self, entry: &Entry) -> bool {
        entry.expires.is_none_or(|expires| self.clock.now() < expires)
    }

    fn version(&self, shard: &Shard, key: &Key) -> Option<Version> {
        shard.entries.get(key).filter(|entry| self.lives(entry)).map(|entry| entry.version)
    }
}

impl Default for MemoryStore {
    fn default() -> MemoryStore {
        MemoryStore::new()
    }
}

/// Says nothing of what is stored.
impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryStore")
    }
}

impl Store for MemoryStore {
    fn get(&self, key: &Key) -> Result<Option<Stored>> {
        let shard = self.shard(key);
        let entry = shard.entries.get(key).filter(|entry| self.lives(entry));
        Ok(entry.map(|entry| Stored { bytes: Arc::clone(&entry.bytes), version: entry.version }))
    }

    fn put(
        &self,
        key: &Key,
        bytes: &[u8],
        ttl: Option<Duration>,
        when: When,
    ) -> Result<Option<Version>> {
        let mut shard = self.shard(key);
        if when != When::Always && !when.is_met_by(self.version(&shard, key)) {
            return Ok(None);
        }
        let version = Version::fresh();
        let expires = ttl.map(|ttl| self.clock.now() + ttl);
        shard.entries.insert(key.clone(), Entry { bytes: bytes.into(), version, expires });
        if shard.entries.len() > shard.sweep_above {
            shard.entries.retain(|_, entry| self.lives(entry));
            shard.sweep_above = shard.entries.len().max(32) * 2;
        }
        Ok(Some(version))
    }

    fn delete(&self, key: &Key, when: When) -> Result<bool> {
        let mut shard = self.shard(key);
        let current = self.version(&shard, key);
        let removes = current.is_some() && when.is_met_by(current);
        if removes {
            shard.entries.remove(key);
        }
        Ok(removes)
    }

    fn sweep(&self, most: usize) -> Result<Swept> {
        let (mut looked, mut removed) = (0, 0);
        while looked < most.max(1) {
            let number = self.next_to_sweep.fetch_add(1, Ordering::Relaxed) % SHARDS;
            let mut shard = self.shards[number].lock().unwrap_or_else(PoisonError::into_inner);
            let before = shard.entries.len();
            shard.entries.retain(|_, entry| self.lives(entry));
            removed += before - shard.entries.len();
            looked += before;
            if number == SHARDS - 1 {
                return Ok(Swept { removed, is_done: true });
            }
        }
        Ok(Swept { removed, is_done: false })
    }

    fn clear(&self, namespace: &Namespace) -> Result<()> {
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.entries.retain(|key, _| key.namespace() != namespace);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    #[test]
    fn what_has_expired_does_not_pile_up() {
        let clock = Arc::new(ManualClock::default());
        let store = MemoryStore::with_clock(clock.clone());
        for number in 0..100_000_u32 {
            let key = Namespace::default().key(number.to_le_bytes());
            store.put(&key, b"", Some(Duration::from_secs(10)), When::Always).unwrap();
            clock.advance(Duration::from_millis(100));
        }
        let left: usize =
            store.shards.iter().map(|shard| shard.lock().unwrap().entries.len()).sum();
        assert!(left <= 16 * 65, "{left} entries, where 100 live");
    }
}
