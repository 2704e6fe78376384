//! What `sync.rs` names, as loom has it.

use std::future::Future;
use std::pin::Pin;
pub(in crate::cache) use std::sync::PoisonError;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use loom::sync::Condvar;
pub(in crate::cache) use loom::sync::atomic::{AtomicU64, Ordering};
pub(in crate::cache) use loom::sync::{Arc, Mutex, MutexGuard, RwLock};

/// Keeps the contract of `event_listener::Event`: whoever listens is woken by the next notification, also
/// if that comes before the wait; a thread or a task.
#[derive(Default)]
pub(in crate::cache) struct Event(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    notified: Condvar,
}

#[derive(Default)]
struct State {
    notifications: usize,
    wakers: Vec<Waker>,
}

impl Event {
    pub(in crate::cache) fn new() -> Event {
        Event::default()
    }

    pub(in crate::cache) fn listen(&self) -> EventListener {
        let seen = self.0.state.lock().unwrap().notifications;
        EventListener { shared: Arc::clone(&self.0), seen }
    }

    pub(in crate::cache) fn notify(&self, _: usize) {
        let mut state = self.0.state.lock().unwrap();
        state.notifications += 1;
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        self.0.notified.notify_all();
        wakers.into_iter().for_each(Waker::wake);
    }
}

pub(in crate::cache) struct EventListener {
    shared: Arc<Shared>,
    seen: usize,
}

/// How a thread waits.
pub(in crate::cache) trait Listener {
    fn wait(self);

    /// There is no time in a model.
    fn wait_timeout(self, _: Duration) -> Option<()>;
}

impl Listener for EventListener {
    fn wait(self) {
        let mut state = self.shared.state.lock().unwrap();
        while state.notifications == self.seen {
            state = self.shared.notified.wait(state).unwrap();
        }
    }

    fn wait_timeout(self, _: Duration) -> Option<()> {
        self.wait();
        Some(())
    }
}

impl Future for EventListener {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.shared.state.lock().unwrap();
        if state.notifications != self.seen {
            return Poll::Ready(());
        }
        state.wakers.push(context.waker().clone());
        Poll::Pending
    }
}
