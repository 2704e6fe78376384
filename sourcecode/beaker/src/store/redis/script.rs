//! The two conditions that need a script: redis runs it as one command.

use std::sync::LazyLock;

use super::command;

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

    pub(super) fn by_hash(&self, key: &str, arguments: &[&[u8]]) -> Vec<u8> {
        pack("EVALSHA", &self.hash, key, arguments)
    }

    pub(super) fn by_text(&self, key: &str, arguments: &[&[u8]]) -> Vec<u8> {
        pack("EVAL", self.text, key, arguments)
    }
}

fn pack(name: &str, script: &str, key: &str, arguments: &[&[u8]]) -> Vec<u8> {
    let words = [name, script, "1", key].map(str::as_bytes);
    command::pack(&[&words, arguments].concat())
}
