//! Ten visitors want one value, and none waits long for another's query.

use std::thread;
use std::time::Duration;

use beaker::cache::Cache;

/// Stands for a slow database.
fn query() -> u32 {
    thread::sleep(Duration::from_millis(500));
    110
}

/// Nobody waits longer than 20 ms for the query of somebody else.
fn impatient(cache: Cache<u32>) -> Cache<u32> {
    cache.wait_at_most(Duration::from_millis(20), Then::Create)
}

fn main() {
    let cache = impatient(Cache::in_memory(1000));
    let visit = || cache.get_or_create("standings", query);
    let answers = thread::scope(|scope| {
        let visitors = [(); 10].map(|()| scope.spawn(visit));
        visitors.map(|visitor| visitor.join().expect("no panic"))
    });
    let failed = answers.iter().filter(|answer| answer.is_err()).count();
    println!("Queries: {}", cache.numbers().creations);
    println!("Visitors without an answer: {failed}");
}
