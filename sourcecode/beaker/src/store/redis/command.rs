//! What is said to redis: each operation as one command, the same for blocking and for asynchronous
//! programs, so that both know the same records.

use std::io::Write as _;

use redis::{Value, from_redis_value};
use smallvec::SmallVec;

use super::script::{DELETE_UNCHANGED, PUT_UNCHANGED, Script};
use super::{LARGEST_VALUE, failure, image, milliseconds, names};
use crate::error::Result;
use crate::key::Key;
use crate::store::{Precondition, Put, Version};

/// So many commands are sent before the first answer is read.
pub(super) const AT_ONCE: usize = 1000;

/// So many keys are looked at in one step of a search. The server does nothing else meanwhile, some
/// 100 µs.
const STEP: &[u8] = b"1000";

/// The words of one command, as redis reads them: an array of strings.
pub(super) struct Command<'a> {
    words: SmallVec<[&'a [u8]; 9]>,
    /// What it runs, if it names that by its hash.
    script: Option<&'static Script>,
}

impl<'a> Command<'a> {
    /// What lives under a key.
    pub(super) fn get(wire: &'a str) -> Command<'a> {
        Command::of(&[b"GET", wire.as_bytes()])
    }

    /// Removes what lives under a key, if its version is still this one; `None` for any.
    pub(super) fn delete(wire: &'a str, old: Option<&'a [u8; image::VERSION]>) -> Command<'a> {
        match old {
            None => Command::of(&[b"UNLINK", wire.as_bytes()]),
            Some(old) => Command::script(&DELETE_UNCHANGED, wire, &[old]),
        }
    }

    /// The next keys that match, from this cursor on.
    pub(super) fn scan(cursor: &'a str, pattern: &'a str) -> Command<'a> {
        let (cursor, pattern) = (cursor.as_bytes(), pattern.as_bytes());
        Command::of(&[b"SCAN", cursor, b"MATCH", pattern, b"COUNT", STEP])
    }

    /// Which master of a cluster has which slots.
    pub(super) fn cluster_slots() -> Command<'static> {
        Command::of(&[b"CLUSTER", b"SLOTS"])
    }

    fn of(words: &[&'a [u8]]) -> Command<'a> {
        Command { words: words.into(), script: None }
    }

    fn script(script: &'static Script, wire: &'a str, arguments: &[&'a [u8]]) -> Command<'a> {
        let mut command = Command::of(&[b"EVALSHA", script.hash(), b"1", wire.as_bytes()]);
        command.words.extend_from_slice(arguments);
        command.script = Some(script);
        command
    }

    /// The same with the text of its script, for a server that does not know the script by its hash.
    pub(super) fn by_text(&self) -> Option<Command<'a>> {
        let script = self.script?;
        let mut words = self.words.clone();
        words[0] = b"EVAL";
        words[1] = script.text();
        Some(Command { words, script: None })
    }

    /// As bytes. The client's own type would copy each word twice.
    pub(super) fn pack(&self) -> Vec<u8> {
        const AROUND_A_WORD: usize = 16;
        let length = self.words.iter().map(|word| word.len() + AROUND_A_WORD).sum::<usize>();
        let mut packed = Vec::with_capacity(length + AROUND_A_WORD);
        // Writing to memory does not fail.
        let _ = write!(packed, "*{}\r\n", self.words.len());
        for word in &self.words {
            let _ = write!(packed, "${}\r\n", word.len());
            packed.extend_from_slice(word);
            packed.extend_from_slice(b"\r\n");
        }
        packed
    }

    /// As the client's multiplexed connections take it.
    #[cfg(feature = "redis-async")]
    pub(super) fn to_cmd(&self) -> redis::Cmd {
        let length = self.words.iter().map(|word| word.len()).sum();
        let mut cmd = redis::Cmd::with_capacity(self.words.len(), length);
        for word in &self.words {
            cmd.arg(*word);
        }
        cmd
    }
}

/// A value that is to be written, and when.
pub(super) struct Writing {
    pub(super) wire: String,
    pub(super) version: Version,
    image: Vec<u8>,
    ttl: Option<String>,
    when: Precondition,
    old: Option<[u8; image::VERSION]>,
}

impl Writing {
    /// Takes what `Store::put` is given; a value that is too large is an error.
    pub(super) fn new(put: &Put<'_>, when: Precondition) -> Result<Writing> {
        if put.bytes.len() > LARGEST_VALUE {
            return Err(failure::too_large(put.key, put.bytes.len()));
        }
        let version = Version::fresh();
        Ok(Writing {
            wire: names::wire(put.key),
            version,
            image: image::build(version, put.bytes),
            ttl: milliseconds(put.ttl),
            when,
            old: old(when),
        })
    }

    pub(super) fn command(&self) -> Command<'_> {
        let wire = self.wire.as_str();
        let mut command = match &self.old {
            None => Command::of(&[b"SET", wire.as_bytes(), &self.image]),
            Some(old) => Command::script(&PUT_UNCHANGED, wire, &[old, &self.image]),
        };
        if let Some(ttl) = &self.ttl {
            command.words.extend_from_slice(&[b"PX", ttl.as_bytes()]);
        }
        if self.when == Precondition::Absent {
            command.words.push(b"NX");
        }
        command
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
pub(super) fn old(when: Precondition) -> Option<[u8; image::VERSION]> {
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
    keys.iter().map(names::wire).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Namespace;

    #[test]
    fn a_command_is_an_array_of_strings() {
        assert_eq!(Command::get("a b").pack(), b"*2\r\n$3\r\nGET\r\n$3\r\na b\r\n");
        let words: [&[u8]; 4] = [b"SET", b"key", b"\r\n\0", b""];
        let mut cmd = redis::cmd("SET");
        cmd.arg("key").arg(b"\r\n\0".as_slice()).arg("");
        assert_eq!(Command::of(&words).pack(), cmd.get_packed_command());
        #[cfg(feature = "redis-async")]
        assert_eq!(Command::of(&words).to_cmd().get_packed_command(), cmd.get_packed_command());
    }

    #[test]
    fn a_script_that_is_not_known_is_sent_whole() {
        let key = Namespace::new("n").key("k");
        let put = Put { key: &key, bytes: b"new", ttl: None };
        let writing = Writing::new(&put, Precondition::Unchanged(Version::new(1))).unwrap();
        let (by_hash, by_text) = (writing.command(), writing.command().by_text().unwrap());
        assert_eq!(by_hash.words[2..], by_text.words[2..]);
        assert_eq!((by_hash.words[0], by_text.words[0]), (&b"EVALSHA"[..], &b"EVAL"[..]));
        assert!(by_text.words[1].starts_with(b"if redis.call("));
        assert!(by_text.by_text().is_none() && Command::get("k").by_text().is_none());
    }
}
