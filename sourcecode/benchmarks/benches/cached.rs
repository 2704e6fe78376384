//! A hit of `#[cached]`, beside that of the crate `cached`. Theirs looks a key up behind one lock, and
//! lets all who miss at once do the work; ours lets one do it.

use std::hint::black_box;
use std::sync::Arc;
use std::thread;

use benchmarks::{Limit, compare};

/// So many different arguments are asked for in turn.
const MANY: u32 = 1024;

/// On two threads, each makes so many calls before both are waited for.
const CALLS: u32 = 100_000;

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

#[beaker::cached(size = 20_000, expire = "1h")]
fn title(driver: &str) -> Arc<str> {
    driver.to_uppercase().into()
}

#[cached::macros::cached(ttl_secs = 3600, key = "String", convert = "{ driver.to_owned() }")]
fn title_theirs(driver: &str) -> Arc<str> {
    driver.to_uppercase().into()
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
}

/// One thread, then two.
fn pair<T>(name: &str, ours: impl Fn(u32) -> T + Sync, theirs: impl Fn(u32) -> T + Sync) {
    let (mut mine, mut other) = (0, 0);
    compare(
        &format!("cached: hit, {name}, one thread"),
        Limit::Times(1.0),
        || next(&mut mine, &ours),
        || next(&mut other, &theirs),
    );
    compare(
        &format!("cached: {CALLS} hits on each of two threads, {name}"),
        Limit::Times(1.0),
        || both(&ours),
        || both(&theirs),
    );
}

fn next<T>(call: &mut u32, function: impl Fn(u32) -> T) {
    *call = (*call + 1) % MANY;
    black_box(function(black_box(*call)));
}

fn both<T>(function: &(impl Fn(u32) -> T + Sync)) {
    let calls = || {
        for call in 0..CALLS {
            black_box(function(black_box(call % MANY)));
        }
    };
    thread::scope(|scope| {
        scope.spawn(calls);
        calls();
    });
}
