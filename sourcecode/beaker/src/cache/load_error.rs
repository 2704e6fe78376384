//! [`LoadError`]: why a value could not be loaded, for errors of any kind.

use std::error::Error as StdError;
use std::fmt::{self, Debug, Display};
use std::sync::Arc;

use super::failure::{Failure, LoaderError, SharedCause};
use crate::error::Error;

/// Tells whose error it is that no value could be given: the loader's, or the cache's.
///
/// [`Cache::get_or_load`](crate::Cache::get_or_load) fails with it, so the loader may have an error of any
/// type. All who waited for one loader get the same error of it. Where a function has to have
/// `From<beaker::Error>`, as with [`try_get_or_create`](crate::Cache::try_get_or_create) and with
/// `#[cached]`, this is an error that has it: `map_err(LoadError::new)`.
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
    /// The loader's own, shared by all who waited for it.
    Loader(Arc<E>),
    /// The cache's: the store failed, the wait was too long, or a loader with errors of another type did.
    Cache(Error),
}

impl<E> LoadError<E> {
    /// Wraps an error of a loader.
    pub fn new(error: E) -> LoadError<E> {
        LoadError::Loader(Arc::new(error))
    }

    /// Returns the loader's error, if it is one.
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
