//! What all built-in servers share: a listener, a thread for each connection, and faults.
//!
//! A server is a [`Protocol`], which turns bytes that came into bytes to answer, in a [`BuiltIn`],
//! which moves these bytes.

mod connection;
mod fault;

use std::fmt;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use crate::{Error, Result};
use connection::Connection;
pub use fault::Fault;
use fault::Switch;

/// What a server says to what it is told.
pub trait Protocol: fmt::Debug + Send + Sync + 'static {
    /// Answers the first command of `input`, if it is all there.
    fn answer(&self, input: &[u8], answer: &mut Vec<u8>) -> Progress;

    /// Forgets everything, as a server does that was stopped.
    fn clear(&self);
}

/// How far a [`Protocol`] has come with what was read so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// The command is not complete yet.
    Incomplete,
    /// A command was answered. It took this number of bytes, which may be more than there are yet:
    /// the rest is skipped when it comes.
    Used(usize),
    /// The connection is to be closed.
    Close,
}

/// A server in this process, on a free port of the loopback interface.
#[derive(Debug)]
pub struct BuiltIn<P: Protocol> {
    shared: Arc<Shared<P>>,
    address: SocketAddr,
    acceptor: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared<P> {
    protocol: P,
    switch: Switch,
    /// All connections that were accepted and are not cleared away yet.
    connections: Mutex<Vec<Connection>>,
}

impl<P: Protocol> BuiltIn<P> {
    /// Starts a server that speaks this protocol.
    pub fn start(protocol: P) -> Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let switch = Switch::new();
        let shared = Arc::new(Shared { protocol, switch, connections: Mutex::default() });
        let mut server = BuiltIn { shared, address, acceptor: None };
        server.listen()?;
        Ok(server)
    }

    /// Where it listens. The port stays the same when the server is stopped and started again.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it speaks, and what it holds.
    #[must_use]
    pub fn protocol(&self) -> &P {
        &self.shared.protocol
    }

    /// How many commands were answered since the server was made.
    #[must_use]
    pub fn commands(&self) -> u64 {
        self.shared.switch.commands()
    }

    /// From now on, every connection behaves like this. Commands that a [`Fault::Hang`] holds back
    /// are never answered: their connections are closed.
    pub fn fault(&self, fault: Fault) {
        self.shared.switch.set(fault);
        if fault == Fault::Refuse {
            self.shared.drop_connections();
        }
    }

    /// Closes the port and every connection, and forgets everything. A second call does nothing.
    pub fn stop(&mut self) {
        let Some(acceptor) = self.acceptor.take() else { return };
        self.shared.switch.stop(true);
        // `accept` has no deadline: a connection of our own wakes it, to find that it must stop.
        let _ = TcpStream::connect(self.address);
        let _ = acceptor.join();
        self.shared.drop_connections();
        self.shared.protocol.clear();
    }

    /// Listens again on the same port after [`stop`](Self::stop), without what it held before, and
    /// with the fault that was set last.
    pub fn start_again(&mut self) -> Result<()> {
        if self.acceptor.is_some() { Ok(()) } else { self.listen() }
    }

    fn listen(&mut self) -> Result<()> {
        let failed = |error| {
            let what = format!("could not listen on {} for a built-in server", self.address);
            Error::because(what, error)
        };
        let listener = TcpListener::bind(self.address).map_err(failed)?;
        self.address = listener.local_addr().map_err(failed)?;
        self.shared.switch.stop(false);
        let shared = Arc::clone(&self.shared);
        self.acceptor = Some(thread::spawn(move || shared.accept(&listener)));
        Ok(())
    }
}

impl<P: Protocol> Drop for BuiltIn<P> {
    fn drop(&mut self) {
        self.stop();
    }
}

impl<P: Protocol> Shared<P> {
    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        for stream in listener.incoming() {
            if self.switch.stopped() {
                return;
            }
            // A connection that failed before it was accepted is its client's affair.
            let Ok(stream) = stream else { continue };
            if self.switch.fault() == Fault::Refuse {
                let _ = stream.shutdown(Shutdown::Both);
                continue;
            }
            let mut connections = self.connections();
            connections.retain(|connection| !connection.is_finished());
            connections.extend(Connection::start(stream, Arc::clone(self)));
        }
    }

    fn drop_connections(&self) {
        // Taken out first: the threads that are waited for must not need this lock.
        let connections = std::mem::take(&mut *self.connections());
        connections.into_iter().for_each(Connection::stop);
    }

    fn connections(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
