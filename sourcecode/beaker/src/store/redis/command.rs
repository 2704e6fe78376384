//! What is said to redis: each operation as one command. Two conditions need a script, which redis runs as
//! one command too. And what is kept there: under which name a key is, and what a value holds, which is its
//! version, 8 bytes, little-endian, and then the bytes that were put.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use redis::{Cmd, Pipeline, Value, from_redis_value};

use super::server;
use crate::error::Result;
use crate::key::{Key, Namespace};
use crate::store::{Precondition, Put, Stored, Version};

/// So many commands are sent before the first answer is read.
pub(super) const AT_ONCE: usize = 1000;

/// So many keys are looked at in one step of a search. The server does nothing else meanwhile, some
/// 100 µs.
const STEP: &str = "1000";

/// The most that redis keeps in one value, 512 MB, less the version.
const LARGEST_VALUE: usize = 512 * 1024 * 1024 - VERSION;

/// What lives longer than this, some 30,000 years, lives for ever.
const LONGEST_TTL: u128 = 1_000_000_000_000_000;

/// Writes if the version is still this one.
static PUT_UNCHANGED: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("put_unchanged.lua")));

/// Removes if the version is still this one.
static DELETE_UNCHANGED: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("delete_unchanged.lua")));

/// A script for one key. The servers know it by its SHA-1 once they have seen its text.
struct Script {
    text: &'static str,
    hash: String,
}

impl Script {
    fn new(text: &'static str) -> Script {
        Script { text, hash: redis::Script::new(text).get_hash().to_owned() }
    }
}

/// One command, as the client takes it.
pub(super) struct Command {
    pub(super) cmd: Cmd,
    /// What it runs, if it names that by its hash.
    script: Option<&'static Script>,
}

impl Command {
    /// What lives under a key.
    pub(super) fn get(wire: &str) -> Command {
        Command::of("GET").arg(wire)
    }

    /// Removes what lives under a key, if its version is still this one; `None` for any.
    pub(super) fn delete(wire: &str, old: Option<&[u8; VERSION]>) -> Command {
        match old {
            None => Command::of("UNLINK").arg(wire),
            Some(old) => Command::script(&DELETE_UNCHANGED, wire).arg(old),
        }
    }

    /// The next keys that match, from this cursor on.
    pub(super) fn scan(cursor: u64, pattern: &str) -> Command {
        let command = Command::of("SCAN").arg(cursor.to_string());
        command.arg("MATCH").arg(pattern).arg("COUNT").arg(STEP)
    }

    /// Which master of a cluster has which slots.
    pub(super) fn cluster_slots() -> Command {
        Command::of("CLUSTER").arg("SLOTS")
    }

    fn of(name: &str) -> Command {
        Command { cmd: redis::cmd(name), script: None }
    }

    fn script(script: &'static Script, wire: &str) -> Command {
        let command = Command::of("EVALSHA").arg(&script.hash).arg("1").arg(wire);
        Command { script: Some(script), ..command }
    }

    fn arg(mut self, word: impl AsRef<[u8]>) -> Command {
        self.cmd.arg(word.as_ref());
        self
    }

    /// The same with the text of its script, for a server that does not know the script by its hash.
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

/// A value that is to be written, and when.
pub(super) struct Writing {
    pub(super) wire: String,
    pub(super) version: Version,
    image: Vec<u8>,
    ttl: Option<String>,
    when: Precondition,
    old: Option<[u8; VERSION]>,
}

impl Writing {
    /// Takes what `Store::put` is given; a value that is too large is an error.
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

    /// Whether the answer says that it was written; `None` if it is none to this command.
    pub(super) fn is_done(&self, answer: &Value) -> Option<bool> {
        match (self.when, answer) {
            (Precondition::Always | Precondition::Absent, Value::Okay) => Some(true),
            (Precondition::Absent, Value::Nil) => Some(false),
            (Precondition::Unchanged(_), answer) => truth(answer),
            _ => None,
        }
    }
}

/// The version that a condition asks for, as it is stored.
pub(super) fn old(when: Precondition) -> Option<[u8; VERSION]> {
    match when {
        Precondition::Unchanged(old) => Some(old.number().to_le_bytes()),
        Precondition::Always | Precondition::Absent => None,
    }
}

/// What a 1 or a 0 says.
pub(super) fn truth(answer: &Value) -> Option<bool> {
    match answer {
        Value::Int(0) => Some(false),
        Value::Int(1) => Some(true),
        _ => None,
    }
}

/// Reads the answer to a [`Command::scan`]: the next cursor, `0` at the end, and the keys.
pub(super) fn page(answer: Value) -> Result<(u64, Vec<String>), redis::ParsingError> {
    from_redis_value(answer)
}

/// The names of keys.
pub(super) fn wires(keys: &[Key]) -> Vec<String> {
    keys.iter().map(wire).collect()
}

/// Puts commands together that are sent at once.
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

/// A time to live as redis counts it, never less than was asked for.
fn milliseconds(ttl: Option<Duration>) -> Option<String> {
    let ttl = ttl?.as_nanos().div_ceil(1_000_000).max(1);
    (ttl < LONGEST_TTL).then(|| ttl.to_string())
}

/// Redis takes keys of any length; nobody wants to read longer ones.
const LONGEST_PART: usize = 250;

/// `beaker:namespace:name`. Neither part holds a `:`, nor anything that means more in a pattern.
pub(super) fn wire(key: &Key) -> String {
    let name = Namespace::default().key(key.name()).wire(LONGEST_PART);
    prefix(key.namespace()) + &name
}

/// What the keys of a namespace begin with, and no others do: the unnamed one has the empty text.
pub(super) fn prefix(namespace: &Namespace) -> String {
    match namespace.name() {
        "" => "beaker::".into(),
        _ => format!("beaker:{}:", namespace.wire(LONGEST_PART)),
    }
}

/// The bytes of a version. The scripts compare so many.
pub(super) const VERSION: usize = 8;

pub(super) fn build(version: Version, content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(VERSION + content.len());
    bytes.extend(version.number().to_le_bytes());
    bytes.extend(content);
    bytes
}

/// What the answer to a `GET` holds, which is counted if it is no value of ours; `None` if it is no such
/// answer.
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

/// What was put; `None` if it is no value of ours.
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
