//! Measures two things side by side. The machine's speed may change by half within a second, so the
//! two take turns, and what counts is the median of their ratios.
//!
//! A client and its server wake each other, and that costs five times as much when they sit on two
//! cores. So that both sides of a comparison pay the same, keep them on one:
//! `taskset -c 1 cargo bench -p benchmarks --bench memcached`.
//!
//! `cargo bench -p benchmarks` runs everything; `cargo bench -p benchmarks --bench memory` a part.

mod costs;
mod drivers;
mod served;
mod wrk;

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

pub use costs::{Cost, median_of_turns, record};
use criterion::Criterion;
pub use drivers::{data, drivers, sessions_of};
pub use served::Served;
pub use wrk::{Load, load, load_with_headers};

/// What a pair must reach.
#[derive(Debug, Clone, Copy)]
pub enum Limit {
    /// Ours takes at most so many times as long as the bare one.
    Times(f64),
    /// Ours takes at most so much longer than the bare one.
    Longer(Duration),
}

/// Lets two functions take turns, and prints how they compare.
pub fn compare(name: &str, limit: Limit, mut ours: impl FnMut(), mut bare: impl FnMut()) {
    compare_times(name, limit, |times| time(times, &mut ours), |times| time(times, &mut bare));
}

/// The same on several threads at once: how long one call takes, as each thread sees it. The functions
/// get a number that goes up with each call.
pub fn compare_on_threads(
    name: &str,
    limit: Limit,
    threads: usize,
    ours: impl Fn(usize) + Sync,
    bare: impl Fn(usize) + Sync,
) {
    let ours = |times| time_on_threads(threads, times, &ours);
    compare_times(name, limit, ours, |times| time_on_threads(threads, times, &bare));
}

/// Two functions that do something so many times, and tell how long that took.
fn compare_times(
    name: &str,
    limit: Limit,
    mut ours: impl FnMut(u64) -> Duration,
    mut bare: impl FnMut(u64) -> Duration,
) {
    let mut turns: Vec<(f64, f64)> = Vec::new();
    Criterion::default()
        .sample_size(50)
        .measurement_time(Duration::from_secs(4))
        .without_plots()
        .configure_from_args()
        .bench_function(name, |bencher| {
            turns.clear();
            bencher.iter_custom(|times| {
                // The order changes, so that neither always finds what the other left in the caches.
                let (mine, other) = match turns.len() % 2 {
                    0 => (ours(times), bare(times)),
                    _ => {
                        let other = bare(times);
                        (ours(times), other)
                    }
                };
                turns.push((mine.as_secs_f64() / times as f64, other.as_secs_f64() / times as f64));
                mine
            });
        });
    if !turns.is_empty() {
        report(name, limit, &turns);
    }
}

fn time_on_threads(threads: usize, times: u64, function: &(impl Fn(usize) + Sync)) -> Duration {
    let start = Barrier::new(threads);
    let run = &|thread: usize| {
        start.wait();
        let begun = Instant::now();
        // Each thread begins elsewhere.
        (0..times as usize).for_each(|at| function(at + thread * 331));
        begun.elapsed()
    };
    let all = thread::scope(|scope| {
        let all: Vec<_> = (0..threads).map(|thread| scope.spawn(move || run(thread))).collect();
        all.into_iter().map(|thread| thread.join().expect("no panic")).sum::<Duration>()
    });
    all / threads as u32
}

fn time(times: u64, function: &mut impl FnMut()) -> Duration {
    let begun = Instant::now();
    (0..times).for_each(|_| function());
    begun.elapsed()
}

fn report(name: &str, limit: Limit, turns: &[(f64, f64)]) {
    let ours = median(turns.iter().map(|turn| turn.0));
    let bare = median(turns.iter().map(|turn| turn.1));
    let ratio = median(turns.iter().map(|turn| turn.0 / turn.1));
    let longer = median(turns.iter().map(|turn| turn.0 - turn.1));
    let (limit, reached) = match limit {
        Limit::Times(times) => (format!("{times} times"), ratio <= times),
        Limit::Longer(time) => (format!("{time:?} longer"), longer <= time.as_secs_f64()),
    };
    let verdict = if reached { "reached" } else { "MISSED" };
    println!(
        "==> {name}: {:.3} µs, bare {:.3} µs: {ratio:.2} times, {:.3} µs longer; limit {limit}: {verdict}\n",
        ours * 1e6,
        bare * 1e6,
        longer * 1e6,
    );
}

/// The one in the middle.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
