//! redis, one server or a cluster. Shared across hosts; kept over a restart if the server is told to
//! write to disk. The server removes what has expired, to the millisecond by its own clock; whether
//! something makes room when its memory is full is for its `maxmemory-policy` to say.

mod address;
#[cfg(feature = "redis-async")]
mod asynchronous;
mod batch;
mod channel;
mod clear;
mod cluster;
mod command;
mod connection;
mod deadline;
mod encryption;
mod failure;
mod image;
mod map;
mod names;
mod reply;
mod run;
mod script;
mod server;
mod servers;
mod slots;
mod socket;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::{Precondition, Put, Store, Stored, Version};
use crate::clock::{Clock, SystemClock};
use crate::error::Result;
use crate::key::{Key, Namespace};
#[cfg(feature = "redis-async")]
pub use asynchronous::AsyncRedisStore;
use command::{Command, Writing};
use failure::Failure;
use names::{prefix, wire};
use servers::Servers;

/// The most that redis keeps in one value, 512 MB, less the version.
const LARGEST_VALUE: usize = 512 * 1024 * 1024 - image::VERSION;

/// What lives longer than this, some 30,000 years, lives for ever.
const LONGEST_TTL: u128 = 1_000_000_000_000_000;

/// Values in a redis server (version 4 or later) or a redis cluster.
///
/// Each operation is one round trip, `clear` aside: that looks through all keys of a server, in
/// steps, and its deadline is for each step. Every key begins with `beaker:`, so that others may
/// use the same server.
///
/// A cluster whose servers have `cluster-require-full-coverage no` goes on with the keys of the
/// other masters when one is lost; by default, it refuses all keys then.
pub struct RedisStore {
    servers: Servers,
    deadline: Duration,
    clock: Arc<dyn Clock>,
    damaged: AtomicU64,
}

impl RedisStore {
    /// A store on the server at this URL: `redis://user:password@host:port/database`, of which
    /// only the host is needed. Connections are opened when they are needed. Each operation ends
    /// within `deadline`, or is an error; looking up a host's name is not counted.
    ///
    /// With `rediss://` (feature `redis-tls`) it is over TLS, and the server's certificate must be for
    /// that host and signed by an authority that the system trusts. Parameters of the URL, named as
    /// redis-py does, name files in PEM, which are read once: `?ssl_ca_certs=` the authorities to
    /// trust in place of the system's, and `&ssl_certfile=` and `&ssl_keyfile=` a certificate of ours
    /// with its key, for servers that ask for one.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` for what is no such URL, and for a file that cannot be read or used.
    pub fn open(url: &str, deadline: Duration) -> Result<RedisStore> {
        Ok(RedisStore::on(Servers::one(url)?, deadline))
    }

    /// A store on a cluster. Some of its servers are named, with `,` or `;` between them; they
    /// tell of the others.
    pub fn open_cluster(urls: &str, deadline: Duration) -> Result<RedisStore> {
        Ok(RedisStore::on(Servers::cluster(urls)?, deadline))
    }

    fn on(servers: Servers, deadline: Duration) -> RedisStore {
        let clock = Arc::new(SystemClock);
        RedisStore { servers, deadline, clock, damaged: AtomicU64::new(0) }
    }

    /// Counts deadlines by another clock than the system's, as time that passes there
    /// ([`Clock::monotonic`]). Times to live are the server's to count.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> RedisStore {
        self.clock = clock;
        self
    }
}

impl Store for RedisStore {
    fn get(&self, key: &Key) -> Result<Option<Stored>> {
        let wire = wire(key);
        let failed = |failure: Failure| failure.named(&format!("could not read {key:?}"));
        let answer = self.run(&wire, &Command::get(&wire));
        answer.and_then(|answer| self.stored(answer)).map_err(failed)
    }

    fn put(
        &self,
        key: &Key,
        bytes: &[u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>> {
        let writing = Writing::new(&Put { key, bytes, ttl }, when)?;
        let done = self.run(&writing.wire, &writing.command());
        let done = done
            .and_then(|answer| writing.is_done(&answer).ok_or_else(|| self.unexpected()))
            .map_err(|failure| failure.named(&format!("could not write {key:?}")))?;
        Ok(done.then_some(writing.version))
    }

    fn delete(&self, key: &Key, when: Precondition) -> Result<bool> {
        if when == Precondition::Absent {
            return Ok(false);
        }
        let (wire, old) = (wire(key), command::old(when));
        self.run(&wire, &Command::delete(&wire, old.as_ref()))
            .and_then(|answer| command::truth(&answer).ok_or_else(|| self.unexpected()))
            .map_err(|failure| failure.named(&format!("could not delete {key:?}")))
    }

    fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>> {
        self.get_batch(keys)
    }

    fn put_many(&self, puts: &[Put<'_>]) -> Result<()> {
        self.put_batch(puts)
    }

    fn delete_many(&self, keys: &[Key]) -> Result<()> {
        self.delete_batch(keys)
    }

    fn clear(&self, namespace: &Namespace) -> Result<()> {
        let pattern = format!("{}*", prefix(namespace));
        let done = self.servers.all(&self.deadline());
        let done = done.and_then(|servers| {
            servers.iter().try_for_each(|server| clear::clear(server, &pattern, || self.deadline()))
        });
        done.map_err(|failure| failure.named(&format!("could not clear {namespace:?}")))
    }

    fn damaged(&self) -> u64 {
        self.damaged.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RedisStore").field(&self.servers.addresses()).finish()
    }
}

/// A time to live as redis counts it, never less than was asked for.
fn milliseconds(ttl: Option<Duration>) -> Option<String> {
    let ttl = ttl?.as_nanos().div_ceil(1_000_000).max(1);
    (ttl < LONGEST_TTL).then(|| ttl.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_to_live() {
        let check = |ttl: Option<Duration>, expected: Option<&str>| {
            assert_eq!(milliseconds(ttl).as_deref(), expected);
        };
        check(None, None);
        check(Some(Duration::MAX), None);
        check(Some(Duration::ZERO), Some("1"));
        check(Some(Duration::from_micros(1500)), Some("2"));
        check(Some(Duration::from_secs(1)), Some("1000"));
    }
}
