//! The back end `ext:database`.

use super::{Backend, Options};
use crate::error::Result;
use crate::lock::FileLocks;
use crate::store::DatabaseStore;

pub(super) fn open(options: Options<'_>) -> Result<Backend> {
    options.only(&["url", "table_name", "lock_dir", "deadline"])?;
    let url = options.required(
        "url",
        "the database: `sqlite:///path/to/file.db` or `postgres://user:password@host/database`",
    )?;
    let table_name = options.get("table_name").unwrap_or(DatabaseStore::TABLE_NAME);
    let store = DatabaseStore::open(url, table_name, options.deadline()?)?;
    Ok(match options.get("lock_dir") {
        Some(folder) => Backend::new(store, FileLocks::new(folder)),
        None => Backend::with_leases(store),
    })
}
