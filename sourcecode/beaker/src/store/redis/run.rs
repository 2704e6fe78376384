//! Running the commands of one operation.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use redis::Value;

use super::deadline::Deadline;
use super::failure::Failure;
use super::script::Script;
use super::{RedisStore, command, image};
use crate::store::Stored;

impl RedisStore {
    /// The time of an operation that begins now.
    pub(super) fn deadline(&self) -> Deadline {
        Deadline::within(self.deadline, Arc::clone(&self.clock))
    }

    pub(super) fn run(&self, wire: &str, words: &[&[u8]]) -> Result<Value, Failure> {
        self.servers.run(wire, &command::pack(words), &self.deadline())
    }

    /// What the answer to a `GET` holds.
    pub(super) fn stored(&self, answer: Value) -> Result<Option<Stored>, Failure> {
        match answer {
            Value::Nil => Ok(None),
            Value::BulkString(bytes) => {
                let stored = image::read(&bytes);
                self.damaged.fetch_add(u64::from(stored.is_none()), Ordering::Relaxed);
                Ok(stored)
            }
            _ => Err(self.servers.unexpected()),
        }
    }

    /// Runs a script, which says whether its condition was met.
    pub(super) fn run_script(
        &self,
        script: &Script,
        wire: &str,
        arguments: &[&[u8]],
    ) -> Result<bool, Failure> {
        let deadline = self.deadline();
        let run = |command: Vec<u8>| self.servers.run(wire, &command, &deadline);
        match run(script.by_hash(wire, arguments)) {
            // It was not run, so this does not run it twice.
            Err(failure) if failure.is_unknown_script() => run(script.by_text(wire, arguments)),
            done => done,
        }
        .and_then(|value| self.servers.truth(&value))
    }
}
