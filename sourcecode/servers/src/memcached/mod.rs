//! memcached: one that is named, one that is installed, or the small one in this process.

mod arithmetic;
mod base64;
mod delete;
mod get;
mod items;
mod memory;
mod pool;
mod reply;
mod request;
mod set;

use std::env;
use std::time::Duration;

use crate::installed::{self, Installed};
use crate::{BuiltIn, Error, REQUIRE_SERVERS, Result};
pub use memory::Memory;
pub use pool::MemcachedPool;

/// Names the memcached to use, as `memcache://127.0.0.1:11211` or `127.0.0.1:11211`.
pub const MEMCACHED_URL: &str = "MEMCACHED_URL";

/// The memcached that a program talks to. It stops when this value goes.
#[derive(Debug)]
pub enum Memcached {
    /// One that somebody else runs, at this address.
    Named(String),
    /// The installed one, started for this purpose.
    Installed(Installed),
    /// The small one in this process.
    BuiltIn(BuiltIn<Memory>),
}

impl Memcached {
    /// The one that [`MEMCACHED_URL`] names; else the installed one, started on a free port; else,
    /// unless real servers are [`required`](crate::required), a built-in one.
    pub fn for_programs() -> Result<Memcached> {
        if let Some(named) = env::var(MEMCACHED_URL).ok().filter(|named| !named.is_empty()) {
            return Ok(Memcached::Named(named));
        }
        if let Some(program) = installed::find("memcached") {
            return Installed::memcached(&program).map(Memcached::Installed);
        }
        if crate::required() {
            return Err(Error::new(format!(
                "no memcached is named in {MEMCACHED_URL} and none is installed, but \
                 {REQUIRE_SERVERS}=1 asks for a real one: install it (apt-get install memcached)"
            )));
        }
        BuiltIn::memcached().map(Memcached::BuiltIn)
    }

    /// Its address as a URL, `memcache://127.0.0.1:11211`.
    #[must_use]
    pub fn url(&self) -> String {
        match self {
            Memcached::Named(named) if named.contains("://") => named.clone(),
            Memcached::Named(named) => format!("memcache://{named}"),
            Memcached::Installed(installed) => format!("memcache://{}", installed.address()),
            Memcached::BuiltIn(built_in) => built_in.url(),
        }
    }

    /// A sentence for the user: which one it is, and why.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Memcached::Named(_) => format!("using the memcached at {}", self.url()),
            Memcached::Installed(installed) => {
                format!("started the installed memcached on {}", installed.address())
            }
            Memcached::BuiltIn(_) => {
                "the built-in memcached stands in: none is named or installed".into()
            }
        }
    }

    /// Whether this is the small one in this process, which a user should be told.
    #[must_use]
    pub fn stands_in(&self) -> bool {
        matches!(self, Memcached::BuiltIn(_))
    }
}

impl BuiltIn<Memory> {
    /// Starts a small memcached: the meta commands, `version`, `flush_all` and `quit`, as version
    /// 1.6.18 answers them. It evicts nothing and has one thread a connection, so it is for
    /// programs and tests.
    pub fn memcached() -> Result<Self> {
        BuiltIn::start(Memory::default())
    }

    /// Its address as a URL, `memcache://127.0.0.1:11211`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("memcache://{}", self.address())
    }

    /// Puts its clock forward, so that a test sees items expire without waiting.
    pub fn advance(&self, time: Duration) {
        self.protocol().advance(time);
    }
}
