//! [`AsyncLeaseLocks`]: leases in an asynchronous store, held by tasks.

use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex as BlockingMutex, PoisonError, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use super::holders::{self, Sightings};
use super::{LEASE, LONGEST_WAIT, SHORTEST_WAIT, lease_of};
use crate::error::Result;
use crate::key::Key;
use crate::lock::{AsyncLocks, Guard, LocalLocks, LockFuture};
use crate::off_thread::joined;
use crate::store::{AsyncStore, Precondition, Version};

/// Locks keys with leases for the tasks of all programs that share the store. The leases are those of
/// [`LeaseLocks`](super::LeaseLocks), so blocking and asynchronous programs exclude each other.
///
/// While a lease is held, a task renews it. Only its holder can release it, and it becomes free when it has
/// expired. Tasks of one process wait for each other locally, so that only one of them asks the server.
///
/// # Panics
///
/// Its futures panic outside a tokio runtime, and on one without `enable_time`.
///
/// Its futures panic where no runtime of tokio with time runs.
#[derive(Clone)]
pub struct AsyncLeaseLocks {
    leases: Arc<Leases>,
    tasks: LocalLocks,
}

struct Leases {
    store: Arc<dyn AsyncStore>,
    lease: Duration,
    sightings: Sightings,
    /// The start of the time count.
    begun: Instant,
    held: BlockingMutex<Renewed>,
}

/// The leases to renew. One task renews all of them, and it runs only while some are held.
#[derive(Default)]
struct Renewed {
    states: Vec<Weak<State>>,
    /// Released leases are removed from the list when it is longer than this.
    tidy_above: usize,
    has_task: bool,
}

/// A lease that was taken.
struct State {
    leases: Arc<Leases>,
    key: Key,
    /// The value of the lease in the store, which identifies this lock operation.
    bytes: [u8; 16],
    /// The write that made the lease ours; `None` once it was lost or released. It stays locked during a
    /// renewal, so that the lease is not released with an outdated version.
    version: Mutex<Option<Version>>,
}

/// Releases the lease when it is dropped, and then lets the next task of this process ask for it.
struct Held {
    state: Arc<State>,
    runtime: Handle,
    task: Option<Guard>,
}

impl AsyncLeaseLocks {
    /// Creates locks with leases of 10 seconds in this store.
    pub fn new(store: Arc<dyn AsyncStore>) -> AsyncLeaseLocks {
        AsyncLeaseLocks::with(store, LEASE)
    }

    /// Creates locks with leases of this length. If a holder is killed, others wait that long for its keys.
    pub fn with(store: Arc<dyn AsyncStore>, lease: Duration) -> AsyncLeaseLocks {
        let leases = Leases {
            store,
            lease,
            sightings: Sightings::default(),
            begun: Instant::now(),
            held: BlockingMutex::default(),
        };
        AsyncLeaseLocks { leases: Arc::new(leases), tasks: LocalLocks::new() }
    }

    /// Asks for the lease once, in a task of its own. If the lease is granted but the caller is gone, the
    /// lease is released.
    async fn take(&self, key: &Key, task: Guard) -> Result<Taking> {
        let (leases, lease) = (Arc::clone(&self.leases), lease_of(key));
        let asked = tokio::spawn(async move { leases.take(lease, task).await });
        joined("could not ask for a lease", asked).await
    }
}

/// The result of asking once.
enum Taking {
    Own(Guard),
    /// Another holder has the lease. This returns the guard that was taken in this process.
    Held(Guard),
}

impl Leases {
    async fn take(self: &Arc<Self>, lease: Key, task: Guard) -> Result<Taking> {
        let bytes = holders::bytes(holders::fresh(), self.lease);
        let version = match self.put(&lease, &bytes, Precondition::Absent).await? {
            None => self.take_over(&lease, &bytes).await?,
            own => own,
        };
        let Some(version) = version else { return Ok(Taking::Held(task)) };
        self.sightings.forget(&lease);
        let version = Mutex::new(Some(version));
        let state = Arc::new(State { leases: Arc::clone(self), key: lease, bytes, version });
        self.renew(&state);
        Ok(Taking::Own(Guard::new(Held { state, runtime: Handle::current(), task: Some(task) })))
    }

    /// Checks now and then the lease that is in the way, and takes it if its holder is gone.
    async fn take_over(&self, lease: &Key, bytes: &[u8]) -> Result<Option<Version>> {
        let now = self.begun.elapsed();
        if !self.sightings.is_due(lease, now, self.lease) {
            return Ok(None);
        }
        let Some(stored) = self.store.get(lease).await? else {
            self.sightings.forget(lease);
            return Ok(None);
        };
        let stands = self.sightings.note(lease, stored.version, now);
        // The holder states the length of its lease, and renews it three times as often.
        match holders::length(&stored.bytes) {
            Some(length) if stands >= length => {
                self.put(lease, bytes, Precondition::Unchanged(stored.version)).await
            }
            _ => Ok(None),
        }
    }

    async fn put(&self, lease: &Key, bytes: &[u8], when: Precondition) -> Result<Option<Version>> {
        self.store.put(lease, bytes, Some(self.lease), when).await
    }

    /// Renews the lease after each third of its time, until it is released.
    fn renew(self: &Arc<Self>, state: &Arc<State>) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.states.push(Arc::downgrade(state));
        if held.states.len() > held.tidy_above {
            held.states.retain(|state| state.strong_count() > 0);
            held.tidy_above = held.states.len().max(32) * 2;
        }
        if !held.has_task {
            held.has_task = true;
            tokio::spawn(Arc::clone(self).renew_all());
        }
    }

    async fn renew_all(self: Arc<Self>) {
        // Also if the task is dropped together with its runtime: another runtime may start another task.
        let ended = TaskEnded(&self);
        loop {
            sleep(self.lease / 3).await;
            for state in self.alive() {
                state.renew().await;
            }
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            held.states.retain(|state| state.strong_count() > 0);
            if held.states.is_empty() {
                held.has_task = false;
                // Another task may start as soon as this is unlocked.
                mem::forget(ended);
                return;
            }
        }
    }

    fn alive(&self) -> Vec<Arc<State>> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.states.iter().filter_map(Weak::upgrade).collect()
    }
}

impl State {
    /// Extends the lease, if it is still ours. If the server cannot be reached now, the next attempt may
    /// succeed.
    async fn renew(&self) {
        let mut version = self.version.lock().await;
        if let Some(current) = *version {
            let renewed = self.leases.put(&self.key, &self.bytes, Precondition::Unchanged(current));
            if let Ok(renewed) = renewed.await {
                *version = renewed;
            }
        }
    }

    async fn give_back(&self) {
        if let Some(version) = self.version.lock().await.take() {
            // If the server cannot be reached, the lease expires by itself.
            let _ = self.leases.store.delete(&self.key, Precondition::Unchanged(version)).await;
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let (state, task) = (Arc::clone(&self.state), self.task.take());
        self.runtime.spawn(async move {
            state.give_back().await;
            drop(task);
        });
    }
}

/// Notes that no task renews the leases any more.
struct TaskEnded<'a>(&'a Leases);

impl Drop for TaskEnded<'_> {
    fn drop(&mut self) {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner).has_task = false;
    }
}

impl AsyncLocks for AsyncLeaseLocks {
    fn lock<'a>(&'a self, key: &'a Key) -> LockFuture<'a, Guard> {
        Box::pin(async move {
            let mut task = AsyncLocks::lock(&self.tasks, key).await?;
            let mut wait = SHORTEST_WAIT;
            loop {
                task = match self.take(key, task).await? {
                    Taking::Own(guard) => return Ok(guard),
                    Taking::Held(task) => task,
                };
                sleep(wait).await;
                wait = (wait * 3 / 2).min(LONGEST_WAIT);
            }
        })
    }

    fn try_lock<'a>(&'a self, key: &'a Key) -> LockFuture<'a, Option<Guard>> {
        Box::pin(async move {
            let Some(task) = AsyncLocks::try_lock(&self.tasks, key).await? else { return Ok(None) };
            Ok(match self.take(key, task).await? {
                Taking::Own(guard) => Some(guard),
                Taking::Held(_) => None,
            })
        })
    }
}

impl fmt::Debug for AsyncLeaseLocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncLeaseLocks")
            .field("store", &self.leases.store)
            .field("lease", &self.leases.lease)
            .finish()
    }
}
