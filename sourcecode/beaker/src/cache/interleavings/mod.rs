//! What orders the threads and tasks of a cache (the flights, the invalidations, the writes of a cache with
//! memory in front), over loom's threads and locks: a model goes through all ways in which its threads can
//! run. Some of them wait as threads do, and some as tasks.
//!
//! Each model is a small cache, with the flow of `find.rs` and `load.rs` written again around the real
//! flights. It may use up to three threads beside the first one, and each waits without a limit of time.
//!
//! ```console
//! $ RUSTFLAGS='--cfg beaker_loom' cargo test -p beaker-web --lib interleavings
//! ```
//!
//! The flag has a name of its own, because tokio, which the tests need, uses `loom` for itself.

mod creation;
mod invalidation;
mod near;
pub(super) mod primitives;

const KEY: &[u8] = b"k";

fn model(check: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    // More switches than this at places where a thread need not wait find nothing more, and take hours.
    builder.preemption_bound = Some(3);
    builder.check(check);
}
