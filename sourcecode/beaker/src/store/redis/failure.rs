//! What goes wrong with redis, and what to do about it.

use redis::{ErrorKind as Kind, RedisError, ServerErrorKind};

use crate::error::{Error, ErrorKind};
use crate::key::Key;
#[cfg(feature = "redis-tls")]
use crate::store::tls;

/// An error of the client, and the server that it came from.
pub(super) struct Failure {
    address: String,
    pub(super) error: RedisError,
}

impl Failure {
    pub(super) fn new(address: &str, error: impl Into<RedisError>) -> Failure {
        Failure { address: address.to_owned(), error: error.into() }
    }

    /// An answer that does not belong to the command.
    pub(super) fn unexpected(address: &str) -> Failure {
        let why = "the answer is not one to the command";
        Failure::new(address, (Kind::UnexpectedReturnType, why))
    }

    /// No server of a cluster has the key, as far as those know that could be asked.
    pub(super) fn uncovered(addresses: &[String]) -> Failure {
        let why = "no server of the cluster has the key, as far as the others know";
        Failure::new(&addresses.join(","), (Kind::ClusterConnectionNotFound, why))
    }

    /// The server does not know a script by its hash.
    pub(super) fn is_unknown_script(&self) -> bool {
        self.error.kind() == Kind::Server(ServerErrorKind::NoScript)
    }

    /// The error of an operation.
    pub(super) fn named(self, what: &str) -> Error {
        let (kind, hint) = advice(&self.error);
        let message = format!("{what} in redis at {}; {hint}", self.address);
        Error::new(kind, message).caused_by(self.error)
    }
}

fn advice(error: &RedisError) -> (ErrorKind, &'static str) {
    const WRONG_URL: &str = "check the user, the password and the database in its url";
    let running = "is the server running, and is its address right?";
    #[cfg(feature = "redis-tls")]
    if let Some(advice) = tls::advice(error) {
        return advice;
    }
    match (error.kind(), error.code()) {
        (Kind::AuthenticationFailed | Kind::InvalidClientConfig, _)
        | (_, Some("NOAUTH" | "WRONGPASS")) => (ErrorKind::Config, WRONG_URL),
        (Kind::Server(ServerErrorKind::Moved | ServerErrorKind::Ask), _) => {
            (ErrorKind::Config, "it is one of a cluster: use `ext:rediscluster`")
        }
        (_, Some("NOPERM")) => (ErrorKind::Config, "its user may not do that"),
        (_, Some("ERR")) if error.detail().is_some_and(|why| why.contains("cluster support")) => {
            (ErrorKind::Config, "it is not one of a cluster: use `ext:redis`")
        }
        (_, Some("OOM")) => {
            (ErrorKind::Storage, "its memory is full, and its `maxmemory-policy` drops nothing")
        }
        (_, Some("MISCONF")) => (ErrorKind::Storage, "it cannot write to its disk: is that full?"),
        (_, Some("WRONGTYPE")) => (ErrorKind::Storage, "something else uses its keys"),
        (_, Some("ERR")) => {
            (ErrorKind::Storage, "it refused the command; is it version 4 or later?")
        }
        // LOADING, CLUSTERDOWN, TRYAGAIN, READONLY, BUSY, ...
        (_, Some(_)) => (ErrorKind::Unavailable, "it answers, but not with data at the moment"),
        (_, None) => (ErrorKind::Unavailable, running),
    }
}

/// What a log-in failed for: a server that loads its data refuses everybody, and any other us.
pub(super) fn of_login(error: RedisError) -> RedisError {
    match error.code() {
        None | Some("LOADING") => error,
        Some(_) => (
            Kind::AuthenticationFailed,
            "it does not take the user, the password or the database of the url",
            error.to_string(),
        )
            .into(),
    }
}

/// What could not be done to so many values.
pub(super) fn many(what: &str, count: usize) -> String {
    format!("could not {what} {count} values")
}

pub(super) fn too_large(key: &Key, size: usize) -> Error {
    let why = format!("{size} bytes are more than it takes; store less in one value");
    Error::new(ErrorKind::TooLarge, format!("could not write {key:?} in redis: {why}"))
}
