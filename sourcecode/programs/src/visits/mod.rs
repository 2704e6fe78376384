//! Drives a program that serves web pages, over real HTTP, and writes down what was said.
//!
//! Two visitors, each with cookies of their own: A comes once, B comes once, A comes until it has
//! been there [`VISITS`] times, and B comes again. A program of many pages says itself what its visitors
//! do: see [`walk`].

mod client;
mod page;
mod steps;
mod transcript;

use std::collections::BTreeMap;
use std::error::Error as _;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};

use crate::process::{Event, Process};
use crate::{Error, ErrorKind, Result};
use client::{Exchange, Visitor};
use steps::Step;

/// How often visitor A comes.
pub const VISITS: usize = 84;

/// How often an answer may lead to another page.
const MOST_REDIRECTIONS: usize = 5;

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

/// The same for a program of many pages. Each line says who does what: `A GET /basket` asks for a page, and
/// `A POST /basket article=1` sends a form of the page that A saw last, with the hidden fields that it has.
/// A `+` is a space. Where an answer leads to another page, the visitor goes there. What is written down of a page is
/// its text.
pub fn walk(
    name: &str,
    mut process: Process,
    port: u16,
    limit: Duration,
    walk: &str,
) -> Result<String> {
    let deadline = Instant::now() + limit;
    let steps = steps::read(walk)?;
    let mut printed = Vec::new();
    let seen = take(&mut process, port, deadline, &steps, &mut printed);
    printed.extend(process.stop(STOP_LIMIT)?);
    let printed = String::from_utf8_lossy(&printed);
    let seen = seen.map_err(|error| {
        let message = format!("the program `{name}`: {error}; it printed:\n{printed}");
        Error::new(ErrorKind::Program, message)
    })?;
    Ok(transcript::write_walk(&printed, &seen))
}

/// Takes all steps, and returns each exchange with the name of its visitor.
fn take<'a>(
    process: &mut Process,
    port: u16,
    deadline: Instant,
    steps: &'a [Step],
    printed: &mut Vec<u8>,
) -> Result<Vec<(&'a str, Exchange)>> {
    let mut visitors: BTreeMap<&str, Visitor> = BTreeMap::new();
    let mut seen = Vec::new();
    for step in steps {
        let visitor = visitors.entry(&step.visitor).or_insert_with(|| Visitor::new(port, deadline));
        let mut exchange = match seen.is_empty() {
            true => first_visit(visitor, process, deadline, printed)?,
            false => visitor.ask_for(&step.path, step.form.as_deref())?,
        };
        for _ in 0..MOST_REDIRECTIONS {
            let next = exchange.leads_to().map(str::to_owned);
            seen.push((&*step.visitor, exchange));
            let Some(next) = next else { break };
            exchange = visitor.ask_for(&next, None)?;
        }
    }
    Ok(seen)
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
