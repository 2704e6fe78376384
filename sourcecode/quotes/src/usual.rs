//! The library's names, which every quote may use.

pub use std::sync::Arc;
pub use std::time::Duration;

pub use beaker::cache::*;
pub use beaker::config::Settings;
pub use beaker::layer::*;
pub use beaker::limit::*;
pub use beaker::lock::LocalLocks;
pub use beaker::session::*;
pub use beaker::store::*;
pub use beaker::testing::CookieJar;
pub use beaker::*;

/// What most programs end with when they use `?`.
pub type Anything<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// What the programs of the book share in `examples/common`.
pub fn get_session(backend: &Backend, id: Option<&SessionId>) -> Result<Session> {
    let sessions = Sessions::new(backend.clone());
    id.map_or_else(|| Ok(sessions.create()), |id| sessions.open(id))
}
