//! The back end `dbm`.

use std::path::Path;

use super::{Backend, Options};
use crate::error::Result;
use crate::lock::FileLocks;
use crate::store::DbmStore;

pub(super) fn open(options: Options<'_>) -> Result<Backend> {
    options.only(&["data_dir", "lock_dir"])?;
    let data_dir = options.required("data_dir", "the folder to store in")?;
    let folder = Path::new(data_dir).join("container_dbm_lock");
    let folder = options.get("lock_dir").map_or(folder.as_path(), Path::new);
    Ok(Backend::new(DbmStore::open_with_locks(data_dir, folder)?, FileLocks::new(folder)))
}
