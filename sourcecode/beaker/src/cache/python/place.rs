//! [`Place`]: where the entries are, the store behind a backend as Python sees it, and the locks beside them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::{FileLocksOfBeaker, PythonLocks, SharedFormat};
use crate::backend::AnyBackend;
use crate::error::{Error, Result};
use crate::lock::AnyLocks;
use crate::store::{AnyStore, Content, Verbatim};

/// The store of the entries.
#[derive(Debug, Clone)]
pub(in crate::cache) struct Place {
    /// Its keys and values are those of the server, without anything of this library.
    pub(in crate::cache) backend: AnyBackend,
    pub(super) kind: Kind,
}

/// What has the entries. A store in memory is like redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Redis,
    Memcached,
    Files,
}

/// The locks of a computation, where they are not those of the backend.
pub(super) enum LocksOf {
    /// In the store, held for this time at most.
    Store(Duration),
    /// Files in this folder.
    Files(PathBuf),
}

/// What there is behind a backend: the store, its kind, and the folder of lock files.
type Found = Option<(AnyStore, Kind, Option<PathBuf>)>;

fn found(store: &AnyStore, content: Content) -> Result<Found> {
    let whole = |found| match found {
        Verbatim::Here => (store.clone(), Kind::Redis, None),
        Verbatim::Redis(store) => (AnyStore::Blocking(store), Kind::Redis, None),
        Verbatim::Memcached(store) => (AnyStore::Blocking(store), Kind::Memcached, None),
        Verbatim::Files(store, locks) => (AnyStore::Blocking(store), Kind::Files, Some(locks)),
    };
    #[cfg(feature = "tokio")]
    let whole_async = |found| match found {
        Verbatim::Here => (store.clone(), Kind::Redis, None),
        Verbatim::Redis(store) => (AnyStore::Async(store), Kind::Redis, None),
        Verbatim::Memcached(store) => (AnyStore::Async(store), Kind::Memcached, None),
        Verbatim::Files(store, locks) => (AnyStore::Async(store), Kind::Files, Some(locks)),
    };
    Ok(match store {
        AnyStore::Blocking(store) => store.verbatim(content)?.map(whole),
        #[cfg(feature = "tokio")]
        AnyStore::Async(store) => store.verbatim(content)?.map(whole_async),
    })
}

impl Place {
    /// Opens the place behind a backend.
    pub(in crate::cache) fn of(
        backend: &AnyBackend,
        region: &str,
        format: &SharedFormat,
    ) -> Result<Place> {
        let found = found(&backend.store, format.content())?;
        let found = found.filter(|(_, kind, _)| format.is_in(*kind));
        let (store, kind, folder) = found.ok_or_else(|| {
            let (partner, places) = (format.partner(), format.places());
            Error::config(format!(
                "the region `{region}` is shared with {partner}, and its store has no entries that {partner} \
                 could read: {:?}; take {places}, without a layer around it",
                backend.store
            ))
        })?;
        let locks = match format.locks(kind, folder) {
            None => backend.locks.clone(),
            Some(LocksOf::Files(folder)) => {
                AnyLocks::Blocking(Arc::new(FileLocksOfBeaker::new(folder)))
            }
            Some(LocksOf::Store(timeout)) => match &store {
                AnyStore::Blocking(store) => {
                    AnyLocks::Blocking(Arc::new(PythonLocks::new(Arc::clone(store), timeout)))
                }
                #[cfg(feature = "tokio")]
                AnyStore::Async(store) => AnyLocks::Async(Arc::new(super::AsyncPythonLocks::new(
                    Arc::clone(store),
                    timeout,
                ))),
            },
        };
        // Blocking locks beside a store of tasks must be those of tasks as well.
        #[cfg(feature = "tokio")]
        let locks = match (locks, &backend.locks) {
            (AnyLocks::Blocking(locks), AnyLocks::Async(_)) => {
                AnyLocks::Async(locks.for_tasks().unwrap_or_else(|| {
                    let gate = crate::off_thread::Gate::default();
                    Arc::new(crate::lock::LocksOnThreads::new(locks, gate))
                }))
            }
            (locks, _) => locks,
        };
        Ok(Place { backend: AnyBackend { store, locks }, kind })
    }

    /// Returns the same place for tasks.
    #[cfg(feature = "tokio")]
    pub(in crate::cache) fn for_tasks(&self) -> AnyBackend {
        self.backend.clone().for_tasks()
    }
}
