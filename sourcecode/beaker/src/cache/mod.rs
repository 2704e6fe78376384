//! [`Cache`]: computes expensive values once and keeps them for a while.
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
//! let never = || -> i32 { panic!("the value is cached") };
//! assert_eq!(cache.get_or_create("Kimi", never)?, 58);
//! println!("{}", cache.stats());
//! # Ok(())
//! # }
//! ```
//!
//! A call follows the algorithm of dogpile.cache, which prevents a *cache stampede*:
//!
//! - A fresh value is returned without a lock.
//! - A stale value is returned at once, while one call computes the new value (*stale-while-revalidate*).
//! - A missing value is computed by one call, and all other calls for the same key wait for its result
//!   (*single-flight*).
//!
//! The locks of the [backend](crate::Backend) decide how far this "one call" reaches: the threads of a
//! process, the processes of a host, or several hosts.
//!
//! A [`Region`] groups caches that share settings under a name which both code and configuration use.
//!
//! A call blocks while it waits for the store, for a loader or for another call. Asynchronous programs use
//! `AsyncCache` (feature `tokio`) instead.

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
#[cfg(feature = "python")]
mod python;
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
#[cfg(feature = "python")]
pub use python::{BeakerCacheFormat, DogpileFormat};
pub use region::{Region, Regions};
pub use region_options::RegionOptions;
pub use stats::Stats;
