//! The handle of a cache: cloned, and printed.

use std::fmt;
use std::sync::Arc;

use super::Cache;
use super::storage::Storage;

impl<V> Clone for Cache<V> {
    fn clone(&self) -> Cache<V> {
        Cache {
            shared: Arc::clone(&self.shared),
            policy: self.policy.clone(),
            time: self.time.clone(),
        }
    }
}

/// Says nothing of what is kept.
impl<V> fmt::Debug for Cache<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.shared.storage {
            Storage::Objects(_) => "objects",
            Storage::Bytes(_) => "bytes",
            Storage::Near(..) => "near",
        };
        f.debug_struct("Cache").field("kept", &kind).field("policy", &self.policy).finish()
    }
}
