//! What becomes of programs 5 and 20 when 100 visitors are slow, silent or hostile: whether an ordinary
//! visitor is answered beside them, what they cost, and how long the program takes to end after Ctrl-C.
//!
//! `cargo bench -p benchmarks --bench visitors` prints the table of the book's pages on both programs.
//! It takes about five minutes, most of them spent waiting for limits of time. Linux only, since it
//! reads `/proc`.

mod hostile;
mod server;

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use hostile::KINDS;
use server::{SERVERS, Server};

/// How many hostile visitors there are.
const MANY: usize = 100;

/// An ordinary visitor goes away after this time.
const PATIENCE: Duration = Duration::from_secs(60);

/// When it is looked who of the hostile is still there.
const LATER: Duration = Duration::from_secs(25);

fn main() -> io::Result<()> {
    if server::serves_large_answers() {
        return Ok(());
    }
    println!(
        "| server | {MANY} visitors | ordinary visitor | threads | memory | there later | end |"
    );
    println!("|---|---|---|---|---|---|---|");
    for name in SERVERS {
        for kind in KINDS {
            row(name, kind)?;
        }
    }
    Ok(())
}

fn row(name: &str, kind: &hostile::Kind) -> io::Result<()> {
    let server = Server::start(name, kind.large)?;
    server.visit(PATIENCE)?;
    let before = server.costs();
    let hostile = kind.come(server.address, MANY)?;
    let begun = Instant::now();
    // Ten ordinary visits, and the longest counts.
    let visits = (0..10).map(|_| server.visit(PATIENCE));
    let longest = visits.collect::<io::Result<Vec<_>>>().map(|all| all.into_iter().max());
    let answered = match longest {
        Ok(time) => format!("{:.1?}", time.unwrap_or_default()),
        Err(_) => "not answered".to_owned(),
    };
    let costs = server.costs();
    thread::sleep(LATER.saturating_sub(begun.elapsed()));
    let there = server.connections();
    let threads = costs.threads.saturating_sub(before.threads);
    let memory = costs.kilobytes.saturating_sub(before.kilobytes) / 1024;
    let alive = server.is_alive();
    // Those who are gone come back, for the end.
    let _again = kind.come(server.address, MANY);
    let end = server.end(PATIENCE).map_or("not".to_owned(), |time| format!("{time:.1?}"));
    drop(hostile);
    let end = if alive { end } else { "ended before".to_owned() };
    let kind = kind.name;
    println!("| {name} | {kind} | {answered} | +{threads} | +{memory} MB | {there} | {end} |");
    Ok(())
}
