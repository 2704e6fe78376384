//! Many values of another program, in about one round trip to each server.

use std::time::Duration;

use super::command::{Command, milliseconds};
use super::raw::RawRedis;
use super::server::{Kind, many};
use crate::error::Result;

impl RawRedis {
    /// Reads values.
    pub(in crate::store) async fn get_many(
        &self,
        wires: &[String],
    ) -> Result<Vec<Option<Vec<u8>>>> {
        let gets = wires.iter().map(|wire| (wire.as_str(), Command::get(wire).cmd));
        let answers = self.run_many(gets.collect(), Kind::Read).await;
        answers
            .and_then(|all| all.into_iter().map(|answer| self.bytes(answer)).collect())
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

    /// Removes values.
    pub(super) async fn delete_many(&self, wires: &[String]) -> Result<()> {
        let unlinks = wires.iter().map(|wire| (wire.as_str(), Command::delete(wire, None).cmd));
        let done = self.run_many(unlinks.collect(), Kind::Write).await;
        done.map(drop).map_err(|failure| failure.named(&many("delete", wires.len())))
    }
}
