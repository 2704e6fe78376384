//! What the flights wait with. A test of all interleavings puts its own in this place.

pub(super) use std::sync::atomic::{AtomicU64, Ordering};
pub(super) use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
pub(super) use std::task::Waker;
pub(super) use std::thread::{ThreadId, current as current_thread};
use std::time::Duration;

/// Waits until the condition holds no more; `false` if that takes longer than `most`.
pub(super) fn wait_while<T>(
    condvar: &Condvar,
    guard: MutexGuard<'_, T>,
    most: Option<Duration>,
    mut condition: impl FnMut(&mut T) -> bool,
) -> bool {
    match most {
        None => {
            drop(condvar.wait_while(guard, condition).unwrap_or_else(PoisonError::into_inner));
            true
        }
        Some(most) => {
            let waited = condvar.wait_timeout_while(guard, most, |it| condition(it));
            !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
        }
    }
}
