//! [`RawRedis`]: values of another program, which gives them their names, their content and their time to
//! live. Nothing is added to a value, so its version is the beginning of the SHA-1 hash of its content. Two
//! scripts compare it with the value on the server, because redis calculates that hash.
//!
//! What the names and contents are is decided by who uses this.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use redis::{Cmd, Value};

use super::command::{self, Command, Script, milliseconds};
use super::scan::Scan;
use super::server::{Failure, Kind};
use super::servers::Servers;
use crate::error::{Error, ErrorKind, Result};
use crate::key::Namespace;
use crate::store::{KeyCursor, Precondition, Version, deadline};

/// The largest value of redis.
const LARGEST_VALUE: usize = 512 * 1024 * 1024;

/// Writes if the value still has this content.
static PUT_SAME: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("put_same.lua")));

/// Removes if the value still has this content.
static DELETE_SAME: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("delete_same.lua")));

/// The values of another program on the servers of a store.
#[derive(Clone)]
pub(in crate::store) struct RawRedis {
    servers: Arc<Servers>,
    deadline: Duration,
}

/// A value: its key on the server, and what messages call it.
#[derive(Clone, Copy)]
pub(in crate::store) struct Named<'a> {
    pub(in crate::store) wire: &'a str,
    pub(in crate::store) name: &'a str,
}

impl RawRedis {
    pub(super) fn new(servers: Arc<Servers>, deadline: Duration) -> RawRedis {
        RawRedis { servers, deadline }
    }

    pub(in crate::store) async fn get(&self, value: Named<'_>) -> Result<Option<Vec<u8>>> {
        let answer = self.run(value.wire, &Command::get(value.wire), Kind::Read).await;
        let bytes = answer.and_then(|answer| self.bytes(answer));
        bytes.map_err(|failure| failure.named(&format!("could not read {}", value.name)))
    }

    /// Writes if the condition is met, and returns the version.
    pub(in crate::store) async fn put(
        &self,
        value: Named<'_>,
        bytes: &[u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>> {
        if bytes.len() > LARGEST_VALUE {
            let why =
                format!("{} bytes are more than it takes; store less in one value", bytes.len());
            let what = format!("could not write {} in redis: {why}", value.name);
            return Err(Error::new(ErrorKind::TooLarge, what));
        }
        let mut command = match when {
            Precondition::Always | Precondition::Absent => Command::of("SET").arg(value.wire),
            Precondition::Unchanged(old) => {
                Command::script(&PUT_SAME, value.wire).arg(beginning(old))
            }
        };
        command = command.arg(bytes);
        if let Some(ttl) = milliseconds(ttl) {
            command = command.arg("PX").arg(ttl);
        }
        if when == Precondition::Absent {
            command = command.arg("NX");
        }
        let answer = self.run(value.wire, &command, Kind::Write).await;
        let is_done = answer.and_then(|answer| match (when, &answer) {
            (Precondition::Always | Precondition::Absent, Value::Okay) => Ok(true),
            (Precondition::Absent, Value::Nil) => Ok(false),
            (Precondition::Unchanged(_), answer) => self.truth(answer),
            _ => Err(self.unexpected()),
        });
        let is_done =
            is_done.map_err(|failure| failure.named(&format!("could not write {}", value.name)))?;
        Ok(is_done.then(|| Version::of_content(bytes)))
    }

    /// Removes if the condition is met, and returns whether a value was removed.
    pub(in crate::store) async fn delete(
        &self,
        value: Named<'_>,
        when: Precondition,
    ) -> Result<bool> {
        let command = match when {
            Precondition::Absent => return Ok(false),
            Precondition::Always => Command::delete(value.wire, None),
            Precondition::Unchanged(old) => {
                Command::script(&DELETE_SAME, value.wire).arg(beginning(old))
            }
        };
        let answer = self.run(value.wire, &command, Kind::Write).await;
        let is_done = answer.and_then(|answer| self.truth(&answer));
        is_done.map_err(|failure| failure.named(&format!("could not delete {}", value.name)))
    }

    /// Removes all values whose keys match the pattern and are meant.
    pub(in crate::store) async fn clear(
        &self,
        namespace: &Namespace,
        pattern: &str,
        is_meant: fn(&str) -> bool,
    ) -> Result<()> {
        self.scan(namespace, pattern, is_meant).clear().await
    }

    /// Returns about `most` keys that match the pattern and are meant, and where the next ones begin.
    pub(in crate::store) async fn page(
        &self,
        namespace: &Namespace,
        pattern: &str,
        is_meant: fn(&str) -> bool,
        (from, most): (Option<&KeyCursor>, usize),
    ) -> Result<(Vec<String>, Option<KeyCursor>)> {
        self.scan(namespace, pattern, is_meant).page(from, most).await
    }

    /// Returns `host:port` of each server that was named.
    pub(in crate::store) fn addresses(&self) -> Vec<String> {
        self.servers.addresses()
    }

    fn scan<'a>(
        &'a self,
        namespace: &'a Namespace,
        pattern: &str,
        is_meant: fn(&str) -> bool,
    ) -> Scan<'a> {
        let (servers, deadline) = (&*self.servers, self.deadline);
        Scan { servers, deadline, namespace, pattern: pattern.to_owned(), is_meant }
    }

    async fn run(&self, wire: &str, command: &Command, kind: Kind) -> Result<Value, Failure> {
        self.servers.run(wire, command, kind, deadline::end(self.deadline)).await
    }

    pub(super) async fn run_many(
        &self,
        commands: Vec<(&str, Cmd)>,
        kind: Kind,
    ) -> Result<Vec<Value>, Failure> {
        self.servers.run_many(commands, kind, deadline::end(self.deadline)).await
    }

    pub(super) fn bytes(&self, answer: Value) -> Result<Option<Vec<u8>>, Failure> {
        match answer {
            Value::Nil => Ok(None),
            Value::BulkString(bytes) => Ok(Some(bytes)),
            _ => Err(self.unexpected()),
        }
    }

    fn truth(&self, answer: &Value) -> Result<bool, Failure> {
        command::truth(answer).ok_or_else(|| self.unexpected())
    }

    fn unexpected(&self) -> Failure {
        Failure::unexpected(&self.addresses().join(","))
    }
}

/// Returns the beginning of the hash of a value that has this version, as redis writes it.
fn beginning(version: Version) -> String {
    format!("{:016x}", version.number())
}
