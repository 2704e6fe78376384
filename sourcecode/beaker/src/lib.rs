//! Web sessions and caching, after Python's Beaker and dogpile.cache.
//!
//! [`Sessions`] stores what an application remembers about a visitor, in memory, files, a database, redis,
//! memcached, or in a cookie. [`Cache`] stores values that take long to compute, and computes each of them
//! once, however many callers ask. Both have an asynchronous twin, `AsyncSessions`
//! and `AsyncCache` (feature `tokio`).
//!
//! ```
//! use beaker::{Backend, Sessions};
//!
//! # fn main() -> beaker::Result<()> {
//! let sessions = Sessions::new(Backend::memory());
//!
//! let mut session = sessions.create();
//! session.set("Suomi", "Kimi Räikkönen");
//! session.save()?;
//!
//! let again = sessions.open(session.id())?;
//! assert_eq!(again.require("Suomi")?.as_str(), Some("Kimi Räikkönen"));
//! # Ok(())
//! # }
//! ```
//!
//! # The modules, in reading order
//!
//! | module | what is there |
//! |---|---|
//! | [`error`] | the one error type |
//! | [`clock`] | the time, as a value that tests can set |
//! | [`key`] | the names under which a store keeps values |
//! | [`store`] | the contract of a store; memory, files, an embedded database, memcached, redis, SQL |
//! | [`lock`] | the contract of locks; threads, processes, hosts |
//! | [`backend`] | a store and its locks, opened by name |
//! | [`layer`] | compressing, encrypting and counting around any store |
//! | [`limit`] | rate limits |
//! | [`sweeper`] | cleanup: removing expired records |
//! | [`value`] | the types of values that a session can hold |
//! | [`codec`] | encoding values as bytes and decoding them |
//! | [`record`] | the header of every stored record |
//! | [`signing`] | signing texts, so that nobody else can forge them |
//! | `sealing` | encrypting texts, so that nobody else can read or forge them (feature `cookies`) |
//! | [`cookie`] | reading and writing cookies |
//! | [`session`] | the sessions of visitors |
//! | [`cache`] | values that are computed once and then reused; `#[cached]` on functions (feature `macros`); for async code, `AsyncCache` (feature `tokio`) |
//! | [`config`] | options from files and the environment, with all errors reported at once |
//! | `metrics` | counters for Prometheus (feature `metrics`) |
//! | `testing` | a visitor's cookies, for tests of an application (feature `middleware`) |
//! | `middleware` | sessions, caches and CSRF protection around an application (feature `middleware`); layers for async servers (features `tower`, `axum`) |
//!
//! # Types of other crates
//!
//! Most types of other crates in the public interface come from crates with a stable version: `bytes` 1,
//! `http` 1, `http-body` 1, `redis` 1, `serde` 1, `tokio` 1. The crates below have not reached 1.0. A new
//! minor version of one of them is therefore a breaking change of this crate too:
//!
//! | crate | where | feature |
//! |---|---|---|
//! | `axum-core` 0.5 (of axum 0.8) | the extractors, such as [`RequestSession`](middleware::RequestSession), and the response for an [`Error`] | `axum` |
//! | `tower-layer` 0.3, `tower-service` 0.3 | [`SessionLayer`](middleware::SessionLayer) and the other layers | `tower` |
//! | `deadpool-postgres` 0.14 | [`AsyncPostgresStore::from_pool`](store::AsyncPostgresStore::from_pool) | `deadpool-postgres` |
//!
//! Types that a program may have to build or to match exhaustively do not change. All others are
//! `#[non_exhaustive]`, so that a new option or variant breaks no program.
#![forbid(unsafe_code)]
#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs, missing_debug_implementations)]
// Each item says which feature brings it.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod backend;
pub mod cache;
pub mod clock;
pub mod codec;
pub mod config;
pub mod cookie;
pub mod error;
mod file_lock;
pub mod key;
pub mod layer;
pub mod limit;
pub mod lock;
#[cfg(feature = "metrics")]
pub mod metrics;
#[cfg(feature = "middleware")]
pub mod middleware;
mod nearest;
#[cfg(feature = "tokio")]
mod off_thread;
#[cfg(feature = "python")]
#[doc(hidden)]
pub mod pickle;
mod private;
mod proxies;
pub mod record;
#[cfg(feature = "cookies")]
pub mod sealing;
pub mod session;
pub mod signing;
pub mod store;
pub mod sweeper;
#[cfg(feature = "middleware")]
pub mod testing;
pub mod value;
mod world;

#[cfg(feature = "tokio")]
pub use backend::AsyncBackend;
pub use backend::Backend;
#[cfg(feature = "macros")]
pub use beaker_macros::cached;
#[cfg(feature = "tokio")]
pub use cache::AsyncCache;
pub use cache::Cache;
pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use cookie::{CookieLifetime, CookieOptions, CookiePriority, SameSite};
pub use error::{Error, ErrorKind, Result};
pub use proxies::{ProxyHeader, TrustedProxies};
#[cfg(feature = "cookies")]
pub use sealing::Sealer;
#[cfg(feature = "tokio")]
pub use session::{AsyncSession, AsyncSessions};
pub use session::{Origin, Rejection, Session, SessionId, Sessions};
pub use signing::Signer;
pub use sweeper::Sweeper;
pub use value::{Value, Values};

/// The programs of the README are compiled, and run if they end.
#[cfg(all(doctest, feature = "axum"))]
#[doc = include_str!("../README.md")]
struct Readme;
