//! What the library promises, from outside. `cargo test -p beaker-web --all-features` runs all of it.

#![allow(clippy::duplicate_mod, reason = "the tests of sessions run in tasks once more")]

use beaker::{Session, Sessions};

#[cfg(feature = "tokio")]
mod announcements_in_any_order;
#[cfg(any(feature = "redis", feature = "sqlite"))]
mod announcements_of_processes;
mod any_backend;
mod any_cache;
mod argument_keys;
#[cfg(feature = "tokio")]
mod async_backends;
#[cfg(feature = "tokio")]
mod async_cache;
#[cfg(feature = "tokio")]
mod async_configuration;
#[cfg(feature = "tokio")]
mod async_loaders;
#[cfg(feature = "tokio")]
mod async_locks;
#[cfg(feature = "tokio")]
mod async_sessions;
mod auto_traits;
#[cfg(feature = "python")]
mod beaker_stores;
mod cache_bypass;
mod cache_compute;
mod cache_keys;
mod cache_load_errors;
mod cache_many;
mod cache_memory;
#[cfg(feature = "middleware")]
mod cache_middleware;
mod cache_waits;
#[cfg(feature = "macros")]
mod cached;
#[cfg(feature = "macros")]
mod cached_many;
mod caches;
mod caches_shared;
#[cfg(all(feature = "memcached", feature = "redis"))]
mod clock_steps;
mod configuration;
mod configured_limits;
#[cfg(feature = "axum")]
mod cookie_paths;
#[cfg(feature = "cookies")]
mod cookie_sessions;
#[cfg(feature = "axum")]
mod csrf;
#[cfg(feature = "dbm")]
mod dbm;
#[cfg(feature = "dbm")]
mod dbm_shared;
mod dependencies;
#[cfg(any(feature = "redis-async", all(feature = "postgres", feature = "tokio")))]
mod driven;
#[cfg(any(feature = "redis-async", all(feature = "postgres", feature = "tokio")))]
mod dropped;
mod events;
mod failures;
mod files;
#[cfg(all(
    feature = "cookies",
    feature = "dbm",
    feature = "layers",
    feature = "memcached",
    feature = "redis",
    feature = "sqlite"
))]
mod formats;
mod full_disk;
#[cfg(feature = "tokio")]
mod halting;
mod hostile_cookies;
#[cfg(all(feature = "axum", feature = "redis"))]
mod http_cache;
#[cfg(feature = "tokio")]
mod in_tasks;
mod increments;
mod invalidation_order;
mod kills;
mod layers;
mod length;
mod limits;
mod listing;
mod locks;
#[cfg(any(feature = "memcached", feature = "redis"))]
mod lost;
#[cfg(feature = "memcached")]
mod memcached;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(feature = "middleware")]
mod middleware;
mod modes;
mod on_disk;
#[cfg(feature = "tokio")]
mod on_threads;
mod overlap;
mod peers;
#[cfg(feature = "python")]
mod pickles;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(all(feature = "postgres", feature = "tokio"))]
mod postgres_async;
#[cfg(all(feature = "axum", feature = "server"))]
mod proxied;
#[cfg(feature = "cookies")]
mod python;
#[cfg(feature = "axum")]
mod rate_limited;
mod records;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "redis-async")]
mod redis_async;
#[cfg(feature = "redis")]
mod redis_cluster;
#[cfg(feature = "redis")]
mod redis_sentinel;
mod region_waits;
mod regions;
mod regions_of_objects;
#[cfg(feature = "server")]
mod served;
mod session_announcements;
mod session_csrf;
mod session_devices;
mod session_ends;
mod session_flashes;
mod session_interleavings;
mod session_life;
mod session_local_tier;
mod session_races;
mod session_reload;
mod session_values;
mod sessions;
#[cfg(feature = "sqlite")]
mod sqlite;
mod stores;
mod sweeper;
#[cfg(feature = "axum")]
mod tenants;
mod tidy;
#[cfg(any(feature = "redis-tls", feature = "postgres-tls"))]
mod tls;
#[cfg(feature = "tower")]
mod tower;
#[cfg(any(feature = "memcached", feature = "redis"))]
mod unwell;
