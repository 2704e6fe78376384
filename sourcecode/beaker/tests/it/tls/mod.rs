//! Servers over TLS: real ones, with certificates that are made here.

mod certificates;
#[cfg(feature = "postgres-tls")]
mod postgres;
#[cfg(feature = "redis-tls")]
mod redis;
#[cfg(all(feature = "redis-async", feature = "redis-tls"))]
mod redis_async;

use beaker::store::{Precondition, Store};
use beaker::{Error, ErrorKind};

/// A store that must not come to talk with its server, and what its error must say.
#[track_caller]
fn refused(store: &dyn Store, advice: &str) -> Error {
    let key = beaker::key::Namespace::new("tls").key("k");
    let error = store.put(&key, b"secret", None, Precondition::Always).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{error:?}");
    assert!(error.to_string().contains(advice), "{error:?}");
    error
}
