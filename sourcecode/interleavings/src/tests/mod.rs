//! The models: small caches, each with the flow of `cache/find.rs` and `cache/load.rs` written
//! again around the real flights.

mod creation;
mod invalidation;
mod near;

const KEY: &[u8] = b"k";

fn model(check: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    // More switches than this at places where a thread need not wait find nothing more, and take hours.
    builder.preemption_bound = Some(3);
    builder.check(check);
}
