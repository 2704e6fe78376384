//! What the flights wait with, as loom has it.

use std::time::Duration;

pub(super) use loom::sync::atomic::{AtomicU64, Ordering};
pub(super) use loom::sync::{Arc, Condvar, Mutex, MutexGuard, RwLock};
pub(super) use loom::thread::{ThreadId, current as current_thread};
pub(super) use std::sync::PoisonError;
pub(super) use std::task::Waker;

/// Waits until the condition holds no more. There is no time in a model.
pub(super) fn wait_while<T>(
    condvar: &Condvar,
    mut guard: MutexGuard<'_, T>,
    _: Option<Duration>,
    mut condition: impl FnMut(&mut T) -> bool,
) -> bool {
    while condition(&mut guard) {
        guard = condvar.wait(guard).unwrap_or_else(PoisonError::into_inner);
    }
    true
}
