//! A lease that is held: renewed while its holder works, and given back by its holder alone.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::Leases;
use super::takers::Taken;
use crate::key::Key;
use crate::store::{Precondition, Version};

/// A lease, given back on drop.
pub(super) struct Held {
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
    pub(super) fn new(
        leases: Arc<Leases>,
        key: Key,
        version: Version,
        bytes: [u8; 16],
        taken: Taken,
    ) -> Held {
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
pub(super) struct Renewal(Arc<Mutex<Renewed>>);

#[derive(Default)]
struct Renewed {
    held: Vec<Weak<State>>,
    /// Those that were given back are looked for when there are more than this.
    tidy_above: usize,
    has_thread: bool,
}

impl Renewal {
    /// Renews the lease at every third of its time, until it is dropped.
    pub(super) fn renew(&self, held: &Held) {
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
