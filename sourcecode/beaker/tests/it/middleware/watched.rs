//! A store in memory that remembers which threads called it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;

use beaker::key::{Key, Namespace};
use beaker::store::{MemoryStore, Precondition, Store, Stored, Version};
use beaker::{Error, ErrorKind, Result};

#[derive(Debug, Clone, Default)]
pub(crate) struct Watched {
    store: Arc<MemoryStore>,
    callers: Arc<Mutex<Vec<ThreadId>>>,
    blocks: bool,
    is_full: Arc<AtomicBool>,
}

impl Watched {
    /// Says that its calls may wait, or that they never do.
    pub(crate) fn new(blocks: bool) -> Watched {
        Watched { blocks, ..Watched::default() }
    }

    /// How often it was called.
    pub(crate) fn calls(&self) -> usize {
        self.callers().len()
    }

    /// Who called it, call by call.
    pub(crate) fn callers(&self) -> Vec<ThreadId> {
        self.callers.lock().unwrap().clone()
    }

    /// Whether it takes nothing more.
    pub(crate) fn set_full(&self, is_full: bool) {
        self.is_full.store(is_full, Ordering::SeqCst);
    }

    fn called(&self) -> &MemoryStore {
        self.callers.lock().unwrap().push(thread::current().id());
        &self.store
    }
}

impl Store for Watched {
    fn get(&self, key: &Key) -> Result<Option<Stored>> {
        self.called().get(key)
    }

    fn put(
        &self,
        key: &Key,
        bytes: &[u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>> {
        if self.is_full.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Storage, "it is full, on purpose"));
        }
        self.called().put(key, bytes, ttl, when)
    }

    fn delete(&self, key: &Key, when: Precondition) -> Result<bool> {
        self.called().delete(key, when)
    }

    fn clear(&self, namespace: &Namespace) -> Result<()> {
        self.called().clear(namespace)
    }

    fn blocks(&self) -> bool {
        self.blocks
    }
}
