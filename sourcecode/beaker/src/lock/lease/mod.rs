//! Locks among hosts: leases in a store that they share.
//!
//! A lease is not a lock. Its holder may be held up, by the system or the network, until the lease
//! has run out, and then two believe that they hold it. What must never happen twice needs a number
//! that grows with each holder and that whatever is written to checks ("fencing"). For caching the
//! worst is a value made twice; a session's save checks the record's version anyway.

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

/// How long a holder that was killed keeps the others waiting.
const LEASE: Duration = Duration::from_secs(10);

/// Who waits looks again after this time, and then after a little more each time.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);
const LONGEST_WAIT: Duration = Duration::from_millis(10);

/// One holder a key among all that share the store. A lease is renewed while its holder works, given
/// back by its holder alone, and free again when it has run out.
///
/// The store measures its end by the time of day: of its server, or, in a database, of the hosts, which
/// must agree much better than the lease is long. Should the time be put back, those who wait find out by
/// themselves, within twice its length, that a lease has lost its holder; should it be put forward, a lease
/// can end too early. Threads of one process wait for each other here, so each process asks the server once. A thread
/// that asks for a lease which it holds is told so, through whatever handle on the store it took it.
pub struct LeaseLocks {
    leases: Arc<Leases>,
    threads: LocalLocks,
    renewal: Renewal,
    sightings: Sightings,
}

/// What a guard and the renewing thread share with the locks.
struct Leases {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    lease: Duration,
}

impl LeaseLocks {
    /// Leases of 10 seconds in this store.
    pub fn new(store: Arc<dyn Store>) -> LeaseLocks {
        LeaseLocks::with(store, LEASE, Arc::new(SystemClock))
    }

    /// Leases of another length, or by another clock.
    pub fn with(store: Arc<dyn Store>, lease: Duration, clock: Arc<dyn Clock>) -> LeaseLocks {
        LeaseLocks {
            leases: Arc::new(Leases { store, clock, lease }),
            threads: LocalLocks::new(),
            renewal: Renewal::default(),
            sightings: Sightings::default(),
        }
    }

    /// Takes the lease, if it is free or has lost its holder.
    ///
    /// # Errors
    ///
    /// `ErrorKind::WouldDeadlock` if this thread has it, whatever handle it took it through: the bytes
    /// tell.
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
                // In this order: the lease is given back first, then the next thread may ask for it.
                Taking::Own(Guard::new((held, thread)))
            }
        })
    }

    /// Looks at what is in the way, now and then, and takes it if its holder is gone.
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
        // Its holder says for how long it takes a lease, and renews it three times as often.
        match holders::length(&stored.bytes) {
            Some(length) if stands >= length => {
                self.leases.put(lease, bytes, Precondition::Unchanged(stored.version))
            }
            _ => Ok(None),
        }
    }
}

/// What came of asking once.
enum Taking {
    Own(Guard),
    /// Somebody has it. Here is back what was taken in this process.
    Held(Guard),
}

impl Leases {
    fn put(&self, lease: &Key, bytes: &[u8], when: Precondition) -> Result<Option<Version>> {
        self.store.put(lease, bytes, Some(self.lease), when)
    }
}

/// Leases live in a namespace of their own, under the whole name of what they lock.
fn lease_of(key: &Key) -> Key {
    Namespace::new("beaker.lease").key(key.wire(usize::MAX))
}

impl Locks for LeaseLocks {
    fn lock(&self, key: &Key) -> Result<Guard> {
        let lease = lease_of(key);
        let mut thread = self.threads.lock(key)?;
        let mut wait = SHORTEST_WAIT;
        loop {
            // A thread that waits takes nothing meanwhile, so once it is not its own it never is.
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

/// A lease, given back on drop.
struct Held {
    state: Arc<State>,
    /// After its drop, nobody in this process counts as the holder.
    _taken: Taken,
}

struct State {
    leases: Arc<Leases>,
    key: Key,
    /// What the lease holds: which taking it was.
    bytes: [u8; 16],
    /// The write that made it ours; `None` once it was lost or given back. It is locked while the
    /// lease is renewed, so that it is not given back with a version that is gone.
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
            // If the server cannot be reached, the lease runs out by itself.
            let _ = leases.store.delete(key, Precondition::Unchanged(version));
        }
    }
}

impl State {
    /// Begins the lease anew, if it is still ours. A server that cannot be reached now may be
    /// reached the next time.
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

/// The leases to renew. There is one renewing thread for all, and only while some are held.
#[derive(Clone, Default)]
struct Renewal(Arc<Mutex<Renewed>>);

#[derive(Default)]
struct Renewed {
    held: Vec<Weak<State>>,
    /// Those that were given back are looked for when there are more than this.
    tidy_above: usize,
    has_thread: bool,
}

impl Renewal {
    /// Renews the lease at every third of its time, until it is dropped.
    fn renew(&self, held: &Held) {
        let mut renewed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        renewed.held.push(Arc::downgrade(&held.state));
        if renewed.held.len() > renewed.tidy_above {
            renewed.held.retain(|held| held.strong_count() > 0);
            renewed.tidy_above = renewed.held.len().max(32) * 2;
        }
        if !renewed.has_thread {
            let (renewal, leases) = (self.clone(), Arc::clone(&held.state.leases));
            // Without a thread the lease is not renewed, which is what a lease is prepared for.
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
