//! [`AnyLocks`]: locks of either kind, for what is written once for both.

use std::sync::Arc;

#[cfg(feature = "tokio")]
use super::AsyncLocks;
use super::{Guard, Locks};
use crate::error::Result;
use crate::key::Key;

/// Locks whose calls wait, or whose futures do.
#[derive(Debug, Clone)]
pub(crate) enum AnyLocks {
    Blocking(Arc<dyn Locks>),
    #[cfg(feature = "tokio")]
    Async(Arc<dyn AsyncLocks>),
}

impl AnyLocks {
    pub(crate) async fn lock(&self, key: &Key) -> Result<Guard> {
        match self {
            AnyLocks::Blocking(locks) => locks.lock(key),
            #[cfg(feature = "tokio")]
            AnyLocks::Async(locks) => locks.lock(key).await,
        }
    }

    pub(crate) async fn try_lock(&self, key: &Key) -> Result<Option<Guard>> {
        match self {
            AnyLocks::Blocking(locks) => locks.try_lock(key),
            #[cfg(feature = "tokio")]
            AnyLocks::Async(locks) => locks.try_lock(key).await,
        }
    }
}
