//! The stores that keep their values on this machine's disk, by name.

use std::path::Path;

use beaker::Result;
use beaker::store::{FileStore, Store};

pub fn open(store: &str, folder: &Path) -> Result<Box<dyn Store>> {
    match store {
        "file" => Ok(Box::new(FileStore::open(folder)?)),
        #[cfg(feature = "dbm")]
        "dbm" => Ok(Box::new(beaker::store::DbmStore::open(folder)?)),
        #[cfg(feature = "sqlite")]
        "sqlite" => {
            let file = folder.join("sessions.db");
            let deadline = std::time::Duration::from_secs(20);
            let table = beaker::store::DatabaseStore::TABLE_NAME;
            let url = file.to_str().unwrap();
            Ok(Box::new(beaker::store::DatabaseStore::open(url, table, deadline)?))
        }
        _ => panic!("no store `{store}`"),
    }
}
