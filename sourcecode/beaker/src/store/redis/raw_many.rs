//! Writes many values of another program in about one round trip to each server.

use std::time::Duration;

use super::command::{Command, milliseconds};
use super::raw::RawRedis;
use super::server::{Kind, many};
use crate::error::Result;

impl RawRedis {
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
