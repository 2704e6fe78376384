//! redis: one that is named, one that is installed, or the small one in this process.

mod cluster;
mod glob;
mod items;
mod keyspace;
mod reply;
mod request;
mod scan;
mod script;
mod scripts;
mod sentinel;
mod set;

use std::env;
use std::time::Duration;

use crate::installed::{self, Installed};
use crate::{BuiltIn, Error, REQUIRE_SERVERS, Result};
pub use cluster::RedisCluster;
pub use keyspace::Keyspace;
pub use sentinel::RedisSentinel;

/// Names the redis to use, as `redis://127.0.0.1:6379/` or `127.0.0.1:6379`.
pub const REDIS_URL: &str = "REDIS_URL";

/// The redis that a program talks to. It stops when this value goes.
#[derive(Debug)]
pub enum Redis {
    /// One that somebody else runs, at this address.
    Named(String),
    /// The installed one, started for this purpose, without persistence.
    Installed(Installed),
    /// The small one in this process.
    BuiltIn(BuiltIn<Keyspace>),
}

impl Redis {
    /// The one that [`REDIS_URL`] names; else the installed one, started on a free port; else,
    /// unless real servers are [`required`](crate::required), a built-in one.
    pub fn for_programs() -> Result<Redis> {
        if let Some(named) = env::var(REDIS_URL).ok().filter(|named| !named.is_empty()) {
            return Ok(Redis::Named(named));
        }
        if let Some(program) = installed::find_redis() {
            return Installed::redis(&program).map(Redis::Installed);
        }
        if crate::required() {
            return Err(Error::new(format!(
                "no redis is named in {REDIS_URL} and none is installed, but \
                 {REQUIRE_SERVERS}=1 asks for a real one: install it (apt-get install redis-server)"
            )));
        }
        BuiltIn::redis().map(Redis::BuiltIn)
    }

    /// Its address as a URL, `redis://127.0.0.1:6379/`.
    #[must_use]
    pub fn url(&self) -> String {
        match self {
            Redis::Named(named) if named.contains("://") => named.clone(),
            Redis::Named(named) => format!("redis://{named}/"),
            Redis::Installed(installed) => format!("redis://{}/", installed.address()),
            Redis::BuiltIn(built_in) => built_in.url(),
        }
    }

    /// A sentence for the user: which one it is, and why.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            // A URL may hold a password.
            Redis::Named(_) => format!("using the redis that {REDIS_URL} names"),
            Redis::Installed(installed) => {
                format!("started the installed redis on {}", installed.address())
            }
            Redis::BuiltIn(_) => "the built-in redis stands in: none is named or installed".into(),
        }
    }

    /// Whether this is the small one in this process, which a user should be told.
    #[must_use]
    pub fn stands_in(&self) -> bool {
        matches!(self, Redis::BuiltIn(_))
    }
}

impl BuiltIn<Keyspace> {
    /// Starts a small redis: texts under keys with a time to live, `SCAN`, and the scripts that the
    /// library sends, as version 7.0.15 answers them in version 2 of the protocol. It is for
    /// programs and tests.
    pub fn redis() -> Result<Self> {
        BuiltIn::start(Keyspace::default())
    }

    /// Its address as a URL, `redis://127.0.0.1:6379/`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://{}/", self.address())
    }

    /// Puts its clock forward, so that a test sees keys expire without waiting.
    pub fn advance(&self, time: Duration) {
        self.protocol().advance(time);
    }
}
