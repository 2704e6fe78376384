//! What an error of PostgreSQL means, and what to do about it.

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use super::Failure;
use crate::error::ErrorKind;
#[cfg(feature = "postgres-tls")]
use crate::store::tls;

pub(super) fn no_answer() -> Failure {
    Failure::new(ErrorKind::Unavailable, "it did not answer within the deadline")
}

/// The client tells of this in words alone.
#[cfg(feature = "postgres-tls")]
fn no_tls(error: &Error) -> Option<(ErrorKind, &'static str)> {
    let refused = std::error::Error::source(error)?.to_string().contains("does not support TLS");
    let hint = "it speaks no TLS: turn on `ssl` there, or leave `sslmode` out of the url";
    refused.then_some((ErrorKind::Config, hint))
}

pub(super) fn failure(error: Error) -> Failure {
    #[cfg(feature = "postgres-tls")]
    if let Some((kind, hint)) = tls::advice(&error).or_else(|| no_tls(&error)) {
        return Failure::new(kind, hint).caused_by(error);
    }
    let code = error.code().map_or("", SqlState::code);
    let class = code.get(..2).unwrap_or("");
    let (kind, hint) = match (code, class) {
        (_, "28") => {
            let hint = "are the user and the password in the url right? does it want TLS \
                        (`?sslmode=verify-full`), or a certificate of yours (`&sslcert=`)?";
            (ErrorKind::Config, hint)
        }
        ("3D000", _) => (ErrorKind::Config, "create that database, or name another in the url"),
        ("42501", _) => (ErrorKind::Config, "grant the user what is missing"),
        ("42P01" | "42703" | "42804" | "42P10", _) => {
            let hint = "the table has other columns, so it may be another program's: give another `table_name`";
            (ErrorKind::Config, hint)
        }
        ("53100", _) => (ErrorKind::Storage, "the server's disk is full: free some space"),
        ("53300", _) => {
            let hint = "it has no connection left: open fewer, or raise its `max_connections`";
            (ErrorKind::Unavailable, hint)
        }
        (_, "54") => (ErrorKind::TooLarge, "store less in one value"),
        ("57014", _) => (ErrorKind::Unavailable, "the server did not finish within the deadline"),
        _ => (ErrorKind::Unavailable, "is the server running, and is its address right?"),
    };
    // After these the connection is as good as before. Others may be due to it: a new one creates its
    // table again, and prepares its statements.
    let is_broken = code != "57014" && !["40", "53", "54"].contains(&class);
    Failure { is_broken, ..Failure::new(kind, hint).caused_by(error) }
}
