//! Serves an [`App`] over HTTP/1.1: for learning, for tools, and behind a proxy.
//!
//! A few threads accept connections, and each answers one request a connection. Everything has a
//! limit: the time that a request may take to arrive, its head, its body. The crate `httparse` reads
//! the head. (Not `tiny_http`, which is the best known: a visitor can end its process by claiming a
//! long body.)

mod connection;
mod request;
mod response;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::App;
use crate::clock::{Clock, SystemClock};
use crate::error::{Error, Result};

/// After a connection could not be accepted, as without free file descriptors, the next try comes
/// so much later.
const PAUSE: Duration = Duration::from_millis(50);

/// A server that listens.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    workers: usize,
    stop: Stop,
}

/// Stops a server from another thread.
#[derive(Debug, Clone)]
pub struct Stop {
    asked: Arc<AtomicBool>,
    address: SocketAddr,
}

impl Stop {
    /// Lets the requests that are being answered end, then makes [`Server::run`] return. Requests
    /// that are still arriving hold that up until their time is over: ten seconds at most.
    pub fn stop(&self) {
        self.asked.store(true, Ordering::Release);
        self.wake_a_worker();
    }

    fn is_asked_for(&self) -> bool {
        self.asked.load(Ordering::Acquire)
    }

    /// A connection ends the wait for one. Each worker that ends wakes the next.
    fn wake_a_worker(&self) {
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip(match address.ip() {
                IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        let _ = TcpStream::connect_timeout(&address, Duration::from_secs(1));
    }
}

impl Server {
    /// Listens at an address such as `127.0.0.1:8000`. With port 0 the system picks a free one.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` if the address is taken or not ours.
    pub fn bind(address: impl ToSocketAddrs + std::fmt::Debug) -> Result<Server> {
        let listening = TcpListener::bind(&address);
        let listening = listening.and_then(|listener| Ok((listener.local_addr()?, listener)));
        let (address, listener) = listening.map_err(|error| {
            let what = format!("could not listen at {address:?}");
            Error::config(what + "; stop what listens there, or choose another port")
                .caused_by(error)
        })?;
        Ok(Server { listener, workers: 16, stop: Stop { asked: Arc::default(), address } })
    }

    /// How many requests are answered at once; 16 if nothing is said.
    pub fn workers(mut self, workers: usize) -> Server {
        self.workers = workers.max(1);
        self
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.stop.address
    }

    /// What stops it.
    pub fn stopper(&self) -> Stop {
        self.stop.clone()
    }

    /// Serves the application until it is [stopped](Stop::stop).
    ///
    /// An error or a panic of the application answers that one request with status 500; the error is
    /// printed to the standard error output.
    pub fn run(self, app: impl App) {
        thread::scope(|scope| {
            for _ in 0..self.workers {
                scope.spawn(|| self.work(&app));
            }
        });
    }

    fn work(&self, app: &impl App) {
        while !self.stop.is_asked_for() {
            match self.listener.accept() {
                Ok(_) if self.stop.is_asked_for() => {}
                Ok((stream, _)) => connection::serve(stream, app),
                Err(error) => {
                    eprintln!("beaker: could not accept a connection: {error}");
                    SystemClock.sleep(PAUSE);
                }
            }
        }
        self.stop.wake_a_worker();
    }
}
