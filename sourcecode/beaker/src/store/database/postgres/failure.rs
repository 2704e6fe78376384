//! What an error of PostgreSQL means, and what to do about it.

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use super::Failure;
use crate::error::ErrorKind;

pub(super) fn no_answer() -> Failure {
    Failure::new(ErrorKind::Unavailable, "it did not answer within the deadline")
}

pub(super) fn failure(error: Error) -> Failure {
    let code = error.code().map_or("", SqlState::code);
    let (kind, hint) = match (code, code.get(..2).unwrap_or("")) {
        (_, "28") => (ErrorKind::Config, "are the user and the password in the url right?"),
        ("3D000", _) => (ErrorKind::Config, "create that database, or name another in the url"),
        ("42501", _) => (ErrorKind::Config, "grant the user what is missing"),
        ("42P01" | "42703" | "42804" | "42P10", _) => {
            let hint = "the table is not this library's: give another `table_name`, or remove it";
            (ErrorKind::Config, hint)
        }
        ("53100", _) => (ErrorKind::Storage, "the server's disk is full: free some space"),
        (_, "54") => (ErrorKind::TooLarge, "store less in one value"),
        ("57014", _) => (ErrorKind::Unavailable, "the server did not finish within the deadline"),
        _ => (ErrorKind::Unavailable, "is the server running, and is its address right?"),
    };
    Failure::new(kind, hint).caused_by(error)
}
