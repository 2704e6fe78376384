//! The servers that the programs and the tests need.
//!
//! A real server is best: it is named in the environment or installed on the machine. Where there
//! is none, a small built-in one stands in, so that a reader can run everything at once. Tests use
//! the built-in one for a second reason: it can be told to fail in ways that a real one cannot.
//!
//! In reading order:
//!
//! - [`memcached`]: [`Memcached`] finds a memcached for a program, whichever there is, and
//!   [`MemcachedPool`](memcached::MemcachedPool) starts several
//! - [`redis`]: [`Redis`] does the same, [`RedisCluster`](redis::RedisCluster) starts three, and
//!   [`RedisSentinel`](redis::RedisSentinel) a master with its replica and a sentinel
//! - [`postgres`]: [`Postgres`], where it is installed
//! - [`nginx`]: [`Nginx`] before a server of a test, and [`Proxy`](nginx::Proxy) with routes of its own, where it is
//!   installed
//! - [`installed`]: a server that is installed on this machine, started and stopped again
//! - [`macro@needs`]: a test that needs a server which may not be installed
//! - [`built_in`]: what all built-in servers share: connections, threads, [`Fault`]s
//!
//! ```
//! use servers::Memcached;
//!
//! let memcached = Memcached::for_programs()?;
//! println!("{}: {}", memcached.url(), memcached.describe());
//! # Ok::<(), servers::Error>(())
//! ```

pub mod built_in;
mod error;
pub mod installed;
pub mod memcached;
pub mod nginx;
pub mod postgres;
pub mod redis;

pub use built_in::{BuiltIn, Fault};
pub use error::{Error, Result};
pub use memcached::Memcached;
pub use nginx::Nginx;
pub use postgres::Postgres;
pub use redis::Redis;
pub use servers_macros::needs;

/// With this variable set to `1`, a server that is neither named nor installed is an error: on a
/// machine that tests everything, a stand-in would hide that the real one was never tried.
pub const REQUIRE_SERVERS: &str = "BEAKER_REQUIRE_SERVERS";

/// Whether real servers are required, see [`REQUIRE_SERVERS`].
#[must_use]
pub fn required() -> bool {
    std::env::var_os(REQUIRE_SERVERS).is_some_and(|value| value == "1")
}
