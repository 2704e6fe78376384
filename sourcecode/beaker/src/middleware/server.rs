//! Serves an [`App`] on a [`tiny_http::Server`]: for learning, for tools, and behind a proxy.

use std::collections::VecDeque;
use std::io::{self, Cursor, Read, Write};
use std::net::{
    IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs,
};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Weak};
use std::time::Duration;
use std::{fmt, fs, mem, thread};

use http::header::{CONNECTION, CONTENT_LENGTH, EXPECT, HOST, TRANSFER_ENCODING};
use http::{StatusCode, Version};
use tiny_http::{HTTPVersion, Header};

use super::log::{Asked, log};
use super::{App, PeerAddress, Request, Response, text};
use crate::error::{Error, ErrorKind, Result};

/// Larger heads are refused with status 431, and so are more headers than this.
const HEAD_LIMIT: usize = 64 * 1024;
const HEADERS_LIMIT: usize = 100;

/// tiny_http has read a body up to this length before it gives the request away.
const READ_AHEAD: usize = 1024;

/// A body over the limit is read and thrown away if it claims no more than this.
const DISCARD_LIMIT: usize = 16 * 1024 * 1024;

/// A larger answer leaves on a thread of its own, since its visitor may be slow.
const LARGE_ANSWER: usize = 64 * 1024;

/// How long one write may wait for a visitor who takes nothing.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// How often to look after tiny_http, and how soon to try again if it cannot be started.
const LOOK_EVERY: Duration = Duration::from_millis(250);
const RETRY_AFTER: Duration = Duration::from_millis(250);

/// The number of checks that find waiting connections after which the accepting thread counts as dead.
const LOOKS: u32 = 4;

/// How many connections that wait for a thread are given one in a look, at most.
const KNOCKS: usize = 1000;

/// How many file descriptors must be free before tiny_http is started again.
const SPARE: usize = 8;

/// How many `tiny_http::Server`s that accept no more are kept for their connections.
const EARLIER: usize = 4;

/// A simple HTTP/1.1 server for an [`App`].
///
/// It is built on [`tiny_http`], and adds what an [`App`] needs: worker threads, a limit on the size of
/// bodies, a graceful shutdown, and status 500 for errors and panics. It is meant for learning and for tools,
/// like Python's `wsgiref`.
///
/// ```
/// use beaker::middleware::{Request, Server, text};
///
/// # fn main() -> beaker::Result<()> {
/// let server = Server::bind("127.0.0.1:0")?;
/// let (address, handle) = (server.address(), server.shutdown_handle());
/// let running = std::thread::spawn(move || {
///     server.run(|request: &mut Request| Ok(text(request.uri().path())))
/// });
/// println!("Serving at http://{address}");
/// handle.shutdown();
/// running.join().expect("the server does not panic")?;
/// # Ok(())
/// # }
/// ```
///
/// # What it withstands
///
/// - Each connection is read on its own thread, a body over 1 KiB is received on another one, and a response
///   over 64 KiB is sent on yet another one. A silent or slow client therefore costs threads but does not
///   delay other clients.
/// - A body over the [limit](Server::body_limit) gets status 413 and is never allocated. A body without a
///   `Content-Length` gets 411, because tiny_http cannot tell a truncated chunked body from a complete one. A
///   head over 64 KiB or with more than 100 headers gets 431. A malformed `Content-Length`, two that differ,
///   and no `Host` header or two of them get 400.
/// - A client that stops reading its response is dropped after 10 to 20 seconds (on Unix).
/// - A process that has run out of file descriptors accepts connections again when some are free (on Unix).
///
/// # What it does not withstand
///
/// tiny_http has no time limit for a head or a body, and no limit on the length of a head while it arrives.
/// Anybody who can open connections can therefore exhaust it:
///
/// - A connection that sends nothing, or half a head, stays open until its client closes it. It costs a
///   thread and two descriptors, so a process with the usual 1,024 descriptors has room for about 500
///   connections.
/// - A head without an end fills the memory byte for byte. So do requests that are sent without waiting for
///   responses, at about 1 KB each. A client that does not read its responses occupies workers.
/// - When tiny_http drops a request, it allocates as many bytes as the `Content-Length` claims, and an
///   allocation that the system refuses would end the process. A request that claims more than 16 MiB is
///   therefore never dropped: its connection is kept until the process ends, with one thread, two descriptors
///   and about 20 KB. After about 500 such requests no descriptors are left, and no connection is accepted
///   until the process is restarted. Their number is logged at each doubling. A request of HTTP/2.0 costs the
///   same inside tiny_http.
/// - A response stays in memory until its client has read it or was dropped, so 100 clients that ask for 20
///   MB and do not read them cost 2 GB.
/// - If many connections arrive at the same moment, some of them wait a quarter of a second for a thread
///   (longer on systems without `/proc`).
/// - Headers that are not ASCII are refused: in a request by closing the connection, in a response by status
///   500.
///
/// On the open internet, put a proxy with these limits in front, or serve the application with hyper and a
/// `SessionLayer` (feature `tower`).
#[must_use]
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    workers: usize,
    body_limit: usize,
    grace: Duration,
    handle: ShutdownHandle,
    events: Receiver<Event>,
}

/// Stops a [`Server`] from another thread.
#[derive(Debug, Clone)]
pub struct ShutdownHandle(Sender<Event>);

#[derive(Debug)]
enum Event {
    Shutdown,
    /// tiny_http accepts no more connections.
    AcceptFailed(io::Error),
}

impl ShutdownHandle {
    /// Makes [`Server::run`] return as soon as all requests that have arrived are answered, or when its
    /// [grace](Server::grace) period is over. This call itself returns at once.
    pub fn shutdown(&self) {
        // Without a receiver the server has ended already.
        let _ = self.0.send(Event::Shutdown);
    }
}

impl Server {
    /// Starts listening at an address such as `127.0.0.1:8000`. With port 0 the system picks a free one.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` if the address is in use, or is not one of this machine.
    pub fn bind(address: impl ToSocketAddrs + fmt::Debug) -> Result<Server> {
        let listening = TcpListener::bind(&address).and_then(|listener| {
            limit_writes(&listener)?;
            Ok((listener.local_addr()?, listener))
        });
        let (bound, listener) = listening.map_err(|error| {
            let what = format!("could not listen at {address:?}");
            Error::config(what + "; stop what listens there, or choose another port")
                .caused_by(error)
        })?;
        let (sender, events) = mpsc::channel();
        Ok(Server {
            listener,
            address: bound,
            workers: 16,
            body_limit: 1024 * 1024,
            grace: Duration::from_secs(3),
            handle: ShutdownHandle(sender),
            events,
        })
    }

    /// Sets the number of requests that the application answers at the same time. Default: 16; at least 1.
    pub fn workers(mut self, workers: usize) -> Server {
        self.workers = workers.max(1);
        self
    }

    /// Sets the maximum size of a request's body, in bytes. Default: 1 MiB.
    pub fn body_limit(mut self, bytes: usize) -> Server {
        self.body_limit = bytes;
        self
    }

    /// Sets how long running requests may take to complete after a [shutdown](ShutdownHandle::shutdown).
    /// Default: 3 seconds.
    pub fn grace(mut self, grace: Duration) -> Server {
        self.grace = grace;
        self
    }

    /// Returns the address at which the server listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns a handle that stops the server.
    #[must_use]
    pub fn shutdown_handle(&self) -> ShutdownHandle {
        self.handle.clone()
    }

    /// Serves the application until it is [shut down](ShutdownHandle::shutdown).
    ///
    /// An error or a panic of the application answers that one request with status 500, without details. The
    /// error is reported as an event of `tracing`, or on standard error.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Application` if requests had not completed when the grace period was over. They are cut
    /// off when the process ends.
    pub fn run(self, app: impl App + 'static) -> Result<()> {
        let (running, ended) = mpsc::channel();
        let (body_limit, events) = (self.body_limit, self.handle.0.clone());
        let site = Arc::new(Site { app, body_limit, events, kept: AtomicU64::new(0) });
        let mut listening: VecDeque<Arc<tiny_http::Server>> = VecDeque::new();
        loop {
            let event = match self.listen(&site, &running) {
                Ok(server) => {
                    listening.push_back(server);
                    self.wait()
                }
                Err(error) => Event::AcceptFailed(error),
            };
            let Event::AcceptFailed(error) = event else { break };
            let what = format!("could not accept connections at {}; trying again", self.address);
            log("serving", None, &Error::new(ErrorKind::Unavailable, what).caused_by(error));
            // Their connections live on, and their workers answer them.
            if listening.len() > EARLIER
                && let Some(earliest) = listening.pop_front()
            {
                self.end(&earliest);
            }
            if let Ok(Event::Shutdown) = self.events.recv_timeout(RETRY_AFTER) {
                break;
            }
        }
        listening.iter().for_each(|server| self.end(server));
        drop(running);
        let ended = ended.recv_timeout(self.grace);
        // What has come since over connections that were open: tiny_http would answer it with status 500.
        for server in &listening {
            while let Ok(Some(request)) = server.try_recv() {
                site.refuse(request, Refusal(503, "the server is being shut down"));
            }
        }
        // Before tiny_http ends, which connects to itself then: without a listener it cannot wait.
        drop(self.listener);
        match ended {
            Err(RecvTimeoutError::Timeout) => {
                let what = format!("requests were still being answered {:?} after", self.grace);
                Err(Error::new(ErrorKind::Application, what + " the server was shut down"))
            }
            _ => Ok(()),
        }
    }

    /// Starts a `tiny_http::Server`, and the workers that answer what arrives at it.
    fn listen<A: App + 'static>(
        &self,
        site: &Arc<Site<A>>,
        running: &Running,
    ) -> io::Result<Arc<tiny_http::Server>> {
        let spare: io::Result<Vec<_>> = (0..SPARE).map(|_| self.listener.try_clone()).collect();
        let listener = spare?.swap_remove(0);
        let server = tiny_http::Server::from_listener(listener, None).map_err(io::Error::other)?;
        let server = Arc::new(server);
        let started = (0..self.workers).try_for_each(|_| {
            let (site, server) = (site.clone(), Arc::downgrade(&server));
            start(running, move |running| site.work(&server, running))
        });
        if started.is_err() {
            self.end(&server);
        }
        started.map(|()| server)
    }

    /// Lets the workers end when they have answered what has arrived.
    fn end(&self, server: &tiny_http::Server) {
        (0..self.workers).for_each(|_| server.unblock());
    }

    /// The next thing that happens. Meanwhile it looks after tiny_http, which does not say when its
    /// accepting thread has panicked: then connections wait that nobody accepts.
    fn wait(&self) -> Event {
        let mut looks = 0;
        loop {
            if let Ok(event) = self.events.recv_timeout(LOOK_EVERY) {
                return event;
            }
            looks = if has_pending(&self.listener) { looks + 1 } else { 0 };
            if looks == LOOKS {
                return Event::AcceptFailed(io::Error::other("tiny_http has stopped accepting"));
            }
            self.knock();
        }
    }

    /// Gives threads to connections that wait for one. tiny_http takes a thread that it has just
    /// given work for idle, so of connections that come at one moment some are left over until
    /// another one ends. Each that comes here and leaves at once lets one of them in. If there was
    /// none, its thread is used again; if there was, the process has one more.
    fn knock(&self) {
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip(match address.ip() {
                IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        for _ in 0..KNOCKS {
            let before = threads();
            let gone = TcpStream::connect_timeout(&address, LOOK_EVERY).and_then(|mut knock| {
                knock.shutdown(Shutdown::Write)?;
                knock.set_read_timeout(Some(LOOK_EVERY))?;
                knock.read(&mut [0])
            });
            if gone.is_err() || threads() <= before {
                return;
            }
        }
    }
}

/// A thread that holds this is waited for, when the server ends.
type Running = Sender<()>;

/// Starts a thread that the end of the server waits for. Fails, and drops `work`, where the system
/// has none.
fn start(running: &Running, work: impl FnOnce(&Running) + Send + 'static) -> io::Result<()> {
    let running = running.clone();
    thread::Builder::new().spawn(move || work(&running)).map(drop)
}

/// A request that has arrived, and where its answer goes.
struct Exchange {
    to: tiny_http::Request,
    request: Request,
}

/// Why a request is not given to the application.
struct Refusal(u16, &'static str);

/// What all threads of a server need.
struct Site<A> {
    app: A,
    body_limit: usize,
    /// How many connections are kept for claims that tiny_http must not allocate.
    kept: AtomicU64,
    events: Sender<Event>,
}

impl<A: App + 'static> Site<A> {
    fn work(self: &Arc<Self>, server: &Weak<tiny_http::Server>, running: &Running) {
        while let Some(server) = server.upgrade() {
            let received = server.recv();
            drop(server);
            match received {
                Ok(request) => self.admit(request, running),
                // The system's error: the thread that accepts connections has ended with it.
                Err(error) if error.raw_os_error().is_some() => {
                    let _ = self.events.send(Event::AcceptFailed(error));
                }
                // Woken, to end.
                Err(_) => return,
            }
        }
    }

    /// Answers a request. One with a body that is still on the way goes to a thread of its own.
    fn admit(self: &Arc<Self>, to: tiny_http::Request, running: &Running) {
        let (request, length) = match head(&to) {
            Ok(head) => head,
            Err(refusal) => return self.refuse(to, refusal),
        };
        if length > self.body_limit {
            return self.refuse(to, Refusal(413, "the request's body is too large"));
        }
        let mut exchange = Exchange { to, request };
        if length == 0 || length <= READ_AHEAD && !exchange.body_is_asked_for() {
            let _ = exchange.receive(length);
            return self.answer(exchange, running);
        }
        let site = self.clone();
        let _ = start(running, move |running| match exchange.receive(length) {
            true => site.answer(exchange, running),
            false => site.refuse(exchange.to, Refusal(400, "the request's body ended early")),
        });
    }

    fn answer(&self, exchange: Exchange, running: &Running) {
        let Exchange { to, mut request } = exchange;
        let failure = || status(500, "the server could not answer this request");
        let response = match catch_unwind(AssertUnwindSafe(|| self.app.call(&mut request))) {
            Ok(response) => response.and_then(checked).unwrap_or_else(|error| {
                log("the application failed", Some(&Asked::of(&request)), &error);
                failure()
            }),
            Err(_) => failure(),
        };
        if response.body().len() <= LARGE_ANSWER {
            return send(to, response, None);
        }
        let _ = start(running, move |_| send(to, response, None));
    }

    /// Refuses a request. tiny_http reads the rest of its body when it is dropped, and allocates for
    /// that what the body claims: a visitor could end the process.
    fn refuse(&self, to: tiny_http::Request, Refusal(code, why): Refusal) {
        match to.body_length().unwrap_or_default() {
            length if length <= READ_AHEAD => send(to, status(code, why), last_header()),
            length if length <= DISCARD_LIMIT => {
                let discard = move || send(to, status(code, why), last_header());
                let _ = thread::Builder::new().spawn(discard);
            }
            _ => self.keep(to, Refusal(code, why)),
        }
    }

    /// Refuses a request and never drops it: its connection is taken out of tiny_http, with the head
    /// of the answer, and what would read the body is forgotten.
    fn keep(&self, to: tiny_http::Request, Refusal(code, why): Refusal) {
        let last = format!("none\r\nConnection: close\r\nContent-Length: {}", why.len());
        let mut connection = to.upgrade(&last, tiny_http::Response::empty(code));
        let _ = connection.write_all(why.as_bytes()).and_then(|()| connection.flush());
        mem::forget(connection);
        let kept = self.kept.fetch_add(1, Ordering::Relaxed) + 1;
        if kept.is_power_of_two() {
            let what = format!("{kept} connections are kept until the process ends, each with a");
            let what = what + " thread and two descriptors; let a proxy refuse such requests";
            let error = Error::new(ErrorKind::TooLarge, what);
            log("a body was claimed that tiny_http could not allocate", None, &error);
        }
    }
}

fn send(to: tiny_http::Request, response: Response, last: Option<Header>) {
    let (head, body) = response.into_parts();
    let headers = head.headers.iter().filter(|(name, _)| *name != CONTENT_LENGTH);
    let headers = headers.filter_map(|(name, value)| header(name.as_str(), value.as_bytes()));
    let headers = headers.chain(last).collect();
    let (status, length) = (tiny_http::StatusCode(head.status.as_u16()), body.len());
    let response = tiny_http::Response::new(status, headers, Cursor::new(body), Some(length), None);
    // Never in chunks, since the length is known. If it fails, there is nobody to tell.
    let _ = to.respond(response.with_chunked_threshold(usize::MAX));
}

impl Exchange {
    /// Whether tiny_http leaves even a short body on the way.
    fn body_is_asked_for(&self) -> bool {
        let headers = self.request.headers();
        let connection = headers.get_all(CONNECTION).iter();
        let mut connection = connection.map(|value| value.as_bytes().to_ascii_lowercase());
        headers.contains_key(EXPECT)
            || connection.any(|value| value.windows(7).any(|part| part == b"upgrade"))
    }

    /// Takes a body of this length. False if it ends before.
    fn receive(&mut self, length: usize) -> bool {
        let body = self.request.body_mut();
        let taken = match length {
            0 => Ok(0),
            length => self.to.as_reader().take(length as u64).read_to_end(body),
        };
        taken.is_ok_and(|taken| taken == length)
    }
}

/// The request without its body, and the length of that. tiny_http believes the first of several
/// headers, and takes a length that is no number for none, so both are looked at again.
fn head(from: &tiny_http::Request) -> Result<(Request, usize), Refusal> {
    let no_request = |_| Refusal(400, "this is no request that can be answered");
    let headers = from.headers();
    let size = |header: &Header| header.field.as_str().len() + header.value.len();
    if from.url().len() + headers.iter().map(size).sum::<usize>() > HEAD_LIMIT {
        return Err(Refusal(431, "the request's head is too large"));
    }
    if headers.len() > HEADERS_LIMIT {
        return Err(Refusal(431, "there are too many headers"));
    }
    let is_current = *from.http_version() == HTTPVersion(1, 1);
    let mut request = http::Request::builder()
        .method(from.method().as_str())
        .uri(from.url())
        .version(if is_current { Version::HTTP_11 } else { Version::HTTP_10 });
    for header in headers {
        request = request.header(header.field.as_str().as_str(), header.value.as_str());
    }
    let mut request = request.body(Vec::new()).map_err(no_request)?;
    if let Some(peer) = from.remote_addr() {
        request.extensions_mut().insert(PeerAddress::new(*peer));
    }
    match request.headers().get_all(HOST).iter().count() {
        1 => {}
        0 if !is_current => {}
        _ => return Err(Refusal(400, "a request has one Host header")),
    }
    if request.headers().contains_key(TRANSFER_ENCODING) {
        return Err(Refusal(411, "a request's body needs a Content-Length"));
    }
    let mut lengths = request.headers().get_all(CONTENT_LENGTH).iter();
    let Some(length) = lengths.next() else { return Ok((request, 0)) };
    let is_number = !length.is_empty() && length.as_bytes().iter().all(u8::is_ascii_digit);
    if !is_number || lengths.any(|other| other != length) {
        return Err(Refusal(400, "the Content-Length is no number"));
    }
    let length = length.to_str().unwrap_or_default().parse().unwrap_or(usize::MAX);
    Ok((request, length))
}

/// What can be sent. tiny_http sends no other headers than ASCII, and leaves out the body of an answer
/// that is none.
fn checked(response: Response) -> Result<Response> {
    let status = response.status();
    if status.is_informational() {
        let what = format!("the application answered with status {status}, which ends no request");
        return Err(Error::new(ErrorKind::Application, what));
    }
    let mut headers = response.headers().iter();
    match headers.find(|(name, value)| header(name.as_str(), value.as_bytes()).is_none()) {
        None => Ok(response),
        Some((name, _)) => {
            let what = format!("the header `{name}` of an answer is not ASCII; encode it");
            Err(Error::new(ErrorKind::Application, what))
        }
    }
}

fn header(name: &str, value: &[u8]) -> Option<Header> {
    Header::from_bytes(name, value).ok()
}

/// Says that the connection ends. tiny_http lets nobody set this header, and checks no value.
fn last_header() -> Option<Header> {
    header("Cache-Control", b"no-store\r\nConnection: close")
}

/// A response of this status that says why, as plain text.
fn status(code: u16, why: &str) -> Response {
    let mut response = text(why);
    *response.status_mut() =
        StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}

/// How many threads this process has, where the system tells.
fn threads() -> Option<usize> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("Threads:"))?.trim().parse().ok()
}

/// Connections inherit it from what they are accepted by.
#[cfg(unix)]
fn limit_writes(listener: &TcpListener) -> io::Result<()> {
    use rustix::net::sockopt::{Timeout, set_socket_timeout};
    Ok(set_socket_timeout(listener, Timeout::Send, Some(WRITE_TIMEOUT))?)
}

/// Whether a connection waits to be accepted.
#[cfg(unix)]
fn has_pending(listener: &TcpListener) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let mut look = [PollFd::new(listener, PollFlags::IN)];
    poll(&mut look, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
}

#[cfg(not(unix))]
fn limit_writes(_: &TcpListener) -> io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
fn has_pending(_: &TcpListener) -> bool {
    false
}
