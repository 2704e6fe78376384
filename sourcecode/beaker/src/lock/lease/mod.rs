//! Locks among hosts: leases in a store that they share.
//!
//! A lease is not a lock. Its holder may be held up, by the system or the network, until the lease
//! has run out, and then two believe that they hold it. What must never happen twice needs a number
//! that grows with each holder and that whatever is written to checks ("fencing"). For caching the
//! worst is a value made twice; a session's save checks the record's version anyway.

mod held;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use held::{Held, Renewal};

use super::{Guard, LocalLocks, Locks};
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
/// long. Threads of one process wait for each other here, so each process asks the server once.
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

    fn guard(&self, lease: Key, version: Version, thread: Guard) -> Guard {
        let held = Held::new(Arc::clone(&self.leases), lease, version);
        self.renewal.renew(&held);
        // In this order: the lease is given back first, then the next thread may ask for it.
        Guard::new((held, thread))
    }
}

impl Leases {
    fn put(&self, lease: &Key, when: When) -> Result<Option<Version>> {
        self.store.put(lease, &[], Some(self.lease), when)
    }
}

/// Leases live in a namespace of their own, under the whole name of what they lock.
fn lease_of(key: &Key) -> Key {
    Namespace::new("beaker.lease").key(key.wire(usize::MAX))
}

impl Locks for LeaseLocks {
    fn lock(&self, key: &Key) -> Result<Guard> {
        let lease = lease_of(key);
        let thread = self.threads.lock(key)?;
        let mut wait = SHORTEST_WAIT;
        loop {
            match self.leases.put(&lease, When::Absent)? {
                Some(version) => return Ok(self.guard(lease, version, thread)),
                None => self.leases.clock.sleep(wait),
            }
            wait = (wait * 3 / 2).min(LONGEST_WAIT);
        }
    }

    fn try_lock(&self, key: &Key) -> Result<Option<Guard>> {
        let Some(thread) = self.threads.try_lock(key)? else { return Ok(None) };
        let lease = lease_of(key);
        let taken = self.leases.put(&lease, When::Absent)?;
        Ok(taken.map(|version| self.guard(lease, version, thread)))
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
