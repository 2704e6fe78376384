//! redis stands still for five seconds while a thousand connections ask for their sessions: how long a
//! page without a session takes meanwhile, and a handler that only calls `spawn_blocking`.

use std::io::{self, Result};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use benchmarks::{Served, load, median};

use super::sides::{Measure, OURS};

const CONNECTIONS: usize = 1000;
const OUTAGE: Duration = Duration::from_secs(5);
/// How long load comes before that, and after.
const AROUND: Duration = Duration::from_secs(1);
/// The pages, and how long they may take.
const PAGES: [(&str, Duration); 2] =
    [("/plain", Duration::from_millis(10)), ("/blocking", Duration::from_millis(20))];

pub fn measure(measure: &Measure, redis: &str) -> Result<()> {
    let process = process_of(redis)?;
    println!("\nredis stands still for {OUTAGE:?}, {CONNECTIONS} connections on /read:");
    for side in measure.sides.iter().filter(|side| side.name != "one connection") {
        let server = side.start()?;
        let cookies: Result<Vec<String>> =
            (0..CONNECTIONS).map(|_| server.cookie("/new")).collect();
        let cookies = cookies?;
        let url = format!("{}/read", server.url());
        let taken = thread::scope(|scope| {
            let loaded = scope.spawn(|| load(&url, &cookies, CONNECTIONS, OUTAGE + 2 * AROUND));
            thread::sleep(AROUND);
            signal("-STOP", &process)?;
            let taken = probe(&server, &cookies[0]);
            signal("-CONT", &process)?;
            // That pages fail meanwhile is right.
            loaded.join().map_err(|_| io::Error::other("the load panicked"))??;
            taken
        })?;
        for ((page, limit), times) in PAGES.into_iter().zip(taken) {
            let millis = |time: f64| time * 1e3;
            let (median, most) =
                (median(times.iter().copied()), times.iter().copied().fold(0.0, f64::max));
            print!(
                "  {:22} {page:10} {:7.2} ms, at most {:7.2} ms",
                side.name,
                millis(median),
                millis(most)
            );
            println!(", {} asked", times.len());
            if side.name == OURS {
                let verdict = if median <= limit.as_secs_f64() { "reached" } else { "MISSED" };
                println!(
                    "==> axum: redis stands still, {page}: {:.2} ms; limit {limit:?}: {verdict}",
                    millis(median),
                );
            }
        }
    }
    Ok(())
}

/// Asks for the pages in turn, until the outage is over.
fn probe(server: &Served, cookie: &str) -> Result<[Vec<f64>; PAGES.len()]> {
    let mut times = [const { Vec::new() }; PAGES.len()];
    let begun = Instant::now();
    // What was in flight is waited for first.
    thread::sleep(Duration::from_millis(200));
    while begun.elapsed() < OUTAGE {
        for (number, (page, _)) in PAGES.iter().enumerate() {
            let asked = Instant::now();
            let answer = server.get(page, cookie)?;
            if !answer.starts_with("HTTP/1.1 200") {
                return Err(io::Error::other(format!("{page} fails: {answer}")));
            }
            times[number].push(asked.elapsed().as_secs_f64());
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(times)
}

/// The server's process id, as it says itself.
fn process_of(url: &str) -> Result<String> {
    let asked = || -> redis::RedisResult<String> {
        let mut connection = redis::Client::open(url)?.get_connection()?;
        redis::cmd("INFO").arg("server").query(&mut connection)
    };
    let info = asked().map_err(io::Error::other)?;
    let process = info.lines().find_map(|line| line.strip_prefix("process_id:"));
    process.map(str::to_owned).ok_or_else(|| io::Error::other("redis does not say its process"))
}

fn signal(signal: &str, process: &str) -> Result<()> {
    let done = Command::new("kill").args([signal, process]).status()?;
    if done.success() { Ok(()) } else { Err(io::Error::other(format!("kill {signal} failed"))) }
}
