//! What the library promises, from outside. `cargo test -p beaker --all-features` runs all of it.

mod failures;
mod files;
mod hostile_cookies;
mod increments;
mod locks;
#[cfg(feature = "memcached")]
mod memcached;
#[cfg(feature = "middleware")]
mod middleware;
mod overlap;
mod records;
#[cfg(feature = "server")]
mod served;
mod sessions;
mod stores;
mod sweeper;
mod tidy;
