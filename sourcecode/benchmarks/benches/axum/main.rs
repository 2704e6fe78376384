//! What sessions cost a page of axum: ours, and those of tower-sessions, beside the page without.
//!
//! The servers run all the time, and take turns of a second under load from `wrk` (Debian's package of
//! that name), on whatever processors there are. All connections share one session.
//!
//! `cargo bench -p benchmarks --bench axum`, or with `-- 31` for 31 rounds in place of 15.

mod load;
mod servers;

use servers::{NAMES, Server};

/// The ratio that ours must reach, of requests a second with sessions to requests a second without.
const RATIO: f64 = 0.85;

/// What ours may take of the processor in a request, in microseconds.
const MICROS: f64 = 3.0;

/// One round of one server.
struct Turn {
    per_second: f64,
    micros: f64,
}

fn main() {
    servers::serve_if_asked();
    let rounds = std::env::args().filter_map(|word| word.parse().ok()).next().unwrap_or(15);
    let servers = NAMES.map(Server::start);
    let cookies: Vec<String> = servers
        .iter()
        .map(|server| load::cookie(&server.url).unwrap_or_else(|| "id=0".to_owned()))
        .collect();
    // The bare page gets a cookie of the same length.
    let cookie = |number: usize| if number == 0 { &cookies[1] } else { &cookies[number] };

    let mut turns: [Vec<Turn>; NAMES.len()] = Default::default();
    for round in 0..=rounds {
        for place in 0..NAMES.len() {
            // Each goes first in its turn.
            let number = (place + round) % NAMES.len();
            let server = &servers[number];
            let before = server.processor_time();
            let Ok(loaded) = load::load(&server.url, cookie(number), 1) else {
                println!("axum: not measured: `wrk` is not installed (Debian: wrk)");
                return;
            };
            let used = server.processor_time() - before;
            let micros = used / loaded.requests * 1e6;
            // The first round warms up.
            if round > 0 {
                turns[number].push(Turn { per_second: loaded.per_second, micros });
            }
        }
    }
    for (number, server) in servers.iter().enumerate() {
        report(number, &turns);
        if number > 0 {
            let answer = load::get(&server.url, "/sum", cookie(number));
            let sums = answer.lines().last().unwrap_or_default().split(' ');
            let sums: Vec<u64> = sums.map(|sum| sum.parse().unwrap()).collect();
            let share = sums[0] as f64 / sums[1] as f64 * 100.0;
            println!("    counted {} of {} requests: {share:.1} %", sums[0], sums[1]);
        }
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
