//! The back end `memory`.

use super::{Backend, Options};
use crate::error::{Error, Result};
use crate::lock::LocalLocks;
use crate::store::{Capacity, MemoryStore};

pub(super) fn open(options: Options<'_>) -> Result<Backend> {
    options.only(&["max_entries", "max_bytes"])?;
    let bound = match (options.number("max_entries")?, options.number("max_bytes")?) {
        (None, None) => return Ok(Backend::memory()),
        (Some(most), None) => Capacity::Entries(most),
        (None, Some(most)) => Capacity::Bytes(most),
        (Some(_), Some(_)) => {
            return Err(Error::config(
                "the back end `memory` has `max_entries` or `max_bytes`, not both",
            ));
        }
    };
    Ok(Backend::new(MemoryStore::bounded(bound)?, LocalLocks::new()))
}
