//! The back end `file`.

use std::path::Path;

use super::{Backend, Options};
use crate::error::Result;
use crate::lock::FileLocks;
use crate::store::FileStore;

pub(super) fn open(options: Options<'_>) -> Result<Backend> {
    options.only(&["data_dir", "lock_dir"])?;
    let data_dir = options.required("data_dir", "the folder to store in")?;
    let store = FileStore::open(data_dir)?;
    Ok(match options.get("lock_dir") {
        Some(folder) => Backend::new(store.with_lock_dir(folder), FileLocks::new(folder)),
        None => {
            let folder = Path::new(data_dir).join("container_file_lock");
            Backend::new(store, FileLocks::new(folder))
        }
    })
}
