//! Many keys at once: about one round trip to each server.

use redis::Value;

use super::failure::{self, Failure};
use super::names::wire;
use super::{LARGEST_VALUE, RedisStore, command, image, milliseconds};
use crate::error::Result;
use crate::key::Key;
use crate::store::{Put, Stored, Version};

impl RedisStore {
    pub(super) fn get_batch(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>> {
        let answers = self.run_many("read", &commands("GET", keys))?;
        let stored = answers.into_iter().map(|answer| self.stored(answer));
        let stored = stored.collect::<Result<_, Failure>>();
        stored.map_err(|failure| failure.named(&many("read", keys.len())))
    }

    pub(super) fn put_batch(&self, puts: &[Put<'_>]) -> Result<()> {
        let set = |put: &Put<'_>| {
            if put.bytes.len() > LARGEST_VALUE {
                return Err(failure::too_large(put.key, put.bytes.len()));
            }
            let (wire, image) = (wire(put.key), image::build(Version::fresh(), put.bytes));
            let ttl = milliseconds(put.ttl);
            let ttl = ttl.iter().flat_map(|ttl| [b"PX".as_slice(), ttl.as_bytes()]);
            let set = [b"SET", wire.as_bytes(), &image].into_iter();
            let command = command::pack(&set.chain(ttl).collect::<Vec<_>>());
            Ok((wire, command))
        };
        let sets = puts.iter().map(set).collect::<Result<Vec<_>>>()?;
        self.run_many("write", &sets).map(drop)
    }

    pub(super) fn delete_batch(&self, keys: &[Key]) -> Result<()> {
        self.run_many("delete", &commands("UNLINK", keys)).map(drop)
    }

    fn run_many(&self, what: &str, commands: &[(String, Vec<u8>)]) -> Result<Vec<Value>> {
        let answers = self.servers.run_many(commands, &self.deadline());
        answers.map_err(|failure| failure.named(&many(what, commands.len())))
    }
}

/// The same command for each key.
fn commands(name: &str, keys: &[Key]) -> Vec<(String, Vec<u8>)> {
    let one = |key| {
        let wire = wire(key);
        let command = command::pack(&[name.as_bytes(), wire.as_bytes()]);
        (wire, command)
    };
    keys.iter().map(one).collect()
}

fn many(what: &str, count: usize) -> String {
    format!("could not {what} {count} values")
}
