//! Many keys at once: about one round trip to each server.

use redis::Value;

use super::RedisStore;
use super::command::{self, Command, Writing};
use super::failure::{Failure, many};
use crate::error::Result;
use crate::key::Key;
use crate::store::{Precondition, Put, Stored};

impl RedisStore {
    pub(super) fn get_batch(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>> {
        let answers = self.run_many("read", &each(keys, |wire| Command::get(wire).pack()))?;
        let stored = answers.into_iter().map(|answer| self.stored(answer));
        let stored = stored.collect::<Result<_, Failure>>();
        stored.map_err(|failure| failure.named(&many("read", keys.len())))
    }

    pub(super) fn put_batch(&self, puts: &[Put<'_>]) -> Result<()> {
        let packed = |put: &Put<'_>| {
            let writing = Writing::new(put, Precondition::Always)?;
            let packed = writing.command().pack();
            Ok((writing.wire, packed))
        };
        let sets = puts.iter().map(packed).collect::<Result<Vec<_>>>()?;
        self.run_many("write", &sets).map(drop)
    }

    pub(super) fn delete_batch(&self, keys: &[Key]) -> Result<()> {
        let unlink = |wire: &str| Command::delete(wire, None).pack();
        self.run_many("delete", &each(keys, unlink)).map(drop)
    }

    fn run_many(&self, what: &str, commands: &[(String, Vec<u8>)]) -> Result<Vec<Value>> {
        let answers = self.servers.run_many(commands, &self.deadline());
        answers.map_err(|failure| failure.named(&many(what, commands.len())))
    }
}

/// A command for each key, as bytes.
fn each(keys: &[Key], pack: fn(&str) -> Vec<u8>) -> Vec<(String, Vec<u8>)> {
    let one = |wire: String| {
        let packed = pack(&wire);
        (wire, packed)
    };
    command::wires(keys).into_iter().map(one).collect()
}
