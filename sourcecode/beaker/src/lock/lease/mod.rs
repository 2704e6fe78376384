//! Locks among hosts: leases in a store that they share.
//!
//! A lease is not a lock. Its holder may be held up, by the system or the network, until the lease
//! has run out, and then two believe that they hold it. What must never happen twice needs a number
//! that grows with each holder and that whatever is written to checks ("fencing"). For caching the
//! worst is a value made twice; a session's save checks the record's version anyway.

mod held;
mod takers;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use held::{Held, Renewal};
use takers::Taken;

use super::{Guard, LocalLocks, Locks, would_deadlock};
use crate::clock::{Clock, SystemClock};
use crate::error::Result;
use crate::key::{Key, Namespace};
use crate::store::{Store, Version, When};

/// How long a holder that was killed keeps the others waiting.
const LEASE: Duration = Duration::from_secs(10);

/// Who waits looks again after this time, and then after a little more each time.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);
const LONGEST_WAIT: Duration = Duration::from_millis(10);

/// One holder a key among all that share the store. A lease is renewed while its holder works, given
/// back by its holder alone, and free again when it has run out.
///
/// Hosts measure its end by their own clocks, so these must agree much better than the lease is
/// long. Threads of one process wait for each other here, so each process asks the server once. A thread
/// that asks for a lease which it holds is told so, through whatever handle on the store it took it.
pub struct LeaseLocks {
    leases: Arc<Leases>,
    threads: LocalLocks,
    renewal: Renewal,
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
        }
    }

    /// Takes the lease, if it is free. The bytes tell this thread, should it ask again through another
    /// handle, that it is its own.
    fn take(&self, lease: &Key, thread: Guard) -> Result<Taking> {
        let number = takers::fresh();
        Ok(match self.leases.put(lease, &number.to_le_bytes(), When::Absent)? {
            None => Taking::Held(thread),
            Some(version) => {
                let taken = Taken::note(number);
                let held = Held::new(Arc::clone(&self.leases), lease.clone(), version, taken);
                self.renewal.renew(&held);
                // In this order: the lease is given back first, then the next thread may ask for it.
                Taking::Own(Guard::new((held, thread)))
            }
        })
    }

    /// Refuses to wait for a lease that this thread has itself, whatever handle it took it through.
    fn check_not_own(&self, lease: &Key, key: &Key) -> Result<()> {
        let is_own = takers::has_any()
            && self.leases.store.get(lease)?.is_some_and(|stored| takers::is_own(&stored.bytes));
        if is_own { Err(would_deadlock(key)) } else { Ok(()) }
    }
}

/// What came of asking once.
enum Taking {
    Own(Guard),
    /// Somebody has it. Here is back what was taken in this process.
    Held(Guard),
}

impl Leases {
    fn put(&self, lease: &Key, bytes: &[u8], when: When) -> Result<Option<Version>> {
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
        let mut wait = None;
        loop {
            thread = match self.take(&lease, thread)? {
                Taking::Own(guard) => return Ok(guard),
                Taking::Held(thread) => thread,
            };
            // Once is enough: a thread that waits takes nothing meanwhile.
            let time = match wait {
                None => self.check_not_own(&lease, key).map(|()| SHORTEST_WAIT)?,
                Some(time) => time,
            };
            self.leases.clock.sleep(time);
            wait = Some((time * 3 / 2).min(LONGEST_WAIT));
        }
    }

    fn try_lock(&self, key: &Key) -> Result<Option<Guard>> {
        let Some(thread) = self.threads.try_lock(key)? else { return Ok(None) };
        let lease = lease_of(key);
        match self.take(&lease, thread)? {
            Taking::Own(guard) => Ok(Some(guard)),
            Taking::Held(_) => self.check_not_own(&lease, key).map(|()| None),
        }
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
