//! The commands for one key, and what goes wrong with them.

use memcache::exp::{
    Delete, Get, GetResult, Meta, MutationResult, MutationStatus, Op, OpResult, Set,
};

use super::pool::{Pool, Server};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Namespace};

/// The longest key that memcached takes.
const LONGEST_KEY: usize = 250;

/// A key's place: its server, and the texts that stand for it and for its namespace's mark there.
pub(super) struct Place<'a> {
    server: Server<'a>,
    pub(super) wire: String,
    mark: String,
}

impl<'a> Place<'a> {
    pub(super) fn of(pool: &'a Pool, key: &Key) -> Place<'a> {
        let wire = key.wire(LONGEST_KEY);
        Place { server: pool.of(&wire), mark: mark_of(key.namespace()), wire }
    }

    fn get_mark(&self) -> Get {
        Get::new(&self.mark).meta(Meta::default().cas()).without_value()
    }

    /// The mark and the item, in one round trip.
    pub(super) fn look(&self, key: &Key) -> Result<(GetResult, GetResult)> {
        let failed = |error| failed(format!("could not read {key:?}"), self.server.address, error);
        let get = Get::new(&self.wire).meta(Meta::default().cas());
        let answers = self.server.client.run_many([self.get_mark(), get]).map_err(failed)?;
        match <[_; 2]>::try_from(answers) {
            Ok([mark, item]) => Ok((mark.map_err(failed)?, item.map_err(failed)?)),
            Err(_) => Err(failed(memcache::exp::Error::Protocol("answers are missing".into()))),
        }
    }

    pub(super) fn too_large(&self, key: &Key, size: usize) -> Error {
        let what = format!("could not write {key:?} in memcached at {}", self.server.address);
        let why = format!("{size} bytes are more than it takes; store less in one value");
        Error::new(ErrorKind::TooLarge, format!("{what}: {why}"))
    }

    pub(super) fn set(&self, key: &Key, set: Set) -> Result<MutationResult> {
        let what = || format!("could not write {key:?}");
        self.server.client.run(set).map_err(|error| failed(what(), self.server.address, error))
    }

    /// Writes, and reads the mark after that, in one round trip.
    pub(super) fn set_and_mark(&self, key: &Key, set: Set) -> Result<(MutationResult, GetResult)> {
        let failed = |error| failed(format!("could not write {key:?}"), self.server.address, error);
        let batch = [Op::from(set), Op::from(self.get_mark())];
        let mut answers = self.server.client.run_batch(batch).map_err(failed)?.into_iter();
        match (answers.next(), answers.next()) {
            (Some(Ok(OpResult::Mutation(set))), Some(Ok(OpResult::Get(mark)))) => Ok((set, mark)),
            (Some(Err(error)), _) | (_, Some(Err(error))) => Err(failed(error)),
            _ => Err(failed(memcache::exp::Error::Protocol("answers are missing".into()))),
        }
    }

    pub(super) fn delete(&self, key: &Key, delete: Delete) -> Result<bool> {
        let what = || format!("could not delete {key:?}");
        let result = self.server.client.run(delete);
        let result = result.map_err(|error| failed(what(), self.server.address, error))?;
        Ok(result.status == MutationStatus::Applied)
    }
}

/// No key's own text starts with `!`.
pub(super) fn mark_of(namespace: &Namespace) -> String {
    format!("!{}", namespace.wire(LONGEST_KEY - 1))
}

pub(super) fn failed(what: String, address: &str, error: memcache::exp::Error) -> Error {
    let hint = "is the server running, and is its address right?";
    let what = format!("{what} in memcached at {address}; {hint}");
    Error::new(ErrorKind::Unavailable, what).caused_by(error)
}
