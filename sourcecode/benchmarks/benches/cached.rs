//! A hit of `#[cached]`, beside that of the crate `cached`. Theirs looks a key up behind one lock, and
//! lets all who miss at once do the work; ours lets one do it. It never forgets, unless it is told a
//! size; ours holds so many values.

use std::hint::black_box;
use std::sync::Arc;

use benchmarks::{Limit, compare_on_threads};

/// So many different arguments are asked for in turn.
const MANY: u32 = 1024;

#[beaker::cached(size = 20_000)]
fn square(number: u32) -> u64 {
    u64::from(number) * u64::from(number)
}

#[cached::macros::cached]
fn square_theirs(number: u32) -> u64 {
    u64::from(number) * u64::from(number)
}

#[beaker::cached(size = 20_000)]
fn letters(driver: &str) -> u64 {
    driver.len() as u64
}

#[cached::macros::cached(key = "String", convert = "{ driver.to_owned() }")]
fn letters_theirs(driver: &str) -> u64 {
    driver.len() as u64
}

#[beaker::cached(size = 20_000, ttl = "1h")]
fn title(driver: &str) -> Arc<str> {
    driver.to_uppercase().into()
}

#[cached::macros::cached(ttl_secs = 3600, key = "String", convert = "{ driver.to_owned() }")]
fn title_theirs(driver: &str) -> Arc<str> {
    driver.to_uppercase().into()
}

/// A value that is copied out.
#[derive(Clone)]
struct Row(#[allow(dead_code, reason = "it is copied, not read")] [u64; 25]);

#[beaker::cached(size = 20_000, ttl = "1h")]
fn row(driver: &str) -> Row {
    Row([driver.len() as u64; 25])
}

#[cached::macros::cached(ttl_secs = 3600, key = "String", convert = "{ driver.to_owned() }")]
fn row_theirs(driver: &str) -> Row {
    Row([driver.len() as u64; 25])
}

fn main() {
    let drivers: Vec<String> = (0..MANY).map(|number| format!("driver {number:04}")).collect();
    let driver = |call: u32| drivers[call as usize].as_str();

    pair("u64 by u32", square, square_theirs);
    pair("u64 by &str", |call| letters(driver(call)), |call| letters_theirs(driver(call)));
    pair(
        "Arc<str> by &str, with expiry",
        |call| title(driver(call)),
        |call| title_theirs(driver(call)),
    );
    pair(
        "200 bytes by &str, with expiry",
        |call| row(driver(call)),
        |call| row_theirs(driver(call)),
    );
}

/// One thread, then two, each of which begins elsewhere.
fn pair<T>(name: &str, ours: impl Fn(u32) -> T + Sync, theirs: impl Fn(u32) -> T + Sync) {
    for (threads, limit) in [(1, 0.9), (2, 0.6)] {
        compare_on_threads(
            &format!("cached: a hit, {name}, {threads} threads"),
            Limit::Times(limit),
            threads,
            |at| drop(black_box(ours(black_box(at as u32 % MANY)))),
            |at| drop(black_box(theirs(black_box(at as u32 % MANY)))),
        );
    }
}
