//! The commands for redis: each operation is one command. Two conditions need a script, which redis runs as
//! one command too. This file also defines the name of each key, and the content of a value: its version (8
//! bytes, little-endian), followed by the bytes that were put.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use redis::{Cmd, Pipeline, Value, from_redis_value};

use super::server;
use crate::error::Result;
use crate::key::{Key, Namespace};
use crate::store::{Precondition, Put, Stored, Version, counter};

/// How many commands are sent before the first answer is read.
pub(super) const AT_ONCE: usize = 1000;

/// How many keys one step of a search looks at. The server does nothing else meanwhile, for about 100 µs.
const STEP: &str = "1000";

/// The largest value of redis, 512 MB, minus the version.
const LARGEST_VALUE: usize = 512 * 1024 * 1024 - VERSION;

/// A longer time to live, of about 30,000 years, counts as forever.
const LONGEST_TTL: u128 = 1_000_000_000_000_000;

/// Writes if the value still has this version.
static PUT_UNCHANGED: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("put_unchanged.lua")));

/// Removes if the value still has this version.
static DELETE_UNCHANGED: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("delete_unchanged.lua")));

/// Adds to a counter, or creates it.
static INCREMENT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("increment.lua")));

/// A script for one key. Servers identify it by its SHA-1 once they have received its text.
pub(super) struct Script {
    text: &'static str,
    hash: String,
}

impl Script {
    pub(super) fn new(text: &'static str) -> Script {
        Script { text, hash: redis::Script::new(text).get_hash().to_owned() }
    }
}

/// One command, as the client takes it.
pub(super) struct Command {
    pub(super) cmd: Cmd,
    /// The script that it runs by hash, if any.
    script: Option<&'static Script>,
}

impl Command {
    /// Reads the value of a key.
    pub(super) fn get(wire: &str) -> Command {
        Command::of("GET").arg(wire)
    }

    /// Removes the value of a key, if it still has this version; `None` for any version.
    pub(super) fn delete(wire: &str, old: Option<&[u8; VERSION]>) -> Command {
        match old {
            None => Command::of("UNLINK").arg(wire),
            Some(old) => Command::script(&DELETE_UNCHANGED, wire).arg(old),
        }
    }

    /// Adds to the counter of a key, and gives it a new version. A missing counter is created with this
    /// time to live. [`count`] parses the answer.
    pub(super) fn increment(wire: &str, by: u64, ttl: Option<Duration>) -> Command {
        let version = Version::fresh().number().to_le_bytes();
        let command = Command::script(&INCREMENT, wire).arg(version).arg(by.to_string());
        match milliseconds(ttl) {
            Some(ttl) => command.arg("PX").arg(ttl),
            None => command,
        }
    }

    /// Returns the next keys that match, from this cursor on.
    pub(super) fn scan(cursor: u64, pattern: &str) -> Command {
        let command = Command::of("SCAN").arg(cursor.to_string());
        command.arg("MATCH").arg(pattern).arg("COUNT").arg(STEP)
    }

    /// Asks which master of a cluster has which slots.
    pub(super) fn cluster_slots() -> Command {
        Command::of("CLUSTER").arg("SLOTS")
    }

    pub(super) fn of(name: &str) -> Command {
        Command { cmd: redis::cmd(name), script: None }
    }

    pub(super) fn script(script: &'static Script, wire: &str) -> Command {
        let command = Command::of("EVALSHA").arg(&script.hash).arg("1").arg(wire);
        Command { script: Some(script), ..command }
    }

    pub(super) fn arg(mut self, word: impl AsRef<[u8]>) -> Command {
        self.cmd.arg(word.as_ref());
        self
    }

    /// Returns the same command with the text of its script, for a server that does not know the hash.
    pub(super) fn by_text(&self) -> Option<Command> {
        let mut by_text = Command::of("EVAL").arg(self.script?.text);
        for word in self.cmd.args_iter().skip(2) {
            if let redis::Arg::Simple(word) = word {
                by_text = by_text.arg(word);
            }
        }
        Some(by_text)
    }
}

/// A value to write, and the condition.
pub(super) struct Writing {
    pub(super) wire: String,
    pub(super) version: Version,
    image: Vec<u8>,
    ttl: Option<String>,
    when: Precondition,
    old: Option<[u8; VERSION]>,
}

impl Writing {
    /// Takes the arguments of `Store::put`; a value that is too large is an error.
    pub(super) fn new(put: &Put<'_>, when: Precondition) -> Result<Writing> {
        if put.bytes.len() > LARGEST_VALUE {
            return Err(server::too_large(put.key, put.bytes.len()));
        }
        let version = Version::fresh();
        Ok(Writing {
            wire: wire(put.key),
            version,
            image: build(version, put.bytes),
            ttl: milliseconds(put.ttl),
            when,
            old: old(when),
        })
    }

    pub(super) fn command(&self) -> Command {
        let mut command = match &self.old {
            None => Command::of("SET").arg(&self.wire),
            Some(old) => Command::script(&PUT_UNCHANGED, &self.wire).arg(old),
        };
        command = command.arg(&self.image);
        if let Some(ttl) = &self.ttl {
            command = command.arg("PX").arg(ttl);
        }
        match self.when {
            Precondition::Absent => command.arg("NX"),
            Precondition::Always | Precondition::Unchanged(_) => command,
        }
    }

    /// Returns whether the answer reports a write; `None` if it is not an answer to this command.
    pub(super) fn is_done(&self, answer: &Value) -> Option<bool> {
        match (self.when, answer) {
            (Precondition::Always | Precondition::Absent, Value::Okay) => Some(true),
            (Precondition::Absent, Value::Nil) => Some(false),
            (Precondition::Unchanged(_), answer) => truth(answer),
            _ => None,
        }
    }
}

/// Returns the version that a condition requires, in its stored form.
pub(super) fn old(when: Precondition) -> Option<[u8; VERSION]> {
    match when {
        Precondition::Unchanged(old) => Some(old.number().to_le_bytes()),
        Precondition::Always | Precondition::Absent => None,
    }
}

/// Parses the answer of a counter's script: its number, or why there is none; `None` if it is another
/// answer.
pub(super) fn count(key: &Key, answer: &Value) -> Option<Result<u64>> {
    match answer {
        Value::Int(-1) => Some(Err(counter::no_counter(key))),
        Value::Int(-2) => Some(Err(counter::too_much(key))),
        Value::Int(count) => u64::try_from(*count).ok().map(Ok),
        _ => None,
    }
}

/// Parses a 1 or a 0.
pub(super) fn truth(answer: &Value) -> Option<bool> {
    match answer {
        Value::Int(0) => Some(false),
        Value::Int(1) => Some(true),
        _ => None,
    }
}

/// Parses the answer to a [`Command::scan`]: the next cursor, which is `0` at the end, and the keys.
pub(super) fn page(answer: Value) -> Result<(u64, Vec<String>), redis::ParsingError> {
    from_redis_value(answer)
}

/// Returns the names of the keys.
pub(super) fn wires(keys: &[Key]) -> Vec<String> {
    keys.iter().map(wire).collect()
}

/// Groups commands that are sent at once.
pub(super) fn pipelines(commands: Vec<(&str, Cmd)>) -> Vec<Pipeline> {
    let mut all = Vec::with_capacity(commands.len().div_ceil(AT_ONCE));
    let mut left = commands.into_iter().map(|(_, command)| command).peekable();
    while left.peek().is_some() {
        let mut pipeline = Pipeline::new();
        for command in left.by_ref().take(AT_ONCE) {
            pipeline.add_command(command);
        }
        all.push(pipeline);
    }
    all
}

/// Returns a time to live in the unit of redis, rounded up.
pub(super) fn milliseconds(ttl: Option<Duration>) -> Option<String> {
    let ttl = ttl?.as_nanos().div_ceil(1_000_000).max(1);
    (ttl < LONGEST_TTL).then(|| ttl.to_string())
}

/// Redis accepts keys of any length; longer ones are unreadable.
const LONGEST_PART: usize = 250;

/// Returns `beaker:namespace:name`. Neither part contains a `:`, or anything with a meaning in a pattern.
pub(super) fn wire(key: &Key) -> String {
    let name = Namespace::default().key(key.name()).wire(LONGEST_PART);
    prefix(key.namespace()) + &name
}

/// Returns the beginning of all keys of a namespace, which no other keys share. The unnamed namespace is an
/// empty text.
pub(super) fn prefix(namespace: &Namespace) -> String {
    match namespace.name() {
        "" => "beaker::".into(),
        _ => format!("beaker:{}:", namespace.wire(LONGEST_PART)),
    }
}

/// How many bytes a version has; the scripts compare as many.
pub(super) const VERSION: usize = 8;

pub(super) fn build(version: Version, content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(VERSION + content.len());
    bytes.extend(version.number().to_le_bytes());
    bytes.extend(content);
    bytes
}

/// Returns what the answer to a `GET` contains, and counts a damaged value; `None` if it is another answer.
pub(super) fn found(answer: Value, damaged: &AtomicU64) -> Option<Option<Stored>> {
    match answer {
        Value::Nil => Some(None),
        Value::BulkString(bytes) => {
            let stored = read(&bytes);
            damaged.fetch_add(u64::from(stored.is_none()), Ordering::Relaxed);
            Some(stored)
        }
        _ => None,
    }
}

/// Returns what was put; `None` if this library has not written the value.
fn read(bytes: &[u8]) -> Option<Stored> {
    let (version, content) = bytes.split_first_chunk::<VERSION>()?;
    let version = Version::new(u64::from_le_bytes(*version));
    Some(Stored { bytes: content.into(), version })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Namespace;

    fn words(command: &Command) -> Vec<&[u8]> {
        let words = command.cmd.args_iter().map(|word| match word {
            redis::Arg::Simple(word) => word,
            _ => panic!("a command has words alone"),
        });
        words.collect()
    }

    #[test]
    fn a_script_that_is_not_known_is_sent_whole() {
        let key = Namespace::new("n").key("k");
        let put = Put { key: &key, bytes: b"new", ttl: None };
        let writing = Writing::new(&put, Precondition::Unchanged(Version::new(1))).unwrap();
        let by_hash = writing.command();
        let by_text = by_hash.by_text().unwrap();
        assert_eq!(words(&by_hash)[2..], words(&by_text)[2..]);
        assert_eq!((words(&by_hash)[0], words(&by_text)[0]), (&b"EVALSHA"[..], &b"EVAL"[..]));
        assert!(words(&by_text)[1].starts_with(b"if redis.call("));
        assert!(by_text.by_text().is_none() && Command::get("k").by_text().is_none());
    }

    #[test]
    fn times_to_live() {
        let check = |ttl: Option<Duration>, expected: Option<&str>| {
            assert_eq!(milliseconds(ttl).as_deref(), expected);
        };
        check(None, None);
        check(Some(Duration::MAX), None);
        check(Some(Duration::ZERO), Some("1"));
        check(Some(Duration::from_micros(1500)), Some("2"));
        check(Some(Duration::from_secs(1)), Some("1000"));
    }

    #[test]
    fn keys_hold_nothing_that_a_pattern_would_read() {
        let check = |namespace: &str, name: &[u8], expected: &str| {
            assert_eq!(wire(&Namespace::new(namespace).key(name)), expected);
        };
        check("", b"9f3a", "beaker::9f3a");
        check("cities", b"Oslo 1", "beaker:cities:Oslo%201");
        check("a*", b"[b]?\\", "beaker:a%2a:%5bb%5d%3f%5c");
        check("a:b", b"{c}", "beaker:a%3ab:%7bc%7d");
        check("%", b"", "beaker:%25:%");
    }
}
