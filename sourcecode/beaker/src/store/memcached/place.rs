//! The commands for one key, and what goes wrong with them.

use memcache::exp::{
    Delete, Get, GetResult, Meta, MutationResult, MutationStatus, Op, OpResult, Set, Ttl,
};

use super::marks::Mark;
use super::pool::{Pool, Server};
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Namespace};

/// The longest key that memcached takes.
const LONGEST_KEY: usize = 250;

/// A key's place: its server, and the text that stands for it there.
pub(super) struct Place<'a> {
    server: &'a Server,
    key: &'a Key,
    pub(super) wire: String,
}

impl<'a> Place<'a> {
    pub(super) fn of(pool: &'a Pool, key: &'a Key) -> Place<'a> {
        let wire = key.wire(LONGEST_KEY);
        Place { server: pool.of(&wire), key, wire }
    }

    /// The item, and a mark that may be a moment old.
    pub(super) fn get(&self, now: Timestamp) -> Result<(Mark, GetResult)> {
        let Some(mark) = self.server.marks.get(self.key.namespace(), now) else {
            return self.look(now);
        };
        let item = self.server.client.run(self.get_item());
        Ok((mark, item.map_err(|error| self.failed("read", error))?))
    }

    /// The item and the mark, both as they are now.
    pub(super) fn look(&self, now: Timestamp) -> Result<(Mark, GetResult)> {
        match self.run("read", self.get_item().into(), now)? {
            (mark, OpResult::Get(item)) => Ok((mark, item)),
            _ => Err(self.failed("read", unexpected())),
        }
    }

    pub(super) fn set(&self, set: Set) -> Result<MutationResult> {
        self.server.client.run(set).map_err(|error| self.failed("write", error))
    }

    /// Writes, and reads the mark after that, in one round trip.
    pub(super) fn set_and_look(&self, set: Set, now: Timestamp) -> Result<(Mark, MutationResult)> {
        match self.run("write", set.into(), now)? {
            (mark, OpResult::Mutation(result)) => Ok((mark, result)),
            _ => Err(self.failed("write", unexpected())),
        }
    }

    pub(super) fn delete(&self, delete: Delete) -> Result<bool> {
        let result =
            self.server.client.run(delete).map_err(|error| self.failed("delete", error))?;
        Ok(result.status == MutationStatus::Applied)
    }

    pub(super) fn too_large(&self, size: usize) -> Error {
        let (key, address) = (self.key, &self.server.address);
        let what = format!("could not write {key:?} in memcached at {address}");
        let why = format!("{size} bytes are more than it takes; store less in one value");
        Error::new(ErrorKind::TooLarge, format!("{what}: {why}"))
    }

    fn get_item(&self) -> Get {
        Get::new(&self.wire).meta(Meta::default().cas())
    }

    fn get_mark(&self) -> Get {
        Get::new(mark_of(self.key.namespace())).meta(Meta::default().cas()).without_value()
    }

    /// Runs a command for the item, then reads the mark, in one round trip: what is cleared in
    /// between counts as cleared.
    fn run(&self, what: &str, command: Op, now: Timestamp) -> Result<(Mark, OpResult)> {
        let epoch = self.server.marks.epoch();
        let answers = self.server.client.run_batch([command, self.get_mark().into()]);
        let answers =
            answers.and_then(|answers| answers.into_iter().collect::<Result<Vec<_>, _>>());
        let answers = answers.map_err(|error| self.failed(what, error))?;
        match <[_; 2]>::try_from(answers) {
            Ok([answer, OpResult::Get(mark)]) => {
                self.server.marks.note(self.key.namespace(), mark.item.cas, now, epoch);
                Ok((mark.item.cas, answer))
            }
            _ => Err(self.failed(what, unexpected())),
        }
    }

    fn failed(&self, what: &str, error: memcache::exp::Error) -> Error {
        failed(format!("could not {what} {:?}", self.key), self.server, error)
    }
}

/// Marks everything that is in the namespace now as gone.
pub(super) fn clear(server: &Server, namespace: &Namespace) -> Result<()> {
    let set = Set::new(mark_of(namespace), [1]).ttl(Ttl::NEVER);
    let what = || format!("could not clear {namespace:?}");
    let done = server.client.run(set).map_err(|error| failed(what(), server, error));
    server.marks.forget();
    done.map(drop)
}

/// No key's own text starts with `!`.
fn mark_of(namespace: &Namespace) -> String {
    format!("!{}", namespace.wire(LONGEST_KEY - 1))
}

fn unexpected() -> memcache::exp::Error {
    memcache::exp::Error::Protocol("the answers are not those of the commands".into())
}

fn failed(what: String, server: &Server, error: memcache::exp::Error) -> Error {
    server.marks.forget();
    let hint = "is the server running, and is its address right?";
    let what = format!("{what} in memcached at {}; {hint}", server.address);
    Error::new(ErrorKind::Unavailable, what).caused_by(error)
}
