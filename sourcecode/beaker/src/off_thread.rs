//! Work that tokio does elsewhere: what may wait, on one of its threads for that, and what must go on to
//! its end, in a task of its own. [`Gate`] lets so many calls at a time through to those threads.

use std::fmt::Debug;
use std::num::NonZero;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::thread::available_parallelism;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;

use crate::error::{Error, ErrorKind, Result};

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

/// Calls at a time for each core.
const IN_FLIGHT_PER_CORE: usize = 4;

/// How long a call waits for its turn.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(5);

/// Lets so many calls at a time through to tokio's threads for what may wait. A clone is the same gate.
#[derive(Clone)]
pub(crate) struct Gate {
    places: Arc<Semaphore>,
    max_in_flight: usize,
    queue_timeout: Duration,
    queued: Arc<AtomicUsize>,
}

impl Default for Gate {
    fn default() -> Gate {
        let cores = available_parallelism().map_or(1, NonZero::get);
        let max_in_flight = IN_FLIGHT_PER_CORE * cores;
        Gate {
            places: Arc::new(Semaphore::new(max_in_flight)),
            max_in_flight,
            queue_timeout: QUEUE_TIMEOUT,
            queued: Arc::default(),
        }
    }
}

impl Gate {
    pub(crate) fn max_in_flight(mut self, max: usize) -> Gate {
        assert!(max > 0, "a store with no call in flight never answers");
        self.max_in_flight = max.min(Semaphore::MAX_PERMITS);
        self.places = Arc::new(Semaphore::new(self.max_in_flight));
        self.queued = Arc::default();
        self
    }

    pub(crate) fn queue_timeout(mut self, timeout: Duration) -> Gate {
        self.queue_timeout = timeout;
        self
    }

    pub(crate) fn max(&self) -> usize {
        self.max_in_flight
    }

    pub(crate) fn queued(&self) -> usize {
        self.queued.load(Ordering::Relaxed)
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.max_in_flight - self.places.available_permits()
    }

    /// Makes a call on a thread, when it is its turn. `what` is what is called, for the error.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        what: &dyn SharedDebug,
        call: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let place = self.place(what).await?;
        let work = move || {
            let done = call();
            drop(place);
            done
        };
        off_thread("could not call the store", work).await
    }

    async fn place(&self, what: &dyn SharedDebug) -> Result<Place> {
        let places = Arc::clone(&self.places);
        if let Ok(place) = Arc::clone(&places).try_acquire_owned() {
            return Ok(Place::new(place));
        }
        let _queued = Queued::among(&self.queued);
        match timeout(self.queue_timeout, places.acquire_owned()).await {
            Ok(Ok(place)) => Ok(Place::new(place)),
            Ok(Err(_)) | Err(_) => {
                #[cfg(feature = "metrics")]
                crate::metrics::queue_timed_out();
                Err(Error::new(
                    ErrorKind::Unavailable,
                    format!(
                        "waited {:?} for one of {} calls to {what:?} to end, with {} more in line; the \
                         store is slow, or `max_in_flight` is too low",
                        self.queue_timeout,
                        self.max_in_flight,
                        self.queued() - 1,
                    ),
                ))
            }
        }
    }
}

/// One of the calls that may be under way, until this is dropped.
struct Place {
    _permit: OwnedSemaphorePermit,
    #[cfg(feature = "metrics")]
    _counted: crate::metrics::Counted,
}

impl Place {
    fn new(permit: OwnedSemaphorePermit) -> Place {
        Place {
            _permit: permit,
            #[cfg(feature = "metrics")]
            _counted: crate::metrics::Counted::as_in_flight(),
        }
    }
}

/// Can be shown, by any thread.
pub(crate) trait SharedDebug: Debug + Sync {}

impl<T: Debug + Sync> SharedDebug for T {}

/// One that waits in line, until this is dropped.
struct Queued<'a> {
    all: &'a AtomicUsize,
    #[cfg(feature = "metrics")]
    _counted: crate::metrics::Counted,
}

impl<'a> Queued<'a> {
    fn among(all: &'a AtomicUsize) -> Queued<'a> {
        all.fetch_add(1, Ordering::Relaxed);
        Queued {
            all,
            #[cfg(feature = "metrics")]
            _counted: crate::metrics::Counted::as_queued(),
        }
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.all.fetch_sub(1, Ordering::Relaxed);
    }
}
