//! Why nothing was made: shared by all who waited for it, and remembered for a while.

use std::any::Any;
use std::collections::HashMap;
use std::fmt::{self, Display};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::flight::FlightKey;
use super::stats::DisplayKey;
use crate::error::{Error, ErrorKind};

/// What the creator's error said. The error itself is for the one who called the creator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure(Arc<str>);

impl Failure {
    pub(super) fn of(error: &impl Display) -> Failure {
        Failure(error.to_string().into())
    }

    pub(super) fn of_panic(panic: &(dyn Any + Send)) -> Failure {
        let said = panic.downcast_ref::<&str>().copied();
        let said = said.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        match said {
            Some(said) => Failure::of(&format_args!("it panicked: {said}")),
            None => Failure::of(&"it panicked"),
        }
    }

    pub(super) fn error(&self, key: DisplayKey<'_>) -> Error {
        let what = format!("the value of `{key}` could not be made by another call: {}", self.0);
        Error::new(ErrorKind::Creation, what)
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The failures of the last moments. A clone is the same failures.
#[derive(Clone, Default)]
pub(super) struct Failures {
    /// Nothing slow is done while this is locked.
    known: Arc<Mutex<HashMap<FlightKey, (Failure, Duration)>>>,
}

/// How many failures are remembered.
const MAX: usize = 10_000;

impl Failures {
    /// The failure that is to be given again, instead of another try. `now` is on the monotonic clock.
    pub(super) fn get(&self, key: &[u8], now: Duration) -> Option<Failure> {
        let mut known = self.lock();
        let (failure, until) = known.get(key)?;
        if now < *until {
            return Some(failure.clone());
        }
        known.remove(key);
        None
    }

    pub(super) fn note(&self, key: &[u8], failure: Failure, now: Duration, error_ttl: Duration) {
        if error_ttl.is_zero() {
            return;
        }
        let mut known = self.lock();
        if known.len() >= MAX {
            known.retain(|_, (_, until)| now < *until);
        }
        if known.len() < MAX {
            known.insert(key.into(), (failure, now.saturating_add(error_ttl)));
        }
    }

    pub(super) fn forget(&self, key: &[u8]) {
        self.lock().remove(key);
    }

    pub(super) fn forget_all(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<FlightKey, (Failure, Duration)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn asks_for_itself(key: DisplayKey<'_>) -> Error {
    let what =
        format!("the creator of `{key}` asks the cache for `{key}`, which it is about to make");
    Error::new(ErrorKind::WouldDeadlock, what + "; let it work the value out itself")
}

pub(super) fn too_late(key: DisplayKey<'_>, max: Duration) -> Error {
    let what = format!("waited {max:?} for the value of `{key}`, which another call makes");
    Error::new(ErrorKind::Unavailable, what + "; try again, or allow a longer wait")
}
