//! What orders the threads and tasks of the library's caches (the flights, the invalidations, the writes of a cache
//! with memory in front), the very files, over loom's threads and locks: a model goes through all ways in
//! which its threads can run. Some of them wait as threads do, and some as tasks.
//!
//! `cargo test -p interleavings --release` runs it. A model may use up to three threads beside the first
//! one, and each waits without a limit of time.

#[path = "../../beaker/src/cache/flight.rs"]
#[allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    unused_imports,
    reason = "the library uses all of it"
)]
mod flight;
#[path = "../../beaker/src/cache/order.rs"]
#[allow(dead_code, missing_docs, unreachable_pub, reason = "the library uses all of it")]
mod order;
mod sync;

#[cfg(test)]
mod tests;
