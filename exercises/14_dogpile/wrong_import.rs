//! Ten visitors want one value, and none waits long for another's query.

mod common;

use std::thread;
use std::time::Duration;

use beaker::cache::Cache;
use common::herd::slow_query;

/// No visitor waits longer than this for another visitor's query.
const PATIENCE: Duration = Duration::from_millis(20);

/// The same cache, for visitors who have little patience.
fn impatient(cache: Cache<u32>) -> Cache<u32> {
    cache.wait_timeout(PATIENCE, OnTimeout::Create)
}

fn main() {
    let cache = impatient(Cache::in_memory(1000));
    let visit = || cache.get_or_create("standings", || slow_query(10));
    let answers = thread::scope(|scope| {
        let visitors = [(); 10].map(|()| scope.spawn(visit));
        visitors.map(|visitor| visitor.join().expect("no panic"))
    });
    let failed = answers.iter().filter(|answer| answer.is_err()).count();
    println!("Queries: {}", cache.stats().creations);
    println!("Visitors without an answer: {failed}");
}
