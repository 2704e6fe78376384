//! The two kinds of program: one whose threads wait, and one whose tasks do.
//!
//! What sessions and caches do is written once, as `async fn`s over a store of either kind. A blocking
//! program polls such a future once, with [`finish`]: whatever waits in it, waits inside that poll. An
//! asynchronous one awaits it.
//!
//! ```text
//!                blocking program            asynchronous program
//! Sessions       finish(flow)                                         AsyncSessions: flow.await
//!                     \                       /
//!                      the flow, an `async fn`
//!                     /                       \
//! AnyStore::Blocking: a call that waits       AnyStore::Async: a future that is awaited
//! ```

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::clock::{Clock, SystemClock};

/// Who waits in a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum World {
    Threads,
    #[cfg(feature = "tokio")]
    Tasks,
}

impl World {
    /// Waits, by a clock that nobody can set.
    pub(crate) async fn sleep(self, duration: Duration) {
        match self {
            World::Threads => SystemClock.sleep(duration),
            #[cfg(feature = "tokio")]
            World::Tasks => tokio::time::sleep(duration).await,
        }
    }
}

/// What the future gives, or `None` if that takes longer: by the clock of tokio, which nobody can set.
#[cfg(feature = "tokio")]
pub(crate) async fn timeout<F: Future>(limit: Duration, future: F) -> Option<F::Output> {
    tokio::time::timeout(limit, future).await.ok()
}

/// Runs a flow of the world of threads, in which nothing is ever pending.
#[inline]
pub(crate) fn finish<F: Future>(flow: F) -> F::Output {
    match pin!(flow).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("a blocking store waits inside its call"),
    }
}
