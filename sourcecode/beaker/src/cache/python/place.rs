//! [`Place`]: where the entries are, the store behind a backend as Python sees it, and the locks beside them.

use std::sync::Arc;

use super::{PythonLocks, SharedFormat};
use crate::backend::AnyBackend;
use crate::error::{Error, Result};
use crate::lock::AnyLocks;
use crate::store::{AnyStore, Verbatim};

/// The store of the entries.
#[derive(Debug, Clone)]
pub(in crate::cache) struct Place {
    /// Its keys and values are those of the server, without anything of this library.
    pub(in crate::cache) backend: AnyBackend,
    pub(super) is_memcached: bool,
}

impl Place {
    /// Opens the place behind a backend.
    pub(in crate::cache) fn of(
        backend: &AnyBackend,
        region: &str,
        format: &SharedFormat,
    ) -> Result<Place> {
        let content = format.content();
        let found = match &backend.store {
            AnyStore::Blocking(store) => store.verbatim(content)?.map(|it| match it {
                Verbatim::Here => (backend.store.clone(), false),
                Verbatim::Redis(store) => (AnyStore::Blocking(store), false),
                Verbatim::Memcached(store) => (AnyStore::Blocking(store), true),
            }),
            #[cfg(feature = "tokio")]
            AnyStore::Async(store) => store.verbatim(content)?.map(|it| match it {
                Verbatim::Here => (backend.store.clone(), false),
                Verbatim::Redis(store) => (AnyStore::Async(store), false),
                Verbatim::Memcached(store) => (AnyStore::Async(store), true),
            }),
        };
        let (store, is_memcached) = found.ok_or_else(|| {
            let partner = format.partner();
            Error::config(format!(
                "the region `{region}` is shared with {partner}, and its store has no entries that {partner} \
                 could read: {:?}; take redis or memcached, without a layer around it",
                backend.store
            ))
        })?;
        let locks = match format.lock(is_memcached) {
            None => backend.locks.clone(),
            Some(timeout) => match &store {
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
        // A store in memory may serve tasks as it is; its locks must then be those of tasks as well.
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
        Ok(Place { backend: AnyBackend { store, locks }, is_memcached })
    }

    /// Returns the same place for tasks.
    #[cfg(feature = "tokio")]
    pub(in crate::cache) fn for_tasks(&self) -> AnyBackend {
        self.backend.clone().for_tasks()
    }
}
