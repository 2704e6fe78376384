//! Web sessions and caching: what Python's Beaker and dogpile.cache give, the Rust way.
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
//! | [`clock`] | time as an argument |
//! | [`key`] | what a store knows a value by |
//! | [`store`] | the contract of a store; memory, files, an embedded database, memcached, redis, SQL |
//! | [`lock`] | the contract of locks; threads, processes, hosts |
//! | [`backend`] | a store and its locks, opened by name |
//! | [`layer`] | what is stored, compressed, encrypted, counted |
//! | [`limit`] | how often something may be done |
//! | [`sweeper`] | removing what has expired |
//! | [`value`] | what a session can hold |
//! | [`codec`] | values to bytes and back |
//! | [`record`] | the envelope of what is stored |
//! | [`signing`] | texts that nobody else can make |
//! | `sealing` | texts that nobody else can read or make (feature `cookies`) |
//! | [`cookie`] | reading and writing cookies |
//! | [`session`] | sessions |
//! | [`cache`] | what takes long to make, made once; `#[cached]` on functions (feature `macros`); for async code, `AsyncCache` (feature `tokio`) |
//! | [`config`] | options as texts, from files and the environment, checked at once |
//! | `metrics` | what happens, for a page of metrics (feature `metrics`) |
//! | `testing` | the cookies of a visitor, for tests of a program (feature `middleware`) |
//! | `middleware` | an application and what is wrapped around it (feature `middleware`); a layer for async servers (features `tower`, `axum`) |
//!
//! # Types of other crates
//!
//! Most of what the public interface shows of other crates is from versions that stay: `bytes` 1, `http` 1,
//! `http-body` 1, `redis` 1, `serde` 1, `tokio` 1. These are not yet at 1.0, and a new minor version of one
//! of them is a breaking change here too:
//!
//! | crate | where | feature |
//! |---|---|---|
//! | `axum-core` 0.5 (of axum 0.8) | the extractors [`RequestSession`](middleware::RequestSession) and others, the response that an [`Error`] is | `axum` |
//! | `tower-layer` 0.3, `tower-service` 0.3 | [`SessionLayer`](middleware::SessionLayer) and the other layers | `tower` |
//! | `deadpool-postgres` 0.14 | [`AsyncPostgresStore::from_pool`](store::AsyncPostgresStore::from_pool) | `deadpool-postgres` |
//!
//! A type that a program may have to build or to match in full stays as it is; all others are
//! `#[non_exhaustive]`, so that an option or a case more breaks nothing.
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
