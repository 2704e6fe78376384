//! The two conditions that need a script: redis runs it as one command.

use std::sync::LazyLock;

/// Writes if the version is still this one.
pub(super) static PUT_UNCHANGED: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("put_unchanged.lua")));

/// Removes if the version is still this one.
pub(super) static DELETE_UNCHANGED: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("delete_unchanged.lua")));

/// A script for one key. The servers know it by its SHA-1 once they have seen its text.
pub(super) struct Script {
    text: &'static str,
    hash: String,
}

impl Script {
    fn new(text: &'static str) -> Script {
        Script { text, hash: redis::Script::new(text).get_hash().to_owned() }
    }

    pub(super) fn hash(&self) -> &[u8] {
        self.hash.as_bytes()
    }

    pub(super) fn text(&self) -> &'static [u8] {
        self.text.as_bytes()
    }
}
