//! Locks between hosts: leases in a store that they share.
//!
//! A lease is weaker than a lock. The system or the network may delay its holder until the lease has
//! expired, and two holders then believe that they hold it. An action that must never happen twice needs a
//! *fencing token*: a number that grows with each holder and is checked by the system that is written to.
//! For a cache, the worst result is a value that is computed twice. A session checks the version of its
//! record when it is saved, so it is not affected.

#[cfg(feature = "tokio")]
mod asynchronous;
mod holders;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

#[cfg(feature = "tokio")]
pub use asynchronous::AsyncLeaseLocks;
use holders::{Sightings, Taken};

use super::{Guard, LocalLocks, Locks, would_deadlock};
use crate::clock::{Clock, SystemClock};
use crate::error::Result;
use crate::key::{Key, Namespace};
use crate::store::{Precondition, Store, Version};

/// The time for which a holder that was killed blocks others.
const LEASE: Duration = Duration::from_secs(10);

/// The first pause before a waiting caller checks again. Each further pause is a little longer.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);
const LONGEST_WAIT: Duration = Duration::from_millis(10);

/// Locks keys with leases for all programs that share the store. A lease is renewed while its holder works.
/// Only its holder can release it, and it becomes free when it has expired.
///
/// The store measures the expiry by the time of day: that of its server or, in a database, that of the
/// hosts, whose clocks must agree much better than the length of a lease. If the time of day is set back,
/// waiting callers detect within twice the length of a lease that its holder is gone. If it is set forward,
/// a lease may end too early.
///
/// Threads of one process wait for each other locally, so that only one of them asks the server. A thread
/// that asks for a lease which it already holds gets an error, through whatever handle to the store it took
/// the lease.
pub struct LeaseLocks {
    leases: Arc<Leases>,
    threads: LocalLocks,
    renewal: Renewal,
    sightings: Sightings,
}

/// The state that the locks share with their guards and the renewing thread.
struct Leases {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    lease: Duration,
}

impl LeaseLocks {
    /// Creates locks with leases of 10 seconds in this store.
    pub fn new(store: Arc<dyn Store>) -> LeaseLocks {
        LeaseLocks::with(store, LEASE, Arc::new(SystemClock))
    }

    /// Creates locks with leases of another length, or with another clock.
    pub fn with(store: Arc<dyn Store>, lease: Duration, clock: Arc<dyn Clock>) -> LeaseLocks {
        LeaseLocks {
            leases: Arc::new(Leases { store, clock, lease }),
            threads: LocalLocks::new(),
            renewal: Renewal::default(),
            sightings: Sightings::default(),
        }
    }

    /// Takes the lease, if it is free or its holder is gone.
    ///
    /// # Errors
    ///
    /// Returns `ErrorKind::WouldDeadlock` if this thread has the lease, through whatever handle it took it:
    /// the value of the lease shows that.
    fn take(&self, key: &Key, lease: &Key, first: bool, thread: Guard) -> Result<Taking> {
        let number = holders::fresh();
        let bytes = holders::bytes(number, self.leases.lease);
        let version = match self.leases.put(lease, &bytes, Precondition::Absent)? {
            None => self.take_over(key, lease, first, &bytes)?,
            own => own,
        };
        Ok(match version {
            None => Taking::Held(thread),
            Some(version) => {
                self.sightings.forget(lease);
                let taken = Taken::note(number);
                let leases = Arc::clone(&self.leases);
                let held = Held::new(leases, lease.clone(), version, bytes, taken);
                self.renewal.renew(&held);
                // In this order: the lease is released first, and the next thread may ask for it
                // afterwards.
                Taking::Own(Guard::new((held, thread)))
            }
        })
    }

    /// Checks now and then the lease that is in the way, and takes it if its holder is gone.
    fn take_over(
        &self,
        key: &Key,
        lease: &Key,
        first: bool,
        bytes: &[u8],
    ) -> Result<Option<Version>> {
        let now = self.leases.clock.monotonic();
        let is_due = self.sightings.is_due(lease, now, self.leases.lease);
        let asks_itself = first && holders::has_any();
        if !is_due && !asks_itself {
            return Ok(None);
        }
        let Some(stored) = self.leases.store.get(lease)? else {
            self.sightings.forget(lease);
            return Ok(None);
        };
        if holders::is_own(&stored.bytes) {
            return Err(would_deadlock(key));
        }
        let stands = self.sightings.note(lease, stored.version, now);
        // The holder states the length of its lease, and renews it three times as often.
        match holders::length(&stored.bytes) {
            Some(length) if stands >= length => {
                self.leases.put(lease, bytes, Precondition::Unchanged(stored.version))
            }
            _ => Ok(None),
        }
    }
}

/// The result of asking once.
enum Taking {
    Own(Guard),
    /// Another holder has the lease. This returns the guard that was taken in this process.
    Held(Guard),
}

impl Leases {
    fn put(&self, lease: &Key, bytes: &[u8], when: Precondition) -> Result<Option<Version>> {
        self.store.put(lease, bytes, Some(self.lease), when)
    }
}

/// Leases are in a namespace of their own, under the complete name of the key that they lock.
fn lease_of(key: &Key) -> Key {
    Namespace::new("beaker.lease").key(key.wire(usize::MAX))
}

impl Locks for LeaseLocks {
    fn lock(&self, key: &Key) -> Result<Guard> {
        let lease = lease_of(key);
        let mut thread = self.threads.lock(key)?;
        let mut wait = SHORTEST_WAIT;
        loop {
            // A thread that waits takes nothing meanwhile, so a lease that is not its own never becomes so.
            thread = match self.take(key, &lease, wait == SHORTEST_WAIT, thread)? {
                Taking::Own(guard) => return Ok(guard),
                Taking::Held(thread) => thread,
            };
            self.leases.clock.sleep(wait);
            wait = (wait * 3 / 2).min(LONGEST_WAIT);
        }
    }

    fn try_lock(&self, key: &Key) -> Result<Option<Guard>> {
        let Some(thread) = self.threads.try_lock(key)? else { return Ok(None) };
        Ok(match self.take(key, &lease_of(key), true, thread)? {
            Taking::Own(guard) => Some(guard),
            Taking::Held(_) => None,
        })
    }

    #[cfg(feature = "tokio")]
    fn for_tasks(&self) -> Option<Arc<dyn super::AsyncLocks>> {
        let store = self.leases.store.for_tasks()?;
        Some(Arc::new(AsyncLeaseLocks::with(store, self.leases.lease)))
    }
}

impl fmt::Debug for LeaseLocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let leases = &self.leases;
        f.debug_struct("LeaseLocks")
            .field("store", &leases.store)
            .field("lease", &leases.lease)
            .finish()
    }
}

/// A lease, which is released when this is dropped.
struct Held {
    state: Arc<State>,
    /// After its drop, nobody in this process counts as the holder.
    _taken: Taken,
}

struct State {
    leases: Arc<Leases>,
    key: Key,
    /// The value of the lease in the store, which identifies this lock operation.
    bytes: [u8; 16],
    /// The write that made the lease ours; `None` once it was lost or released. It stays locked during a
    /// renewal, so that the lease is not released with an outdated version.
    version: Mutex<Option<Version>>,
}

impl Held {
    fn new(leases: Arc<Leases>, key: Key, version: Version, bytes: [u8; 16], taken: Taken) -> Held {
        let version = Mutex::new(Some(version));
        Held { state: Arc::new(State { leases, key, bytes, version }), _taken: taken }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let State { leases, key, version, .. } = &*self.state;
        let version = version.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(version) = version {
            // If the server cannot be reached, the lease expires by itself.
            let _ = leases.store.delete(key, Precondition::Unchanged(version));
        }
    }
}

impl State {
    /// Extends the lease, if it is still ours. If the server cannot be reached now, the next attempt may
    /// succeed.
    fn renew(&self) {
        let mut version = self.version.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(current) = *version
            && let Ok(renewed) =
                self.leases.put(&self.key, &self.bytes, Precondition::Unchanged(current))
        {
            *version = renewed;
        }
    }
}

/// The leases to renew. One thread renews all of them, and it runs only while some are held.
#[derive(Clone, Default)]
struct Renewal(Arc<Mutex<Renewed>>);

#[derive(Default)]
struct Renewed {
    held: Vec<Weak<State>>,
    /// Released leases are removed from the list when it is longer than this.
    tidy_above: usize,
    has_thread: bool,
}

impl Renewal {
    /// Renews the lease after each third of its time, until it is dropped.
    fn renew(&self, held: &Held) {
        let mut renewed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        renewed.held.push(Arc::downgrade(&held.state));
        if renewed.held.len() > renewed.tidy_above {
            renewed.held.retain(|held| held.strong_count() > 0);
            renewed.tidy_above = renewed.held.len().max(32) * 2;
        }
        if !renewed.has_thread {
            let (renewal, leases) = (self.clone(), Arc::clone(&held.state.leases));
            // Without a thread, the lease is not renewed and expires, which a lease allows for.
            let thread = std::thread::Builder::new().name("beaker-leases".into());
            renewed.has_thread = thread.spawn(move || renewal.run(&leases)).is_ok();
        }
    }

    fn run(&self, leases: &Leases) {
        loop {
            leases.clock.sleep(leases.lease / 3);
            for state in self.alive() {
                state.renew();
            }
            let mut renewed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            renewed.held.retain(|held| held.strong_count() > 0);
            if renewed.held.is_empty() {
                renewed.has_thread = false;
                return;
            }
        }
    }

    fn alive(&self) -> Vec<Arc<State>> {
        let renewed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        renewed.held.iter().filter_map(Weak::upgrade).collect()
    }
}
