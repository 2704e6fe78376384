//! Serves an [`App`] with the crate `tiny_http`: for learning, for tools, and behind a proxy.
//!
//! That crate has seen no change since 2023. It is plain to read, but it stops accepting when the
//! system runs out of file descriptors; here it begins anew. A visitor who has vanished is noticed
//! after a while; one who is there and says nothing holds a thread for as long as it likes, and
//! few keep-alive connections are served at once. A proxy in front evens all of that out.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::{App, Request, Response};
use crate::clock::{Clock, SystemClock};
use crate::error::{Error, ErrorKind, Result};

/// Requests with a larger body are answered with status 413.
const LARGEST_BODY: usize = 1024 * 1024;

/// A visitor who takes nothing for so long, or gives no sign of life, has vanished.
const PATIENCE: Duration = Duration::from_secs(30);

/// So many servers are kept, of which all but one have stopped accepting.
const MOST_SERVERS: usize = 16;

/// After a connection could not be accepted, the next try comes so much later.
const PAUSE: Duration = Duration::from_millis(100);

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
            for _ in 0..self.workers {
                scope.spawn(|| front.work(&app, &self.stop));
            }
        });
        Ok(())
    }
}

/// What the workers take requests from.
struct Front {
    listener: TcpListener,
    /// The last one accepts connections. Those before it accept no more, but their connections may
    /// still bring requests.
    servers: Mutex<VecDeque<Arc<tiny_http::Server>>>,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

impl Front {
    fn new(listener: TcpListener) -> Result<Front, Failure> {
        let server = Arc::new(tiny_http::Server::from_listener(listener.try_clone()?, None)?);
        Ok(Front { listener, servers: Mutex::new(VecDeque::from([server])) })
    }

    fn work(&self, app: &impl App, stop: &Stop) {
        const LOOK_UP: Duration = Duration::from_millis(50);
        while !stop.is_asked_for() {
            let mut servers = self.servers().clone();
            let Some(accepting) = servers.pop_back() else { return };
            if let Some(request) = servers.iter().find_map(|server| server.try_recv().ok()?) {
                answer(request, app);
                continue;
            }
            match accepting.recv_timeout(LOOK_UP) {
                Ok(Some(request)) => answer(request, app),
                Ok(None) => {}
                // One worker is told that it accepts no more, and sees to the next.
                Err(error) => {
                    eprintln!("beaker: could not accept a connection: {error}");
                    self.begin_anew(stop);
                }
            }
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

fn answer(mut received: tiny_http::Request, app: &impl App) {
    let response = match read(&mut received) {
        Ok(mut request) => match catch_unwind(AssertUnwindSafe(|| app.call(&mut request))) {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => {
                eprintln!("beaker: {} {}: {error:?}", request.method(), request.uri());
                status(500, "the server could not answer this request")
            }
            Err(_) => status(500, "the server could not answer this request"),
        },
        Err((code, why)) => status(code, why),
    };
    let (parts, body) = response.into_parts();
    let headers = parts.headers.iter().filter_map(|(name, value)| {
        tiny_http::Header::from_bytes(name.as_str(), value.as_bytes()).ok()
    });
    let status = tiny_http::StatusCode(parts.status.as_u16());
    let length = Some(body.len());
    let answer = tiny_http::Response::new(status, headers.collect(), body.as_slice(), length, None);
    // It fails when the visitor has gone, and nobody is left to tell.
    let _ = received.respond(answer);
}

/// The request in the types of `http`; a status and a reason if it has no form in them, or is too
/// large.
fn read(received: &mut tiny_http::Request) -> Result<Request, (u16, &'static str)> {
    let mut request =
        http::Request::builder().method(received.method().as_str()).uri(received.url());
    for header in received.headers() {
        request = request.header(header.field.as_str().as_str(), header.value.as_str());
    }
    let mut body = Vec::new();
    let limited = received.as_reader().take(LARGEST_BODY as u64 + 1);
    if { limited }.read_to_end(&mut body).is_err() {
        return Err((400, "the request's body broke off"));
    }
    if body.len() > LARGEST_BODY {
        return Err((413, "the request's body is too large"));
    }
    request.body(body).map_err(|_| (400, "this is no request that can be answered"))
}

fn status(code: u16, why: &str) -> Response {
    let mut response = super::text(why);
    *response.status_mut() = http::StatusCode::from_u16(code).unwrap_or_default();
    response
}
