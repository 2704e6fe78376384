//! Stores nothing, to switch caching off; every session is then new. Nothing is shared.

use std::time::Duration;

use super::{KeyCursor, KeyPage, Precondition, Store, Stored, Version, counter};
use crate::error::Result;
use crate::key::{Key, Namespace};

/// Stores nothing: every value is forgotten at once. It keeps the contract of a store whose values expire
/// immediately.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::exhaustive_structs, reason = "its name is its only value")]
pub struct NullStore;

impl Store for NullStore {
    #[cfg(feature = "python")]
    fn verbatim(&self, _: super::Content) -> Result<Option<super::Verbatim<dyn Store>>> {
        Ok(Some(super::Verbatim::Here))
    }

    fn get(&self, _: &Key) -> Result<Option<Stored>> {
        Ok(None)
    }

    fn put(
        &self,
        _: &Key,
        _: &[u8],
        _: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>> {
        Ok(when.is_met_by(None).then(Version::fresh))
    }

    fn delete(&self, _: &Key, _: Precondition) -> Result<bool> {
        Ok(false)
    }

    fn increment(&self, key: &Key, by: u64, _: Option<Duration>) -> Result<u64> {
        counter::check(key, by).map(|()| by)
    }

    fn clear(&self, _: &Namespace) -> Result<()> {
        Ok(())
    }

    fn keys(&self, _: &Namespace, _: Option<&KeyCursor>, _: usize) -> Result<KeyPage> {
        Ok(KeyPage::default())
    }

    fn blocks(&self) -> bool {
        false
    }
}
