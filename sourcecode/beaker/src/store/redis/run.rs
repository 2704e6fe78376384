//! Running the commands of one operation.

use std::sync::Arc;

use redis::Value;

use super::RedisStore;
use super::command::Command;
use super::deadline::Deadline;
use super::failure::Failure;
use super::image;
use crate::store::Stored;

impl RedisStore {
    /// The time of an operation that begins now.
    pub(super) fn deadline(&self) -> Deadline {
        Deadline::within(self.deadline, Arc::clone(&self.clock))
    }

    pub(super) fn run(&self, wire: &str, command: &Command<'_>) -> Result<Value, Failure> {
        let deadline = self.deadline();
        let run = |command: &Command<'_>| self.servers.run(wire, &command.pack(), &deadline);
        match (run(command), command.by_text()) {
            // It was not run, so this does not run it twice.
            (Err(failure), Some(by_text)) if failure.is_unknown_script() => run(&by_text),
            (done, _) => done,
        }
    }

    /// What the answer to a `GET` holds.
    pub(super) fn stored(&self, answer: Value) -> Result<Option<Stored>, Failure> {
        image::found(answer, &self.damaged).ok_or_else(|| self.unexpected())
    }

    /// An answer that does not belong to the command.
    pub(super) fn unexpected(&self) -> Failure {
        Failure::unexpected(&self.servers.addresses().join(","))
    }
}
