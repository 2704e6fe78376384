//! The servers of a store, their addresses, and what was cleared on each.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use memcache::exp::{MetaClient, Rendezvous, Router};

use crate::error::{Error, Result};
use crate::key::Namespace;

/// The default port of memcached.
const PORT: u16 = 11211;

/// The servers. Each key belongs to one of them (rendezvous hashing), so the loss of a server loses only
/// its keys.
pub(super) struct Pool {
    addresses: Vec<String>,
    servers: Vec<Server>,
}

/// One of the servers.
pub(super) struct Server {
    pub(super) address: String,
    pub(super) client: MetaClient,
    pub(super) marks: Marks,
}

impl Pool {
    /// Creates the pool without opening a connection.
    pub(super) fn new(url: &str, deadline: Duration) -> Result<Pool> {
        let addresses = addresses(url)?;
        let server = |address: &String| {
            let builder = MetaClient::builder()
                .connect_timeout(Some(deadline))
                .io_timeout(Some(deadline))
                .max_idle(32);
            let client = builder.connect(address).map_err(|error| {
                Error::config(format!("`{address}` names no memcached server")).caused_by(error)
            })?;
            Ok(Server { address: address.clone(), client, marks: Marks::default() })
        };
        let servers = addresses.iter().map(server).collect::<Result<_>>()?;
        Ok(Pool { addresses, servers })
    }

    /// Returns the server that has the key.
    pub(super) fn of(&self, wire: &str) -> &Server {
        match self.servers.as_slice() {
            [only] => only,
            all => &all[Rendezvous::default().route(wire.as_bytes(), &self.addresses)],
        }
    }

    /// Returns the server on which the client `python-memcached` has the key, if all of them are up.
    #[cfg(feature = "python")]
    pub(super) fn of_python(&self, wire: &str) -> &Server {
        let hash = (crc32fast::hash(wire.as_bytes()) >> 16) & 0x7fff;
        &self.servers[hash as usize % self.servers.len()]
    }

    pub(super) fn all(&self) -> &[Server] {
        &self.servers
    }

    pub(super) fn addresses(&self) -> &[String] {
        &self.addresses
    }
}

/// Parses `memcache://host:port`, `host:port` or `host`; several with `;` between them, as in Beaker.
fn addresses(url: &str) -> Result<Vec<String>> {
    let wrong = |part: &str| {
        Error::config(format!(
            "`{part}` in the url `{url}` is no memcached address; \
             write `host:port`, and `;` between several"
        ))
    };
    let parts = url.split(';').map(str::trim).filter(|part| !part.is_empty());
    let address = |part: &str| {
        let place = part.split_once("://").map_or(part, |(_, place)| place).trim_end_matches('/');
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !host.ends_with(':') => {
                (host, port.parse().map_err(|_| wrong(part))?)
            }
            _ => (place, PORT),
        };
        let scheme =
            part.split_once("://").is_none_or(|(s, _)| ["memcache", "memcached"].contains(&s));
        let plain = !host.is_empty() && !host.contains(['/', '?', '@', ' ']);
        if scheme && plain { Ok(format!("{host}:{port}")) } else { Err(wrong(part)) }
    };
    let addresses = parts.map(address).collect::<Result<Vec<_>>>()?;
    if addresses.is_empty() { Err(wrong("")) } else { Ok(addresses) }
}

/// How long a mark is cached.
const BELIEVED: Duration = Duration::from_secs(1);

/// The marks of cleared namespaces on one server, as far as this process knows them.
///
/// Reading the mark with every value would take a second command, so it is cached for a moment. A `clear`
/// by another process becomes visible that much later, and one by this process at once.
#[derive(Default)]
pub(super) struct Marks(Mutex<State>);

/// Guarded by the mutex. No command is sent while it is held.
#[derive(Default)]
struct State {
    known: HashMap<Namespace, Known>,
    /// How often everything was forgotten.
    epoch: Epoch,
}

struct Known {
    mark: Mark,
    /// On a clock that does not follow changes of the time of day.
    read_at: Duration,
}

/// The mark of the last `clear` of a namespace, if there was one.
pub(super) type Mark = Option<Cleared>;

/// Identifies a `clear`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cleared {
    /// The `cas` number of the mark; everything written before has a smaller one.
    pub(super) cas: u64,
    /// 1 to 127: one more than that of the `clear` before, and 1 after 127.
    pub(super) turn: u8,
}

impl Cleared {
    const TURNS: u8 = 127;

    /// Parses the value of a mark. Earlier versions of this library wrote a 1.
    pub(super) fn read(cas: u64, value: &[u8]) -> Cleared {
        let turn = value.first().map_or(1, |turn| (*turn).clamp(1, Cleared::TURNS));
        Cleared { cas, turn }
    }

    /// Returns the value of the next mark.
    pub(super) fn next(mark: Mark) -> [u8; 1] {
        [mark.map_or(0, |mark| mark.turn) % Cleared::TURNS + 1]
    }
}

/// The epoch when a command was sent. Its answer is ignored if everything was forgotten since.
type Epoch = u64;

impl Marks {
    /// Returns the mark, if it was read recently.
    pub(super) fn get(&self, namespace: &Namespace, now: Duration) -> Option<Mark> {
        let state = self.state();
        let known = state.known.get(namespace)?;
        (now.saturating_sub(known.read_at) < BELIEVED).then_some(known.mark)
    }

    pub(super) fn epoch(&self) -> Epoch {
        self.state().epoch
    }

    /// Notes a mark that was read by a command sent at this time, in this epoch.
    pub(super) fn note(&self, namespace: &Namespace, mark: Mark, read_at: Duration, epoch: Epoch) {
        let mut state = self.state();
        if state.epoch == epoch {
            state.known.insert(namespace.clone(), Known { mark, read_at });
        }
    }

    /// Forgets all marks after a `clear` and after an error, because the server may have been restarted and
    /// count from the beginning.
    pub(super) fn forget(&self) {
        let mut state = self.state();
        state.known.clear();
        state.epoch += 1;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        assert_eq!(addresses("memcache://10.0.0.1:1234").unwrap(), ["10.0.0.1:1234"]);
        assert_eq!(addresses("a; b:2 ;").unwrap(), ["a:11211", "b:2"]);
        assert_eq!(addresses("[::1]:7").unwrap(), ["[::1]:7"]);
        for wrong in ["", ";", "redis://a:1", "a:port", "a:99999", ":5", "a b:1", "u@h:1"] {
            let message = addresses(wrong).unwrap_err().to_string();
            assert!(message.contains(&format!("`{wrong}`")), "{message}");
        }
    }

    #[test]
    fn a_mark_is_believed_for_a_moment_and_not_across_a_clear() {
        let (marks, namespace) = (Marks::default(), Namespace::new("n"));
        let at = Duration::from_micros;
        assert_eq!(marks.get(&namespace, at(0)), None);
        let (before, mark) = (marks.epoch(), Some(Cleared { cas: 7, turn: 1 }));
        marks.note(&namespace, mark, at(0), before);
        assert_eq!(marks.get(&namespace, at(999_999)), Some(mark));
        assert_eq!(marks.get(&namespace, at(1_000_000)), None);
        assert_eq!(marks.get(&Namespace::default(), at(0)), None);
        marks.forget();
        assert_eq!(marks.get(&namespace, at(0)), None);
        // An answer that was under way during the clear comes too late.
        marks.note(&namespace, mark, at(0), before);
        assert_eq!(marks.get(&namespace, at(0)), None);
    }
}
