//! What an error of SQLite means, and what to do about it.

use rusqlite::ErrorCode;

use super::Failure;
use crate::error::ErrorKind;

pub(super) const UNWRITABLE: &str =
    "make the file and its folder writable for this user, or name another `url`";

pub(super) fn failure(error: rusqlite::Error) -> Failure {
    let code = match &error {
        // SQL that it does not understand.
        rusqlite::Error::SqlInputError { .. } => Some(ErrorCode::Unknown),
        error => error.sqlite_error_code(),
    };
    let (kind, hint) = match code {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            let hint = "another program kept it locked until the deadline; let that one finish";
            (ErrorKind::Unavailable, hint)
        }
        Some(ErrorCode::NotADatabase) => {
            (ErrorKind::Storage, "it is no SQLite database: name another `url`")
        }
        Some(ErrorCode::DatabaseCorrupt) => (
            ErrorKind::Storage,
            "the file is damaged: bring back a copy of it, or name another `url`",
        ),
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            (ErrorKind::Storage, UNWRITABLE)
        }
        Some(ErrorCode::DiskFull) => (ErrorKind::Storage, "the disk is full: free some space"),
        Some(ErrorCode::TooBig) => (ErrorKind::TooLarge, "store less in one value"),
        // The table is there, but not ours.
        Some(ErrorCode::Unknown) => {
            let hint = "the table has other columns, so it may be another program's: give another `table_name`";
            (ErrorKind::Config, hint)
        }
        _ => (ErrorKind::Storage, "is the disk all right?"),
    };
    Failure::new(kind, hint).caused_by(error)
}
