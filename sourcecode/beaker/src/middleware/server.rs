//! Serves an [`App`] with the crate `tiny_http`: for learning, for tools, and behind a proxy.
//!
//! That crate has seen no change since 2023. It is plain to read, but it has no time-outs and does
//! not recover when the system runs out of file descriptors; here it gets both. Its pool of threads
//! still serves few keep-alive connections at once, which a proxy in front evens out.

use std::io::Read;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::{App, Request, Response};
use crate::clock::{Clock, SystemClock};
use crate::error::{Error, ErrorKind, Result};

/// Requests with a larger body are answered with status 413.
const LARGEST_BODY: usize = 1024 * 1024;

/// A connection on which nothing comes, or nothing can be sent, for so long is closed.
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
        // Connections inherit these from the socket that accepts them.
        let socket = socket2::SockRef::from(&listener);
        let patience = socket
            .set_read_timeout(Some(PATIENCE))
            .and_then(|()| socket.set_write_timeout(Some(PATIENCE)));
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
        while !self.stop.is_asked_for() {
            let listener = self.listener.try_clone();
            let listener = listener.map_err(|error| unserved(error.into()))?;
            let http = tiny_http::Server::from_listener(listener, None).map_err(unserved)?;
            thread::scope(|scope| {
                for _ in 0..self.workers {
                    scope.spawn(|| work(&http, &app, &self.stop));
                }
            });
            // The workers end when they are to stop, and when no connection can be accepted, as
            // without free file descriptors. Then it begins anew after a moment.
            if !self.stop.is_asked_for() {
                SystemClock.sleep(Duration::from_millis(100));
            }
        }
        Ok(())
    }
}

fn unserved(cause: Box<dyn std::error::Error + Send + Sync>) -> Error {
    Error::new(ErrorKind::Unavailable, "could not serve on the listening socket").caused_by(cause)
}

fn work(http: &tiny_http::Server, app: &impl App, stop: &Stop) {
    const LOOK_UP: Duration = Duration::from_millis(50);
    while !stop.is_asked_for() {
        match http.recv_timeout(LOOK_UP) {
            Ok(Some(request)) => answer(request, app),
            Ok(None) => {}
            Err(error) => {
                eprintln!("beaker: could not accept a connection: {error}");
                // One worker is told; the others find out here.
                (0..64).for_each(|_| http.unblock());
                return;
            }
        }
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
