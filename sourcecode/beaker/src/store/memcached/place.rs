//! The commands for one key, and what goes wrong with them.

use std::time::Duration;

use memcache::exp::{
    Delete, Get, GetResult, Meta, MutationResult, MutationStatus, Op, OpResult, Set, Ttl,
};

use super::marks::Mark;
use super::pool::{Pool, Server};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Namespace};

/// The longest key that memcached takes.
const LONGEST_KEY: usize = 250;

/// A key's place: its server, and the text that stands for it there.
pub(super) struct Place<'a> {
    pub(super) server: &'a Server,
    pub(super) key: &'a Key,
    pub(super) wire: String,
}

/// What a conditional write did.
pub(super) struct Change {
    pub(super) before: GetResult,
    pub(super) written: MutationResult,
    /// As it was after the write.
    pub(super) mark: Mark,
}

impl<'a> Place<'a> {
    pub(super) fn of(pool: &'a Pool, key: &'a Key) -> Place<'a> {
        let wire = key.wire(LONGEST_KEY);
        Place { server: pool.of(&wire), key, wire }
    }

    /// The item, and a mark that may be a moment old.
    pub(super) fn get(&self, now: Duration) -> Result<(Mark, GetResult)> {
        let Some(mark) = self.server.marks.get(self.key.namespace(), now) else {
            return self.look(now);
        };
        let item = self.server.client.run(self.get_item());
        Ok((mark, item.map_err(|error| self.failed("read", error))?))
    }

    /// The item and the mark, both as they are now.
    pub(super) fn look(&self, now: Duration) -> Result<(Mark, GetResult)> {
        let (mark, mut answers) = self.run("read", vec![self.get_item().into()], now)?;
        match answers.pop() {
            Some(OpResult::Get(item)) => Ok((mark, item)),
            _ => Err(self.failed("read", unexpected())),
        }
    }

    pub(super) fn set(&self, set: Set) -> Result<MutationResult> {
        self.server.client.run(set).map_err(|error| self.failed("write", error))
    }

    /// Reads the item, writes, and reads the mark after that, in one round trip.
    pub(super) fn change(&self, set: Set, now: Duration) -> Result<Change> {
        let (mark, answers) = self.run("write", vec![self.get_item().into(), set.into()], now)?;
        match <[_; 2]>::try_from(answers) {
            Ok([OpResult::Get(before), OpResult::Mutation(written)]) => {
                Ok(Change { before, written, mark })
            }
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

    pub(super) fn get_item(&self) -> Get {
        Get::new(&self.wire).meta(Meta::default().cas())
    }

    /// Runs commands for the item, then reads the mark, in one round trip: what is cleared in
    /// between counts as cleared.
    fn run(&self, what: &str, mut all: Vec<Op>, now: Duration) -> Result<(Mark, Vec<OpResult>)> {
        let epoch = self.server.marks.epoch();
        let count = all.len();
        all.push(get_mark(self.key.namespace()).into());
        let answers = self.server.client.run_batch(all);
        let answers =
            answers.and_then(|answers| answers.into_iter().collect::<Result<Vec<_>, _>>());
        let mut answers = answers.map_err(|error| self.failed(what, error))?;
        match answers.pop() {
            Some(OpResult::Get(mark)) if answers.len() == count => {
                self.server.marks.note(self.key.namespace(), mark.item.cas, now, epoch);
                Ok((mark.item.cas, answers))
            }
            _ => Err(self.failed(what, unexpected())),
        }
    }

    pub(super) fn failed(&self, what: &str, error: memcache::exp::Error) -> Error {
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

/// Asks for the mark of a namespace.
pub(super) fn get_mark(namespace: &Namespace) -> Get {
    Get::new(mark_of(namespace)).meta(Meta::default().cas()).without_value()
}

/// No key's own text starts with `!`.
fn mark_of(namespace: &Namespace) -> String {
    format!("!{}", namespace.wire(LONGEST_KEY - 1))
}

pub(super) fn unexpected() -> memcache::exp::Error {
    memcache::exp::Error::Protocol("the answers are not those of the commands".into())
}

fn failed(what: String, server: &Server, error: memcache::exp::Error) -> Error {
    server.marks.forget();
    let hint = "is the server running, and is its address right?";
    let what = format!("{what} in memcached at {}; {hint}", server.address);
    Error::new(ErrorKind::Unavailable, what).caused_by(error)
}
