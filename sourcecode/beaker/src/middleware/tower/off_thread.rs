//! Work that may wait, on one of tokio's threads for that.

use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::task::{JoinHandle, spawn_blocking};

use crate::error::{Error, ErrorKind, Result};

/// What the work gives, when it is done. If this is dropped, the work is still done.
pub(super) struct OffThread<T>(JoinHandle<Result<T>>);

pub(super) fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> OffThread<T> {
    OffThread(spawn_blocking(work))
}

impl<T> Future for OffThread<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T>> {
        let ended = ready!(Pin::new(&mut self.0).poll(context));
        Poll::Ready(ended.unwrap_or_else(|error| match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(error) => {
                let what = "could not load or save the session: tokio's runtime is shutting down";
                Err(Error::new(ErrorKind::Unavailable, what).caused_by(error))
            }
        }))
    }
}
