//! The servers that a store is spread over, and their addresses.

use std::time::Duration;

use memcache::exp::{MetaClient, Rendezvous, Router};

use crate::error::{Error, Result};

/// The port that memcached listens on.
const PORT: u16 = 11211;

/// One client a server. Each key has its server (rendezvous hashing), so if one is lost, only its
/// keys are.
pub(super) struct Pool {
    addresses: Vec<String>,
    clients: Vec<MetaClient>,
}

impl Pool {
    /// No connection is opened yet.
    pub(super) fn new(url: &str, deadline: Duration) -> Result<Pool> {
        let addresses = addresses(url)?;
        let connect = |address: &String| {
            let builder = MetaClient::builder()
                .connect_timeout(Some(deadline))
                .io_timeout(Some(deadline))
                .max_idle(32);
            builder.connect(address).map_err(|error| {
                Error::config(format!("`{address}` names no memcached server")).caused_by(error)
            })
        };
        let clients = addresses.iter().map(connect).collect::<Result<_>>()?;
        Ok(Pool { addresses, clients })
    }

    /// The server that has the key.
    pub(super) fn of(&self, wire: &str) -> Server<'_> {
        let number = match self.clients.len() {
            1 => 0,
            _ => Rendezvous::default().route(wire.as_bytes(), &self.addresses),
        };
        Server { address: &self.addresses[number], client: &self.clients[number] }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = Server<'_>> {
        self.addresses.iter().zip(&self.clients).map(|(address, client)| Server { address, client })
    }

    pub(super) fn addresses(&self) -> &[String] {
        &self.addresses
    }
}

/// One of the servers.
#[derive(Clone, Copy)]
pub(super) struct Server<'a> {
    pub(super) address: &'a str,
    pub(super) client: &'a MetaClient,
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
