//! [`Sweeper`]: cleans up a store in the background, at regular intervals.

use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};
use crate::store::Store;

/// How many values are looked at in one step. The sweeper can be stopped between steps.
const STEP: usize = 1000;

/// Runs a thread that removes expired values from a store, such as `file`, whose server does not do that.
/// When the `Sweeper` is dropped, it stops the thread and waits for its end.
///
/// ```
/// use std::time::Duration;
/// use beaker::{Backend, Sweeper};
///
/// # fn main() -> beaker::Result<()> {
/// let backend = Backend::memory();
/// let sweeper = Sweeper::start(backend.store().clone(), Duration::from_secs(60), |swept| {
///     match swept {
///         Ok(removed) => println!("{removed} expired values removed"),
///         Err(error) => eprintln!("could not sweep: {error:?}"),
///     }
/// })?;
/// # drop(sweeper);
/// # Ok(())
/// # }
/// ```
pub struct Sweeper {
    /// Dropping it stops the thread.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Sweeper {
    /// Cleans up the whole store at once, and again after each interval. After each round, `report`
    /// receives the number of removed values or the error; after an error, the next round tries again.
    ///
    /// # Errors
    ///
    /// Returns `ErrorKind::Unavailable` if the system cannot start a thread.
    pub fn start(
        store: Arc<dyn Store>,
        interval: Duration,
        report: impl Fn(Result<usize>) + Send + 'static,
    ) -> Result<Sweeper> {
        let (stop, stopped) = mpsc::channel();
        let is_stopped = move |wait| {
            matches!(stopped.recv_timeout(wait), Ok(()) | Err(RecvTimeoutError::Disconnected))
        };
        let rounds = move || {
            loop {
                let mut removed = 0;
                let result = loop {
                    match store.sweep(STEP) {
                        Ok(swept) => {
                            removed += swept.removed;
                            if swept.is_done {
                                break Ok(removed);
                            }
                        }
                        Err(error) => break Err(error),
                    }
                    if is_stopped(Duration::ZERO) {
                        return;
                    }
                };
                report(result);
                if is_stopped(interval) {
                    return;
                }
            }
        };
        let thread = thread::Builder::new().name("beaker-sweeper".into()).spawn(rounds);
        let thread = thread.map_err(|error| {
            let what = "could not start the thread of the sweeper";
            Error::new(ErrorKind::Unavailable, what).caused_by(error)
        })?;
        Ok(Sweeper { stop: Some(stop), thread: Some(thread) })
    }
}

/// Cleans up a whole store, and returns how many expired values were removed.
pub fn sweep(store: &dyn Store) -> Result<usize> {
    let mut removed = 0;
    loop {
        let swept = store.sweep(STEP)?;
        removed += swept.removed;
        if swept.is_done {
            return Ok(removed);
        }
    }
}

impl Drop for Sweeper {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Sweeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sweeper")
    }
}
