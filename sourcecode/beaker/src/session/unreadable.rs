//! [`Unreadable`]: what Python can keep in a session, and a value cannot.

use super::Session;
use crate::error::{Error, ErrorKind};

/// An entry of a session in Beaker's format that no [`Value`](crate::Value) can hold, such as a whole
/// number beyond 64 bits. It is kept, and saved again as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// As it is written, with its quotes.
    pub(super) quoted: String,
    /// `None` if it is no Unicode.
    pub(super) key: Option<String>,
    pub(super) json: String,
    pub(super) why: &'static str,
}

impl Unreadable {
    /// Its key. One that is no Unicode is given as it is written, as in `\ud800`.
    pub fn key(&self) -> &str {
        self.key.as_deref().unwrap_or_else(|| self.quoted.trim_matches('"'))
    }

    /// What Python has written: JSON, with `NaN`, `Infinity` and whole numbers of any size.
    pub fn json(&self) -> &str {
        &self.json
    }

    /// Why no value can hold it.
    pub fn why(&self) -> &'static str {
        self.why
    }

    fn has_key(&self, key: &str) -> bool {
        self.key.as_deref() == Some(key)
    }
}

impl Session {
    /// What the session has from a Python application and no value can hold, in no order: with
    /// [`in_signed_cookies`](super::Sessions::in_signed_cookies) or
    /// [`in_sealed_cookies`](super::Sessions::in_sealed_cookies) in Beaker's format. Elsewhere there is
    /// none.
    ///
    /// To [`get`](Session::get), `contains` and `update` there is no such key. A save writes it back as
    /// it is; `set`, `update`, `remove` and `clear` replace and remove it as they do any other.
    pub fn unreadable(&self) -> impl Iterator<Item = &Unreadable> {
        let is_kept = |entry: &&Unreadable| !self.is_deleted && !self.replaces(entry);
        self.unreadable.iter().filter(is_kept)
    }

    /// Whether a change has taken its place.
    pub(super) fn replaces(&self, entry: &Unreadable) -> bool {
        match &entry.key {
            Some(key) => self.changes.touches(key),
            None => self.changes.clears(),
        }
    }

    /// Whether there is such an entry under this key.
    pub(super) fn has_unreadable(&self, key: &str) -> bool {
        self.unreadable.iter().any(|entry| entry.has_key(key))
    }

    /// Why there is no value under a key.
    pub(super) fn missing(&self, key: &str) -> Error {
        match self.unreadable().find(|entry| entry.has_key(key)) {
            Some(Unreadable { why, .. }) => Error::codec(format!(
                "the session `{}` has a `{key}` that no value can hold: {why}; it is kept as it is, and \
                 `set` replaces it",
                self.id.short()
            )),
            None => {
                let what = format!("the session `{}` has no key `{key}`", self.id.short());
                Error::new(ErrorKind::MissingKey, what)
            }
        }
    }
}
