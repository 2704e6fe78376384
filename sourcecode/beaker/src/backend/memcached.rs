//! The back end `ext:memcached`.

use super::{Backend, Options};
use crate::error::Result;
use crate::lock::FileLocks;
use crate::store::MemcachedStore;

pub(super) fn open(options: Options<'_>) -> Result<Backend> {
    options.only(&["url", "lock_dir", "deadline"])?;
    let url = options.required("url", "the servers: `host:port`, with `;` between several")?;
    let deadline = options.deadline()?;
    let store = MemcachedStore::open(url, deadline)?;
    Ok(match options.get("lock_dir") {
        Some(folder) => Backend::new(store, FileLocks::new(folder)),
        None => Backend::with_leases(store),
    })
}
