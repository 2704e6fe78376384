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
        #[cfg(feature = "python")]
        "beaker" => Ok(Box::new(sessions::AsSessions::open(folder)?)),
        _ => panic!("no store `{store}`"),
    }
}

#[cfg(feature = "python")]
mod sessions {
    //! Sessions of Beaker's for records of any name, whose bytes are one many times.

    use std::path::Path;
    use std::time::Duration;

    use beaker::Result;
    use beaker::key::{Key, Namespace};
    use beaker::store::python::BeakerFile;
    use beaker::store::{Precondition, Store, Stored, Version};

    #[derive(Debug)]
    pub struct AsSessions(BeakerFile);

    impl AsSessions {
        pub fn open(folder: &Path) -> Result<AsSessions> {
            BeakerFile::open(folder).map(AsSessions)
        }
    }

    /// The name in hexadecimal digits, of which an id has 32.
    fn id(key: &Key) -> Key {
        let mut digits: String = key.name().iter().map(|byte| format!("{byte:02x}")).collect();
        digits.push_str(&"0".repeat(32 - digits.len()));
        Namespace::default().key(digits)
    }

    impl Store for AsSessions {
        fn get(&self, key: &Key) -> Result<Option<Stored>> {
            let Some(Stored { bytes, version }) = self.0.get(&id(key))? else { return Ok(None) };
            let bytes: Vec<u8> = bytes.iter().map(|letter| letter - b'!').collect();
            Ok(Some(Stored { bytes: bytes.into(), version }))
        }

        fn put(
            &self,
            key: &Key,
            bytes: &[u8],
            ttl: Option<Duration>,
            when: Precondition,
        ) -> Result<Option<Version>> {
            let text: Vec<u8> = bytes.iter().map(|byte| byte % 90 + b'!').collect();
            self.0.put(&id(key), &text, ttl, when)
        }

        fn delete(&self, key: &Key, when: Precondition) -> Result<bool> {
            self.0.delete(&id(key), when)
        }

        fn clear(&self, namespace: &Namespace) -> Result<()> {
            self.0.clear(namespace)
        }
    }
}
