//! What the flights wait with. A test of all interleavings puts its own in this place.

pub(super) use std::sync::atomic::{AtomicU64, Ordering};
pub(super) use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

pub(super) use event_listener::{Event, EventListener, Listener};
