//! [`LoadError`]: why a value could not be loaded, for loaders with errors of any type.

use std::error::Error as StdError;
use std::fmt::{self, Debug, Display};
use std::sync::Arc;

use super::failure::{Failure, LoaderError, SharedCause};
use crate::error::Error;

/// States why no value could be returned: because the loader failed, or because the cache did.
///
/// [`Cache::get_or_load`](crate::Cache::get_or_load) returns this error, so its loader may have errors of
/// any type. All calls that waited for the same loader receive its error. Other functions, such as
/// [`try_get_or_create`](crate::Cache::try_get_or_create) and those with `#[cached]`, require an error type
/// with `From<beaker::Error>`. `LoadError` is such a type: use `map_err(LoadError::new)` in the loader.
///
/// ```
/// use beaker::cache::{Cache, LoadError};
///
/// #[derive(Debug)]
/// enum Missing { Driver }
///
/// let cache: Cache<u32> = Cache::in_memory(10);
/// match cache.get_or_load("Ayrton", || Err::<u32, _>(Missing::Driver)) {
///     Err(LoadError::Loader(missing)) => assert!(matches!(*missing, Missing::Driver)),
///     Err(LoadError::Cache(error)) => panic!("the store: {error}"),
///     Ok(points) => panic!("{points}"),
/// }
/// ```
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a caller tells the two apart, and there is no third")]
pub enum LoadError<E> {
    /// The error of the loader, shared by all calls that waited for it.
    Loader(Arc<E>),
    /// The error of the cache: the store failed, the wait timeout passed, or a loader with another error
    /// type failed.
    Cache(Error),
}

impl<E> LoadError<E> {
    /// Wraps an error of a loader.
    pub fn new(error: E) -> LoadError<E> {
        LoadError::Loader(Arc::new(error))
    }

    /// Returns the loader's error, or `None` if the cache failed.
    ///
    /// ```
    /// use beaker::cache::LoadError;
    ///
    /// assert_eq!(LoadError::new("the source is down").loader(), Some(&"the source is down"));
    /// ```
    #[must_use]
    pub fn loader(&self) -> Option<&E> {
        match self {
            LoadError::Loader(error) => Some(error),
            LoadError::Cache(_) => None,
        }
    }
}

/// Finds the error of another call's loader, if it is of this type.
impl<E: Send + Sync + 'static> From<Error> for LoadError<E> {
    fn from(error: Error) -> LoadError<E> {
        let shared = error.source().and_then(|source| source.downcast_ref::<SharedCause>());
        match shared.and_then(|shared| Arc::clone(&shared.error).downcast::<E>().ok()) {
            Some(error) => LoadError::Loader(error),
            None => LoadError::Cache(error),
        }
    }
}

impl<E: Debug + Send + Sync + 'static> LoaderError for LoadError<E> {
    fn failure(&self) -> Failure {
        match self {
            LoadError::Loader(error) => Failure::shared(error),
            LoadError::Cache(error) => Failure::of(error),
        }
    }
}

impl<E: Display> Display for LoadError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::Loader(error) => Display::fmt(error, f),
            LoadError::Cache(error) => Display::fmt(error, f),
        }
    }
}

impl<E: StdError + 'static> StdError for LoadError<E> {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            LoadError::Loader(error) => error.source(),
            LoadError::Cache(error) => error.source(),
        }
    }
}
