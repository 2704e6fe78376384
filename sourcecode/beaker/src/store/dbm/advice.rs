//! What to do about an error of redb.

use crate::error::ErrorKind;

pub(super) const DAMAGED: &str = "the file is damaged, or another program's: bring back a copy of it, or name another `data_dir`";

/// Its kind, and a hint.
pub(super) fn advice(error: &redb::Error) -> (ErrorKind, &'static str) {
    use std::io::ErrorKind as Io;
    match error {
        redb::Error::DatabaseAlreadyOpen => {
            (ErrorKind::Unavailable, "another program has it open: close that one")
        }
        redb::Error::ValueTooLarge(_) => (ErrorKind::TooLarge, "store less in one value"),
        redb::Error::Io(error) => match error.kind() {
            Io::InvalidData | Io::UnexpectedEof => (ErrorKind::Storage, DAMAGED),
            Io::StorageFull | Io::QuotaExceeded => {
                (ErrorKind::Storage, "the disk is full: free some space")
            }
            _ => (ErrorKind::Storage, "make it writable for this user, or name another `data_dir`"),
        },
        redb::Error::Corrupted(_)
        | redb::Error::UpgradeRequired(_)
        | redb::Error::TableTypeMismatch { .. } => (ErrorKind::Storage, DAMAGED),
        _ => (ErrorKind::Storage, "is the disk all right?"),
    }
}
