//! One connection: a request arrives, the application answers it, the response leaves.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use http::Method;

use super::{request, response};
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::middleware::asked::Asked;
use crate::middleware::log::log;
use crate::middleware::{App, Request, Response};

/// So long a request may take to arrive, and so long a visitor may take nothing of the response.
const PATIENCE: Duration = Duration::from_secs(10);

/// So long a visitor has to take the last of the response before the connection is closed.
const LINGER: Duration = Duration::from_secs(1);

pub(super) fn serve(stream: TcpStream, app: &impl App) {
    let mut visitor = Visitor { stream, until: SystemClock.now() + PATIENCE };
    // Whatever goes wrong with one visitor, the next one is served.
    let _ = catch_unwind(AssertUnwindSafe(|| visitor.exchange(app)));
    let _ = visitor.stream.shutdown(Shutdown::Write);
    visitor.until = visitor.until.min(SystemClock.now() + LINGER);
    visitor.let_go();
}

/// A stream whose reads all end by one time.
struct Visitor {
    stream: TcpStream,
    until: Timestamp,
}

impl Visitor {
    /// Fails when the visitor has gone, or takes too long: there is nobody to tell.
    fn exchange(&mut self, app: &impl App) -> io::Result<()> {
        self.stream.set_write_timeout(Some(PATIENCE))?;
        let (response, method) = match request::read(self)? {
            Ok(mut request) => {
                let method = request.method().clone();
                (call(app, &mut request), method)
            }
            Err(refusal) => (refusal.into(), Method::GET),
        };
        response::write(&mut self.stream, &response, &method)
    }

    /// Takes what the visitor still sends, within reason: a connection that is closed before would
    /// be cut, and the response with it.
    fn let_go(&mut self) {
        let mut rest = [0; 8192];
        for _ in 0..256 {
            match self.read(&mut rest) {
                Ok(1..) => {}
                _ => return,
            }
        }
    }
}

impl Read for Visitor {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.until.since(SystemClock.now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.stream.set_read_timeout(Some(left))?;
        self.stream.read(buffer)
    }
}

impl Write for Visitor {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

fn call(app: &impl App, request: &mut Request) -> Response {
    match catch_unwind(AssertUnwindSafe(|| app.call(request))) {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => {
            log("the application failed", Some(&Asked::of(request)), &error);
            response::status(500, "the server could not answer this request")
        }
        Err(_) => response::status(500, "the server could not answer this request"),
    }
}
