//! What a built-in server does wrong when it is told to.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What a built-in server does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// Every connection is closed at once, those that are open too. A port where nobody listens is
    /// another matter: [`BuiltIn::stop`](super::BuiltIn::stop) makes one.
    Refuse,
    /// Commands are read and never answered.
    Hang,
    /// Every answer comes this much later.
    Slow(Duration),
    /// Only so many bytes of an answer are sent, then the connection is closed.
    CutAnswer(usize),
}

/// The fault that is set, shared with all connections, which can wait for it to change.
#[derive(Debug)]
pub(super) struct Switch {
    state: Mutex<State>,
    changed: Condvar,
    commands: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    fault: Fault,
    stopped: bool,
    /// Grows with every change, so that who waits sees it even when the fault is the same again.
    changes: u64,
}

impl Switch {
    pub(super) fn new() -> Switch {
        Switch { state: Mutex::default(), changed: Condvar::new(), commands: AtomicU64::new(0) }
    }

    pub(super) fn fault(&self) -> Fault {
        self.state().fault
    }

    pub(super) fn set(&self, fault: Fault) {
        self.change(|state| state.fault = fault);
    }

    pub(super) fn stopped(&self) -> bool {
        self.state().stopped
    }

    pub(super) fn stop(&self, stopped: bool) {
        self.change(|state| state.stopped = stopped);
    }

    pub(super) fn count_command(&self) {
        self.commands.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn commands(&self) -> u64 {
        self.commands.load(Ordering::Relaxed)
    }

    /// Returns when the server is told something else than to hang.
    pub(super) fn wait_while_hanging(&self) {
        let hangs = |state: &mut State| state.fault == Fault::Hang && !state.stopped;
        drop(self.changed.wait_while(self.state(), hangs));
    }

    /// Returns after this time, or at the next change.
    pub(super) fn wait(&self, time: Duration) {
        let state = self.state();
        if !state.stopped {
            let before = state.changes;
            drop(self.changed.wait_timeout_while(state, time, |state| state.changes == before));
        }
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state();
        change(&mut state);
        state.changes += 1;
        self.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is whole after every statement that holds the lock, whoever panicked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
