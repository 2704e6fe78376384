//! What sessions cost pages of axum: ours beside the page without and beside other crates, in memory, in
//! redis and in PostgreSQL.
//!
//! Each server is a process of its own with two threads for tasks. All of them run all the time and take
//! turns under load from `wrk` (Debian's package of that name), on whatever processors there are; what
//! counts is the median of the ratios of a round. Every connection has a session of its own, and in the
//! end one session has all connections, where each request is in another one's way.
//!
//! `cargo bench -p benchmarks --bench axum` measures all; `-- redis` a part (`memory`, `redis`,
//! `postgres`, `outage`), `-- 31` 31 rounds in place of 5.

mod outage;
mod pages;
mod redis_pages;
mod sides;

use std::env;
use std::io::Result;
use std::time::Duration;

use benchmarks::{Served, load, median};
use servers::{Postgres, Redis};
use sides::{Limit, Measure, Side};

/// How long a server has its turn.
const TURN: Duration = Duration::from_secs(2);

/// How many connections have one session, where updates are counted.
const SHARED: usize = 16;

/// A page, the connections that ask for it, and the sessions that these have.
type Asked<'a> = (&'a str, usize, usize);

/// One turn of one server.
#[derive(Clone, Copy)]
struct Turn {
    /// Requests with an error for an answer. Whoever has one misses every limit.
    failed: u64,
    per_second: f64,
    p99: f64,
    micros: f64,
    threads: usize,
    connections: usize,
}

fn main() -> Result<()> {
    pages::serve_if_asked();
    let words: Vec<String> = env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let rounds = words.iter().find_map(|word| word.parse().ok()).unwrap_or(5);
    let all = words.iter().all(|word| word.parse::<usize>().is_ok());
    let asked = |part: &str| all || words.iter().any(|word| word == part);
    if std::process::Command::new("wrk").output().is_err() {
        println!("axum: not measured: `wrk` is not installed (Debian: wrk)");
        return Ok(());
    }
    sides::build_peers()?;
    if asked("memory") {
        measure(&sides::memory(), rounds)?;
    }
    if asked("redis") || asked("outage") {
        let redis = Redis::for_programs().map_err(std::io::Error::other)?;
        println!("{}", redis.describe());
        if asked("redis") {
            measure(&sides::redis(&redis.url()), rounds)?;
        }
        if asked("outage") {
            outage::measure(&sides::redis(&redis.url()), &redis.url())?;
        }
    }
    if asked("postgres") {
        match Postgres::for_tests().map_err(std::io::Error::other)? {
            Some(postgres) => measure(&sides::postgres(&postgres.url()), rounds)?,
            None => println!("axum: PostgreSQL is not measured: it is not installed"),
        }
    }
    Ok(())
}

fn measure(measure: &Measure, rounds: usize) -> Result<()> {
    let servers = measure.sides.iter().map(Side::start).collect::<Result<Vec<Served>>>()?;
    let most = measure.connections.iter().copied().max().unwrap_or(SHARED);
    let cookies = servers.iter().map(|server| (0..most).map(|_| server.cookie("/new")).collect());
    let cookies = cookies.collect::<Result<Vec<Vec<String>>>>()?;
    for page in ["/read", "/write"] {
        for &connections in measure.connections {
            println!("\n{}, {page}, {connections} connections:", measure.title);
            let load = (page, connections, connections);
            report(measure, load, &take_turns(measure, &servers, &cookies, load, rounds)?);
        }
    }
    println!("\n{}, /write, {SHARED} connections on one session:", measure.title);
    let load = ("/write", SHARED, 1);
    report(measure, load, &take_turns(measure, &servers, &cookies, load, rounds)?);
    for ((side, server), cookies) in measure.sides.iter().zip(&servers).zip(&cookies) {
        count(side, server, cookies)?;
    }
    println!();
    Ok(())
}

/// Lets each server take its turn in each round; the first round warms up.
fn take_turns(
    measure: &Measure,
    servers: &[Served],
    cookies: &[Vec<String>],
    (page, connections, sessions): Asked<'_>,
    rounds: usize,
) -> Result<Vec<Vec<Turn>>> {
    let mut turns = vec![Vec::new(); servers.len()];
    for round in 0..=rounds {
        for place in 0..servers.len() {
            // Each goes first in its turn.
            let number = (place + round) % servers.len();
            let server = &servers[number];
            let before = server.processor_time()?;
            let url = format!("{}{}", server.url(), page);
            let loaded = load(&url, &cookies[number][..sessions], connections, TURN)?;
            let turn = Turn {
                failed: loaded.failed,
                per_second: loaded.per_second,
                p99: loaded.p99.as_secs_f64() * 1e3,
                micros: (server.processor_time()? - before) / loaded.requests * 1e6,
                threads: server.threads()?,
                connections: server.connections_to(measure.port)?,
            };
            if round > 0 {
                turns[number].push(turn);
            }
        }
    }
    Ok(turns)
}

fn report(measure: &Measure, (page, connections, sessions): Asked<'_>, turns: &[Vec<Turn>]) {
    for (number, (side, own)) in measure.sides.iter().zip(turns).enumerate() {
        let value = |of: fn(&Turn) -> f64| median(own.iter().map(of));
        let most = |of: fn(&Turn) -> usize| own.iter().map(of).max().unwrap_or(0);
        let (per_second, p99) = (value(|turn| turn.per_second), value(|turn| turn.p99));
        print!("  {:22} {per_second:7.0} requests/s, p99 {p99:6.2} ms", side.name);
        print!(", {:5.1} µs of processor", value(|turn| turn.micros));
        print!(", {:3} threads", most(|turn| turn.threads));
        if measure.port != 0 {
            print!(", {:3} connections", most(|turn| turn.connections));
        }
        let bare = side.bare.filter(|&bare| bare != number);
        let ratio = |bare: usize, of: fn(&Turn) -> f64| {
            median(own.iter().zip(&turns[bare]).map(|(own, bare)| of(own) / of(bare)))
        };
        let failed: u64 = own.iter().map(|turn| turn.failed).sum();
        if failed > 0 {
            print!("; {failed} FAILED");
        }
        if let Some(bare) = bare {
            print!("; {:.2} of bare", ratio(bare, |turn| turn.per_second));
        }
        println!();
        if side.name != sides::OURS {
            continue;
        }
        // One session for all is about what is lost.
        let of_page = |limit: &&Limit| limit.page == page && sessions == connections;
        for limit in measure.limits.iter().filter(of_page) {
            let Some(beside) = measure.sides.iter().position(|side| side.name == limit.beside)
            else {
                continue;
            };
            let (speed, p99) =
                (ratio(beside, |turn| turn.per_second), ratio(beside, |turn| turn.p99));
            let reached = failed == 0 && speed >= limit.at_least && (!limit.p99_too || p99 <= 1.0);
            let verdict = if reached { "reached" } else { "MISSED" };
            print!("==> axum: {}, {page}, {connections} connections", measure.title);
            println!(
                ", beside {}: {speed:.2} times the requests, p99 {p99:.2} times; limit {}: {verdict}",
                limit.beside, limit.at_least,
            );
        }
    }
}

/// What the sessions have counted, of what was to be counted.
fn count(side: &Side, server: &Served, cookies: &[String]) -> Result<()> {
    if !side.counts {
        return Ok(());
    }
    let (mut counted, mut answered) = (0, 0);
    for cookie in cookies {
        let answer = server.get("/sum", cookie)?;
        let line = answer.lines().last().unwrap_or_default();
        let mut numbers = line.split(' ').filter_map(|number| number.parse::<u64>().ok());
        counted += numbers.next().unwrap_or(0);
        answered = numbers.next().unwrap_or(0);
    }
    let lost = answered.saturating_sub(counted);
    let share = lost as f64 / answered as f64 * 100.0;
    println!("  {:22} lost {lost} of {answered} updates: {share:.1} %", side.name);
    Ok(())
}
