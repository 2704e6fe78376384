//! Drives a program that serves web pages, over real HTTP, and writes down what was said.
//!
//! Two visitors, each with cookies of their own: A comes once, B comes once, A comes until it has
//! been there [`VISITS`] times, and B comes again.

mod client;
mod transcript;

use std::error::Error as _;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};

use crate::process::{Event, Process};
use crate::{Error, ErrorKind, Result};
use client::{Exchange, Visitor};

/// How often visitor A comes.
pub const VISITS: usize = 84;

/// How long a program may take to stop when it is asked to.
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// A port of the loopback interface where nobody listens at the moment.
pub fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let address = listener.and_then(|listener| listener.local_addr());
    address.map(|address| address.port()).map_err(Error::system("could not find a free port"))
}

/// Visits a program that was told to serve on this port, stops it, and returns what was said: what
/// the program printed, then the visits.
pub fn visit(name: &str, mut process: Process, port: u16, limit: Duration) -> Result<String> {
    let deadline = Instant::now() + limit;
    let mut printed = Vec::new();
    let seen = see(&mut process, port, deadline, &mut printed);
    printed.extend(process.stop(STOP_LIMIT)?);
    let printed = String::from_utf8_lossy(&printed);
    let (of_a, of_b) = seen.map_err(|error| {
        let message = format!("the program `{name}`: {error}; it printed:\n{printed}");
        Error::new(ErrorKind::Program, message)
    })?;
    Ok(transcript::write(&printed, &of_a, &of_b))
}

fn see(
    process: &mut Process,
    port: u16,
    deadline: Instant,
    printed: &mut Vec<u8>,
) -> Result<(Vec<Exchange>, Vec<Exchange>)> {
    let (mut a, mut b) = (Visitor::new(port, deadline), Visitor::new(port, deadline));
    let mut of_a = vec![first_visit(&mut a, process, deadline, printed)?];
    let mut of_b = vec![b.visit()?];
    while of_a.len() < VISITS {
        of_a.push(a.visit()?);
    }
    of_b.push(b.visit()?);
    Ok((of_a, of_b))
}

/// Comes as soon as the program listens, and not before: a connection without a request would be a
/// visit of its own kind.
fn first_visit(
    visitor: &mut Visitor,
    process: &mut Process,
    deadline: Instant,
    printed: &mut Vec<u8>,
) -> Result<Exchange> {
    loop {
        let refused = match visitor.visit() {
            Err(error) if is_refused(&error) => error,
            seen => return seen,
        };
        match process.next(Instant::now() + Duration::from_millis(2))? {
            Event::Printed(bytes) => printed.extend(bytes),
            Event::Ended(end) => {
                let message = format!("told to serve on port {}, it {end}", visitor.port());
                return Err(Error::new(ErrorKind::Program, message));
            }
            Event::NothingYet if Instant::now() > deadline => return Err(refused),
            Event::NothingYet => {}
        }
    }
}

fn is_refused(error: &Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    cause.is_some_and(|cause| cause.kind() == io::ErrorKind::ConnectionRefused)
}
