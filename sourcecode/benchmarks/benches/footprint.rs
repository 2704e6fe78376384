//! What a million small entries take in memory, beside quick_cache's: counted by the allocator.

use std::time::Duration;

use beaker::Cache;
use peak_alloc::PeakAlloc;

const MANY: usize = 1_000_000;
const LIMIT: f64 = 1.3;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

fn main() {
    let ours = taken(|| {
        let cache = Cache::in_memory(MANY).ttl(Duration::from_secs(3600));
        (0..MANY).for_each(|number| cache.put(key(number), number as u64).unwrap());
        cache
    });
    let bare = taken(|| {
        let cache = quick_cache::sync::Cache::new(MANY);
        (0..MANY).for_each(|number| cache.insert(key(number), number as u64));
        cache
    });
    let ratio = ours as f64 / bare as f64;
    let verdict = if ratio <= LIMIT { "reached" } else { "MISSED" };
    println!(
        "==> cache: a million entries of 11 bytes and a u64: {:.0} MB, quick_cache {:.0} MB: {ratio:.2} \
         times; limit {LIMIT} times: {verdict}",
        ours as f64 / 1e6,
        bare as f64 / 1e6
    );
}

fn key(number: usize) -> String {
    format!("key {number:07}")
}

fn taken<T>(make: impl FnOnce() -> T) -> usize {
    let before = ALLOCATOR.current_usage();
    let made = make();
    let taken = ALLOCATOR.current_usage() - before;
    drop(made);
    taken
}
