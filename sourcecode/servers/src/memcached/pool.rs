//! Several memcached servers on this machine, of which one can be stopped.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::Memory;
use crate::installed::{self, Installed};
use crate::{BuiltIn, Error, Result};

/// Several servers: installed ones, or built-in ones where none is installed. All end when this
/// value goes.
#[derive(Debug)]
pub struct MemcachedPool {
    servers: Vec<Server>,
}

#[derive(Debug)]
enum Server {
    Installed { program: PathBuf, address: SocketAddr, running: Option<Installed> },
    BuiltIn(BuiltIn<Memory>),
}

impl MemcachedPool {
    /// Starts so many, each on a free port of the loopback interface.
    pub fn start(count: usize) -> Result<MemcachedPool> {
        let servers = (0..count).map(|_| Server::start()).collect::<Result<_>>()?;
        Ok(MemcachedPool { servers })
    }

    /// Their addresses, `127.0.0.1:11211` and the like.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.servers.iter().map(Server::address).collect()
    }

    /// All of them, as `ext:memcached` takes it: with `;` between them.
    pub fn url(&self) -> String {
        let addresses = self.addresses();
        addresses.iter().map(SocketAddr::to_string).collect::<Vec<_>>().join(";")
    }

    /// Ends one of them, with all that it holds.
    pub fn stop(&mut self, number: usize) {
        match &mut self.servers[number] {
            Server::Installed { running, .. } => *running = None,
            Server::BuiltIn(server) => server.stop(),
        }
    }

    /// Starts it again, empty, on the same port.
    pub fn start_again(&mut self, number: usize) -> Result<()> {
        match &mut self.servers[number] {
            Server::Installed { program, address, running } => {
                *running = Some(Installed::memcached_on(program, *address)?);
                Ok(())
            }
            Server::BuiltIn(server) => server.start_again(),
        }
    }
}

impl Server {
    fn start() -> Result<Server> {
        match installed::find("memcached") {
            Some(program) => {
                let running = Installed::memcached(&program)?;
                let address = running.address();
                Ok(Server::Installed { program, address, running: Some(running) })
            }
            None if crate::required() => Err(Error::new(
                "several memcached servers are required and none is installed: \
                 apt-get install memcached",
            )),
            None => BuiltIn::memcached().map(Server::BuiltIn),
        }
    }

    fn address(&self) -> SocketAddr {
        match self {
            Server::Installed { address, .. } => *address,
            Server::BuiltIn(server) => server.address(),
        }
    }
}
