//! What sessions cost a page of axum: ours, and those of tower-sessions, beside the page without.
//!
//! The servers run all the time, and take turns of a second under load from `wrk` (Debian's package of
//! that name), on whatever processors there are. There is a session for each connection, and then one
//! for all of them, where each request is in another one's way.
//!
//! `cargo bench -p benchmarks --bench axum`, or with `-- 31` for 31 rounds in place of 15.

mod load;
mod servers;

use servers::{NAMES, Server};

/// The ratio that ours must reach, of requests a second with sessions to requests a second without.
const RATIO: f64 = 0.85;

/// What ours may take of the processor in a request, in microseconds.
const MICROS: f64 = 3.0;

/// So many connections there are.
const SESSIONS: usize = 16;

/// One round of one server.
struct Turn {
    per_second: f64,
    micros: f64,
}

fn main() {
    servers::serve_if_asked();
    let rounds = std::env::args().filter_map(|word| word.parse().ok()).next().unwrap_or(15);
    let servers = NAMES.map(Server::start);
    let sessions = |server: &Server| -> Vec<String> {
        let cookie = |_| load::cookie(&server.url).unwrap_or_else(|| "id=0".to_owned());
        (0..SESSIONS).map(cookie).collect()
    };
    let mut cookies: Vec<Vec<String>> = servers.iter().map(sessions).collect();
    // The bare page gets cookies of the same length.
    cookies[0] = cookies[1].clone();
    for (title, many) in [("a session for each connection", SESSIONS), ("one session for all", 1)] {
        println!("{title}:");
        let mut turns: [Vec<Turn>; NAMES.len()] = Default::default();
        for round in 0..=rounds {
            for place in 0..NAMES.len() {
                // Each goes first in its turn.
                let number = (place + round) % NAMES.len();
                let server = &servers[number];
                let before = server.processor_time();
                let Ok(loaded) = load::load(&server.url, &cookies[number][..many]) else {
                    println!("axum: not measured: `wrk` is not installed (Debian: wrk)");
                    return;
                };
                let micros = (server.processor_time() - before) / loaded.requests * 1e6;
                // The first round warms up.
                if round > 0 {
                    turns[number].push(Turn { per_second: loaded.per_second, micros });
                }
            }
        }
        (0..NAMES.len()).for_each(|number| report(number, &turns));
    }
    for (number, server) in servers.iter().enumerate().skip(1) {
        let sums = |cookie: &String| -> [u64; 2] {
            let answer = load::get(&server.url, "/sum", cookie);
            let mut sums = answer.lines().last().unwrap_or_default().split(' ');
            std::array::from_fn(|_| sums.next().and_then(|sum| sum.parse().ok()).unwrap())
        };
        let counted: u64 = cookies[number].iter().map(|cookie| sums(cookie)[0]).sum();
        let all = sums(&cookies[number][0])[1];
        let share = counted as f64 / all as f64 * 100.0;
        println!("{}: counted {counted} of {all} requests: {share:.1} %", NAMES[number]);
    }
}

fn report(number: usize, turns: &[Vec<Turn>; NAMES.len()]) {
    let (bare, own) = (&turns[0], &turns[number]);
    let pairs = || own.iter().zip(bare);
    let per_second = median(own.iter().map(|turn| turn.per_second));
    let micros = median(own.iter().map(|turn| turn.micros));
    print!("{:24} {per_second:7.0} requests/s, {micros:5.2} µs of processor each", NAMES[number]);
    if number > 0 {
        let ratio = median(pairs().map(|(own, bare)| own.per_second / bare.per_second));
        let more = median(pairs().map(|(own, bare)| own.micros - bare.micros));
        print!("; ratio {ratio:.3}, {more:.2} µs more");
        if NAMES[number] == "beaker" {
            let verdict = if ratio >= RATIO && more <= MICROS { "reached" } else { "MISSED" };
            print!("; limits {RATIO} and {MICROS} µs: {verdict}");
        }
    }
    println!();
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
