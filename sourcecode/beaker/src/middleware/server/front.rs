//! Taking requests from `tiny_http`, and beginning anew when it has stopped accepting.

use std::collections::VecDeque;
use std::io;
use std::net::TcpListener;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Stop;
use super::exchange::answer;
use super::watch::Watch;
use crate::clock::{Clock, SystemClock};
use crate::middleware::App;

/// So many servers are kept, of which all but one have stopped accepting.
const MOST_SERVERS: usize = 16;

/// After a connection could not be accepted, the next try comes so much later.
const PAUSE: Duration = Duration::from_millis(100);

/// What the workers take requests from.
pub(super) struct Front {
    listener: TcpListener,
    /// The last one accepts connections. Those before it accept no more, but their connections may
    /// still bring requests.
    servers: Mutex<VecDeque<Arc<tiny_http::Server>>>,
    watch: Watch,
}

pub(super) type Failure = Box<dyn std::error::Error + Send + Sync>;

impl Front {
    pub(super) fn new(listener: TcpListener) -> Result<Front, Failure> {
        let server = Arc::new(tiny_http::Server::from_listener(listener.try_clone()?, None)?);
        Ok(Front { listener, servers: Mutex::new(VecDeque::from([server])), watch: Watch::new() })
    }

    pub(super) fn work(&self, app: &impl App, stop: &Stop) {
        const LOOK_UP: Duration = Duration::from_millis(50);
        while !stop.is_asked_for() {
            let mut servers = self.servers().clone();
            let Some(accepting) = servers.pop_back() else { return };
            if let Some(request) = servers.iter().find_map(|server| server.try_recv().ok()?) {
                self.answer(request, app);
                continue;
            }
            match accepting.recv_timeout(LOOK_UP) {
                Ok(Some(request)) => self.answer(request, app),
                Ok(None) => {}
                // One worker is told that it accepts no more, and sees to the next.
                Err(error) => {
                    eprintln!("beaker: could not accept a connection: {error}");
                    self.begin_anew(stop);
                }
            }
        }
    }

    fn answer(&self, request: tiny_http::Request, app: &impl App) {
        if self.watch.hears(&request) {
            return;
        }
        self.watch.busy.fetch_add(1, Ordering::Relaxed);
        answer(request, app);
        self.watch.busy.fetch_sub(1, Ordering::Relaxed);
    }

    /// Sees that connections are accepted, until the server is to stop.
    pub(super) fn watch(&self, stop: &Stop) {
        while let Ok(address) = self.listener.local_addr() {
            self.watch.watch(address, stop);
            if stop.is_asked_for() {
                return;
            }
            eprintln!("beaker: connections are not accepted any more; beginning anew");
            self.begin_anew(stop);
        }
    }

    fn begin_anew(&self, stop: &Stop) {
        while !stop.is_asked_for() {
            SystemClock.sleep(PAUSE);
            let Ok(listener) = self.listener_with_room() else { continue };
            if let Ok(server) = tiny_http::Server::from_listener(listener, None) {
                let mut servers = self.servers();
                servers.push_back(Arc::new(server));
                if servers.len() > MOST_SERVERS {
                    servers.pop_front();
                }
                return;
            }
        }
    }

    /// The listening socket, if there are file descriptors left for a few connections.
    fn listener_with_room(&self) -> io::Result<TcpListener> {
        let room = (0..8).map(|_| self.listener.try_clone()).collect::<io::Result<Vec<_>>>()?;
        room.into_iter().next().ok_or_else(|| io::Error::other("no room was asked for"))
    }

    fn servers(&self) -> MutexGuard<'_, VecDeque<Arc<tiny_http::Server>>> {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
