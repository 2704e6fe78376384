mod asynchronous {
    «use axum::{Router, routing::get};»
}

mod blocking {
    «use beaker::config::Settings;»
}

/// The crate with its feature `derive`, whether or not another package has switched it on.
mod serde {
    // By globs, which agree where another package has switched `derive` on.
    pub use ::serde::*;
    pub use serde_derive::*;
}

mod types {
    use super::serde;
    «use beaker::session::SessionState;»
}

#[derive(serde_derive::Deserialize)]
struct Filters {
    «#[serde(default)]»
    weeks: u32,
}
