//! The servers that a store is spread over, and their addresses.

use std::time::Duration;

use memcache::exp::{MetaClient, Rendezvous, Router};

use super::marks::Marks;
use crate::error::{Error, Result};

/// The port that memcached listens on.
const PORT: u16 = 11211;

/// The servers. Each key has its own (rendezvous hashing), so if one is lost, only its keys are.
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
    /// No connection is opened yet.
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

    /// The server that has the key.
    pub(super) fn of(&self, wire: &str) -> &Server {
        match self.servers.as_slice() {
            [only] => only,
            all => &all[Rendezvous::default().route(wire.as_bytes(), &self.addresses)],
        }
    }

    pub(super) fn all(&self) -> &[Server] {
        &self.servers
    }

    pub(super) fn addresses(&self) -> &[String] {
        &self.addresses
    }
}

/// `memcache://host:port`, `host:port` or `host`; several with `;` between them, as in Beaker.
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
}
