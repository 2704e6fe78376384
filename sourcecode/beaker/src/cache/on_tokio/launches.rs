//! [`Launches`]: one task a key has its value made; the others of this cache wait for what comes of it,
//! and take no thread for that.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::cache::flight::FlightKey;

/// The keys whose makers are on their way, and have not begun yet.
#[derive(Clone, Default)]
pub(super) struct Launches(Arc<Mutex<HashMap<FlightKey, watch::Receiver<()>>>>);

/// What a task is to do that wants a value.
pub(super) enum Launch {
    /// Have it made.
    Own(Launching),
    /// Wait until whoever has it made has begun, or found that there is nothing to do.
    Others(watch::Receiver<()>),
}

impl Launches {
    pub(super) fn begin(&self, key: &[u8]) -> Launch {
        let mut all = self.lock();
        if let Some(begun) = all.get(key) {
            return Launch::Others(begun.clone());
        }
        let (announces, begun) = watch::channel(());
        all.insert(key.into(), begun);
        let launching = Launching { all: self.clone(), key: key.into(), _announces: announces };
        Launch::Own(launching)
    }

    /// Nothing slow is done while this is locked.
    fn lock(&self) -> MutexGuard<'_, HashMap<FlightKey, watch::Receiver<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// On the way, until this is dropped.
pub(super) struct Launching {
    all: Launches,
    key: FlightKey,
    /// The others see that it is gone.
    _announces: watch::Sender<()>,
}

impl Drop for Launching {
    fn drop(&mut self) {
        self.all.lock().remove(&self.key);
    }
}
