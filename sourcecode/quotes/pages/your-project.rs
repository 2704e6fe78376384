mod asynchronous {
    «use axum::{Router, routing::get};»
}

mod blocking {
    «use beaker::config::Settings;»
}

/// The crate with its feature `derive`, whether or not another package has switched it on.
mod serde {
    pub use ::serde::*;
    pub use serde_derive::{Deserialize, Serialize};
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
