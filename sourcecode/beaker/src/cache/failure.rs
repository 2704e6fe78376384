//! Why there is no value: a failure is shared by all waiting calls, and remembered for a while.

use std::any::Any;
use std::collections::HashMap;
use std::error::Error as StdError;
use std::fmt::{self, Debug, Display};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::flight::FlightKey;
use super::stats::DisplayKey;
use crate::error::{Error, ErrorKind};

/// Why a loader returned no value.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    text: Arc<str>,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    /// Its error belongs to the call whose loader it was. The others get the text.
    Own,
    /// Its error, for all calls that know its type.
    Shared(Arc<dyn Any + Send + Sync>),
    /// The loader was asked for many keys and has left this one out.
    LeftOut,
}

impl Failure {
    fn new(text: String, kind: Kind) -> Failure {
        Failure { text: text.into(), kind }
    }

    pub(super) fn of(error: &impl Display) -> Failure {
        Failure::new(error.to_string(), Kind::Own)
    }

    pub(super) fn shared<E: Debug + Send + Sync + 'static>(error: &Arc<E>) -> Failure {
        Failure::new(format!("{error:?}"), Kind::Shared(Arc::<E>::clone(error)))
    }

    pub(super) fn left_out() -> Failure {
        Failure::new("its loader has left it out".to_owned(), Kind::LeftOut)
    }

    pub(super) fn is_left_out(&self) -> bool {
        matches!(self.kind, Kind::LeftOut)
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
        let what = format!("the value of `{key}` could not be made by another call: {}", self.text);
        let error = Error::new(ErrorKind::Creation, what);
        match &self.kind {
            Kind::Shared(shared) => {
                let (text, error_of_loader) = (Arc::clone(&self.text), Arc::clone(shared));
                error.caused_by(SharedCause { text, error: error_of_loader })
            }
            Kind::Own | Kind::LeftOut => error,
        }
    }
}

/// The error of another call's loader, inside an error of the library.
#[derive(Debug)]
pub(super) struct SharedCause {
    text: Arc<str>,
    pub(super) error: Arc<dyn Any + Send + Sync>,
}

impl Display for SharedCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl StdError for SharedCause {}

/// An error of a loader, inside this library.
pub(super) trait LoaderError: From<Error> {
    /// Returns what the calls that wait for the loader get.
    fn failure(&self) -> Failure;
}

/// An error that belongs to the call whose loader it was.
pub(super) struct Plain<E>(pub(super) E);

impl<E: From<Error>> From<Error> for Plain<E> {
    fn from(error: Error) -> Plain<E> {
        Plain(error.into())
    }
}

impl<E: From<Error> + Display> LoaderError for Plain<E> {
    fn failure(&self) -> Failure {
        Failure::of(&self.0)
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The recent failures. A clone is the same set.
#[derive(Clone, Default)]
pub(super) struct Failures {
    /// Held only for short operations.
    known: Arc<Mutex<HashMap<FlightKey, (Failure, Duration)>>>,
}

/// How many failures are remembered.
const MAX: usize = 10_000;

impl Failures {
    /// Returns the failure that is to be returned again instead of another attempt. `now` is on the
    /// monotonic clock.
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
    let what = format!("the loader of `{key}` asks the cache for `{key}`, which it is computing");
    Error::new(ErrorKind::WouldDeadlock, what + "; let it work the value out itself")
}

pub(super) fn too_late(key: DisplayKey<'_>, max: Duration) -> Error {
    let what = format!("waited {max:?} for the value of `{key}`, which another call computes");
    Error::new(ErrorKind::Unavailable, what + "; try again, or allow a longer wait")
}
