//! The back ends `ext:redis` and `ext:rediscluster`.

use super::{Backend, Options};
use crate::error::Result;
use crate::lock::FileLocks;
use crate::store::RedisStore;

pub(super) fn open(options: Options<'_>) -> Result<Backend> {
    options.only(&["url", "lock_dir", "deadline"])?;
    let url = options.required("url", "the server: `redis://host:port`")?;
    Ok(with_locks(options, RedisStore::open(url, options.deadline()?)?))
}

pub(super) fn open_cluster(options: Options<'_>) -> Result<Backend> {
    options.only(&["urls", "url", "lock_dir", "deadline"])?;
    let what = "some of the servers: `redis://host:port`, with `,` or `;` between several";
    let urls = options.required("url", what).or_else(|_| options.required("urls", what))?;
    Ok(with_locks(options, RedisStore::open_cluster(urls, options.deadline()?)?))
}

fn with_locks(options: Options<'_>, store: RedisStore) -> Backend {
    match options.get("lock_dir") {
        Some(folder) => Backend::new(store, FileLocks::new(folder)),
        None => Backend::with_leases(store),
    }
}
