//! [`Cache`]: what takes long to make is made once, and kept for a while.
//!
//! ```
//! use std::time::Duration;
//! use beaker::Backend;
//! use beaker::cache::Cache;
//!
//! # fn main() -> beaker::Result<()> {
//! let cache = Cache::new(Backend::memory(), "standings").ttl(Duration::from_secs(60));
//! let points = || 25 + 18 + 15;
//! assert_eq!(cache.get_or_create("Kimi", points)?, 58);
//! let never = || -> i32 { panic!("it is there") };
//! assert_eq!(cache.get_or_create("Kimi", never)?, 58);
//! println!("{}", cache.stats());
//! # Ok(())
//! # }
//! ```
//!
//! What happens to a call is dogpile.cache's algorithm: a fresh value is given, with no lock; of those
//! who find a stale one, one makes a new one while the others get the old one at once; of those who
//! find nothing, one makes it and all others wait for that one. How far "one" reaches, the locks of the
//! [backend](crate::Backend) say: threads, processes or hosts.
//!
//! Caches of one kind, by a name that code and settings share, are a [`Region`].
//!
//! A call may wait: for the store, for a creator, for another call. Async code has an `AsyncCache`
//! (feature `tokio`) instead.

mod api;
pub mod arguments;
#[cfg(feature = "tokio")]
mod async_region;
#[cfg(feature = "tokio")]
mod asynchronous;
mod batch;
#[cfg(feature = "macros")]
#[doc(hidden)]
pub mod cached;
mod compute;
mod contents;
mod engine;
mod failure;
mod find;
mod flight;
mod freshness;
#[cfg(all(test, beaker_loom))]
mod interleavings;
mod load;
mod load_error;
mod loaders;
mod many;
mod memory_options;
mod order;
mod policy;
mod reentrance;
mod region;
mod region_options;
mod shared_invalidations;
mod stats;
mod storage;
mod sync;

pub use api::Cache;
pub use arguments::{ArgumentKey, KeyPart};
#[cfg(feature = "tokio")]
pub use async_region::AsyncRegion;
#[cfg(feature = "tokio")]
pub use asynchronous::AsyncCache;
#[cfg(feature = "macros")]
pub use beaker_macros::KeyPart;
pub use compute::Op;
pub use load_error::LoadError;
pub use memory_options::{EvictionCause, MemoryOptions};
pub use policy::{CacheEntry, Executor, KeyMangler, OnStoreFailure, OnTimeout};
pub use region::{Region, Regions};
pub use region_options::RegionOptions;
pub use stats::Stats;
