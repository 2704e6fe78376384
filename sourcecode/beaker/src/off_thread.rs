//! Work that tokio does elsewhere: what may wait, on one of its threads for that, and what must go on to
//! its end, in a task of its own.

use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::task::{JoinHandle, spawn_blocking};

use crate::error::{Error, ErrorKind};

/// What the work gives, when it is done. If this is dropped, the work is still done.
pub(crate) struct OffThread<T, E> {
    what: &'static str,
    task: JoinHandle<Result<T, E>>,
}

/// `what` is what could not be done, should it come to that.
///
/// # Panics
///
/// If this does not run on tokio.
pub(crate) fn off_thread<T: Send + 'static, E: Send + 'static>(
    what: &'static str,
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> OffThread<T, E> {
    joined(what, spawn_blocking(work))
}

/// The same for work that tokio does already.
pub(crate) fn joined<T, E>(what: &'static str, task: JoinHandle<Result<T, E>>) -> OffThread<T, E> {
    OffThread { what, task }
}

impl<T, E: From<Error>> Future for OffThread<T, E> {
    type Output = Result<T, E>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T, E>> {
        let ended = ready!(Pin::new(&mut self.task).poll(context));
        Poll::Ready(ended.unwrap_or_else(|error| match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(error) => {
                let what = format!("{}: tokio's runtime is shutting down", self.what);
                Err(Error::new(ErrorKind::Unavailable, what).caused_by(error).into())
            }
        }))
    }
}
