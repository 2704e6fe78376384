//! What orders threads and tasks in `flight.rs` and `order.rs`. The models of all interleavings put loom's in
//! this place.

#[cfg(not(all(test, beaker_loom)))]
mod primitives {
    pub(in crate::cache) use std::sync::atomic::{AtomicU64, Ordering};
    pub(in crate::cache) use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

    pub(in crate::cache) use event_listener::{Event, EventListener, Listener};
}

#[cfg(all(test, beaker_loom))]
use super::interleavings::primitives;

pub(super) use primitives::{
    Arc, AtomicU64, Event, EventListener, Listener, Mutex, MutexGuard, Ordering, PoisonError,
    RwLock,
};
