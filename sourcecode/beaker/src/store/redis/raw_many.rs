//! Many values of another program in about one round trip to each server.

use std::time::Duration;

use redis::Value;

use super::command::{Command, milliseconds};
use super::raw::RawRedis;
use super::server::{Kind, many};
use crate::error::Result;

impl RawRedis {
    /// Returns the values, in the order of their keys on the server.
    pub(super) async fn get_many(&self, wires: &[String]) -> Result<Vec<Option<Vec<u8>>>> {
        let gets = wires.iter().map(|wire| (wire.as_str(), Command::get(wire).cmd));
        let answers = self.run_many(gets.collect(), Kind::Read).await;
        let value = |answer| match answer {
            Value::Nil => Ok(None),
            Value::BulkString(bytes) => Ok(Some(bytes)),
            _ => Err(self.unexpected()),
        };
        answers
            .and_then(|all| all.into_iter().map(value).collect())
            .map_err(|failure| failure.named(&many("read", wires.len())))
    }

    /// Writes values without a condition.
    pub(super) async fn put_many(
        &self,
        values: &[(String, &[u8], Option<Duration>)],
    ) -> Result<()> {
        let set = |(wire, bytes, ttl): &(String, &[u8], Option<Duration>)| {
            let command = Command::of("SET").arg(wire).arg(bytes);
            match milliseconds(*ttl) {
                Some(ttl) => command.arg("PX").arg(ttl).cmd,
                None => command.cmd,
            }
        };
        let sets = values.iter().map(|value| (value.0.as_str(), set(value)));
        let done = self.run_many(sets.collect(), Kind::Write).await;
        done.map(drop).map_err(|failure| failure.named(&many("write", values.len())))
    }
}
