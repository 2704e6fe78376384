//! Serves an [`App`] with the crate `tiny_http`: for learning, for tools, and behind a proxy.
//!
//! That crate has seen no change since 2023. It is plain to read, but it stops accepting when the
//! system runs out of file descriptors; here it begins anew. A visitor who has vanished is noticed
//! after a while; one who is there and says nothing holds a thread for as long as it likes, and
//! few keep-alive connections are served at once. A proxy in front evens all of that out.

mod exchange;
mod front;
mod watch;

use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use front::Front;

use super::App;
use crate::error::{Error, ErrorKind, Result};

/// A visitor who takes nothing for so long, or gives no sign of life, has vanished.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server that listens.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    workers: usize,
    stop: Stop,
}

/// Stops a server from another thread.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Lets the requests that are being answered end, then makes [`Server::run`] return.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn is_asked_for(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl Server {
    /// Listens at an address such as `127.0.0.1:8000`. With port 0 the system picks a free one.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` if the address is taken or not ours.
    pub fn bind(address: impl ToSocketAddrs + std::fmt::Debug) -> Result<Server> {
        let listener = TcpListener::bind(&address).map_err(|error| {
            let what = format!("could not listen at {address:?}");
            Error::config(what + "; stop what listens there, or choose another port")
                .caused_by(error)
        })?;
        // Connections inherit these from the socket that accepts them. (A time-out for reading would
        // be one for accepting as well.)
        let socket = socket2::SockRef::from(&listener);
        let alive = socket2::TcpKeepalive::new().with_time(PATIENCE);
        let patience = socket.set_write_timeout(Some(PATIENCE));
        let patience = patience.and_then(|()| socket.set_tcp_keepalive(&alive));
        patience.map_err(|error| Error::config("could not set a time-out").caused_by(error))?;
        Ok(Server { listener, workers: 4, stop: Stop::default() })
    }

    /// How many requests are answered at once; 4 if nothing is said.
    pub fn workers(mut self, workers: usize) -> Server {
        self.workers = workers.max(1);
        self
    }

    /// Where it listens.
    pub fn address(&self) -> Result<SocketAddr> {
        let failed = |error| Error::config("the listening socket has no address").caused_by(error);
        self.listener.local_addr().map_err(failed)
    }

    /// What stops it.
    pub fn stopper(&self) -> Stop {
        self.stop.clone()
    }

    /// Serves the application until it is [stopped](Stop::stop).
    ///
    /// A panic of the application answers that one request with status 500.
    pub fn run(self, app: impl App) -> Result<()> {
        let front = Front::new(self.listener).map_err(|cause| {
            let what = "could not serve on the listening socket";
            Error::new(ErrorKind::Unavailable, what).caused_by(cause)
        })?;
        thread::scope(|scope| {
            scope.spawn(|| front.watch(&self.stop));
            for _ in 0..self.workers {
                scope.spawn(|| front.work(&app, &self.stop));
            }
        });
        Ok(())
    }
}
