//! Which database a url names.

use std::path::PathBuf;

use crate::error::{Error, Result};

/// A database's place.
pub(super) enum Address {
    File(PathBuf),
    Server(String),
}

impl Address {
    /// `sqlite:///relative.db`, `sqlite:////absolute.db` (as SQLAlchemy has it), a plain path, or
    /// `postgres://…`. A url may hold a password, so it is never part of a message.
    pub(super) fn parse(url: &str) -> Result<Address> {
        let file = match url.split_once("://") {
            None => url,
            Some(("sqlite", rest)) => rest.strip_prefix('/').unwrap_or(""),
            Some(("postgres" | "postgresql", _)) => return Ok(Address::Server(url.into())),
            Some((scheme, _)) => {
                return Err(Error::config(format!(
                    "there is no database `{scheme}://`; there are `sqlite:///path/to/file.db` \
                     and `postgres://user:password@host/database`"
                )));
            }
        };
        match file {
            "" => Err(Error::config("the url names no file; write `sqlite:///path/to/file.db`")),
            ":memory:" => Err(Error::config(
                "a database in memory belongs to one connection; use the back end `memory`",
            )),
            _ => Ok(Address::File(file.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn file(url: &str, path: &str) {
        let Ok(Address::File(found)) = Address::parse(url) else { panic!("{url}") };
        assert_eq!(found, PathBuf::from(path), "{url}");
    }

    #[test]
    fn urls() {
        file("a/b.db", "a/b.db");
        file("sqlite:///a/b.db", "a/b.db");
        file("sqlite:////a/b.db", "/a/b.db");
        assert!(matches!(Address::parse("postgres://h/d"), Ok(Address::Server(_))));
        for wrong in ["", "sqlite://", "sqlite:///", "sqlite:///:memory:", "mysql://u:pass@h/d"] {
            let message = Address::parse(wrong).err().unwrap().to_string();
            assert!(!message.contains("pass@"), "{message}");
        }
    }
}
