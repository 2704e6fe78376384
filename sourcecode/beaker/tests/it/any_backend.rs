//! Stores of different kinds, for tests of what is done above them: in memory, in a database, on a server; and
//! one that is down.

use std::time::Duration;

use beaker::key::{Key, Namespace};
use beaker::lock::LocalLocks;
use beaker::store::{Precondition, Store, Stored, Version};
use beaker::{Backend, Error, ErrorKind, Result};

/// Runs a test over each store; a message of what fails has the store's name before it.
pub fn each(run: impl Fn(Backend)) {
    println!("in memory");
    run(Backend::memory());
    #[cfg(feature = "sqlite")]
    {
        println!("in SQLite");
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:///{}/sessions.db", folder.path().display());
        run(Backend::open("ext:database", &[("url", &url)]).unwrap());
    }
    #[cfg(feature = "redis")]
    {
        println!("in redis");
        let server = servers::Redis::for_programs().unwrap();
        run(Backend::open("ext:redis", &[("url", &server.url())]).unwrap());
    }
}

/// A store that cannot be reached.
pub fn down() -> Backend {
    Backend::new(Down, LocalLocks::new())
}

#[derive(Debug)]
struct Down;

fn is_down<T>() -> Result<T> {
    Err(Error::new(ErrorKind::Unavailable, "the server does not answer"))
}

impl Store for Down {
    fn get(&self, _: &Key) -> Result<Option<Stored>> {
        is_down()
    }

    fn put(
        &self,
        _: &Key,
        _: &[u8],
        _: Option<Duration>,
        _: Precondition,
    ) -> Result<Option<Version>> {
        is_down()
    }

    fn delete(&self, _: &Key, _: Precondition) -> Result<bool> {
        is_down()
    }

    fn clear(&self, _: &Namespace) -> Result<()> {
        is_down()
    }
}
