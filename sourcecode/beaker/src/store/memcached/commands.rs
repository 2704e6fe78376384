//! The commands, for one key and for many, which are sent to each server in groups; and their errors.

use std::time::Duration;

use memcache::exp::{
    Arithmetic, Delete, Get, GetResult, Meta, MutationResult, MutationStatus, Op, OpResult, Set,
    Ttl,
};

use super::servers::{Cleared, Mark, Pool, Server};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Namespace};

/// The longest key that memcached accepts.
const LONGEST_KEY: usize = 250;

/// The place of a key: its server, and its text there.
pub(super) struct Place<'a> {
    pub(super) server: &'a Server,
    pub(super) key: &'a Key,
    pub(super) wire: String,
}

/// The result of an addition.
pub(super) enum Added {
    /// The sum, and the version of the item.
    To {
        number: u64,
        cas: u64,
    },
    ToNothing,
    ToNoNumber,
}

/// The result of a conditional write.
pub(super) struct Change {
    pub(super) before: GetResult,
    pub(super) written: MutationResult,
    /// The mark after the write.
    pub(super) mark: Mark,
}

impl<'a> Place<'a> {
    pub(super) fn of(pool: &'a Pool, key: &'a Key) -> Place<'a> {
        let wire = key.wire(LONGEST_KEY);
        Place { server: pool.of(&wire), key, wire }
    }

    /// Returns the item and the mark; the mark may have been read a moment ago.
    pub(super) fn get(&self, now: Duration) -> Result<(Mark, GetResult)> {
        let Some(mark) = self.server.marks.get(self.key.namespace(), now) else {
            return self.look(now);
        };
        let item = self.server.client.run(self.get_item());
        Ok((mark, item.map_err(|error| self.failed("read", error))?))
    }

    /// Returns the current item and the current mark.
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

    /// Reads the item, writes, and then reads the mark, in one round trip.
    pub(super) fn change(&self, set: Set, now: Duration) -> Result<Change> {
        let (mark, answers) = self.run("write", vec![self.get_item().into(), set.into()], now)?;
        match <[_; 2]>::try_from(answers) {
            Ok([OpResult::Get(before), OpResult::Mutation(written)]) => {
                Ok(Change { before, written, mark })
            }
            _ => Err(self.failed("write", unexpected())),
        }
    }

    /// Reads the item and the mark and then adds to the item, in one round trip. The command that the
    /// server may refuse comes last, because the client does not read further.
    pub(super) fn add(&self, add: Arithmetic, now: Duration) -> Result<(Mark, GetResult, Added)> {
        let failed = |error| self.failed("increment", error);
        let epoch = self.server.marks.epoch();
        let namespace = self.key.namespace();
        let all: [Op; 3] = [self.get_item().into(), get_mark(namespace).into(), add.into()];
        let answers = self.server.client.run_batch(all).map_err(failed)?;
        let [item, mark, added] = <[_; 3]>::try_from(answers).map_err(|_| failed(unexpected()))?;
        let OpResult::Get(item) = item.map_err(failed)? else {
            return Err(failed(unexpected()));
        };
        let mark = mark_in(&mark.map_err(failed)?);
        let added = match added {
            Ok(OpResult::Arithmetic(sum)) => match (sum.status, sum.value, sum.item.cas) {
                (MutationStatus::Applied, Some(number), Some(cas)) => Added::To { number, cas },
                (MutationStatus::NotFound, ..) => Added::ToNothing,
                _ => return Err(failed(unexpected())),
            },
            Ok(_) => return Err(failed(unexpected())),
            Err(error) if is_refused(&error) => Added::ToNoNumber,
            Err(error) => return Err(failed(error)),
        };
        self.server.marks.note(namespace, mark, now, epoch);
        Ok((mark, item, added))
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

    /// Runs commands for the item, then reads the mark, in one round trip. If the namespace is cleared in
    /// between, the item counts as cleared.
    fn run(&self, what: &str, mut all: Vec<Op>, now: Duration) -> Result<(Mark, Vec<OpResult>)> {
        let epoch = self.server.marks.epoch();
        let count = all.len();
        all.push(get_mark(self.key.namespace()).into());
        let answers = self.server.client.run_batch(all);
        let answers =
            answers.and_then(|answers| answers.into_iter().collect::<Result<Vec<_>, _>>());
        let mut answers = answers.map_err(|error| self.failed(what, error))?;
        match answers.pop() {
            Some(mark @ OpResult::Get(_)) if answers.len() == count => {
                let mark = mark_in(&mark);
                self.server.marks.note(self.key.namespace(), mark, now, epoch);
                Ok((mark, answers))
            }
            _ => Err(self.failed(what, unexpected())),
        }
    }

    pub(super) fn failed(&self, what: &str, error: memcache::exp::Error) -> Error {
        failed(format!("could not {what} {:?}", self.key), self.server, error)
    }
}

/// Returns whether the server found a command invalid. It has then done nothing, although the client cannot
/// know that.
fn is_refused(error: &memcache::exp::Error) -> bool {
    match error {
        memcache::exp::Error::Ambiguous { source, .. } => is_refused(source),
        error => matches!(error, memcache::exp::Error::Rejected(_)),
    }
}

/// Marks all current items of the namespace as cleared.
pub(super) fn clear(server: &Server, namespace: &Namespace) -> Result<()> {
    let done = mark_as_cleared(server, namespace);
    server.marks.forget();
    done.map_err(|error| failed(format!("could not clear {namespace:?}"), server, error))
}

/// Each `clear` has a number in turn, which counters contain. For that reason, a mark replaces exactly the
/// one that was read. If that has changed, another process has cleared the namespace in the meantime.
fn mark_as_cleared(server: &Server, namespace: &Namespace) -> Result<(), memcache::exp::Error> {
    loop {
        let mark = mark_in(&server.client.run(get_mark(namespace)).map(OpResult::Get)?);
        let set = Set::new(mark_of(namespace), Cleared::next(mark)).ttl(Ttl::NEVER);
        let set = match mark {
            Some(mark) => set.compare_cas(mark.cas),
            None => set.add(),
        };
        // If the server has dropped the mark since, there is nothing to replace.
        if server.client.run(set)?.status != MutationStatus::NotFound {
            return Ok(());
        }
    }
}

/// Asks for the mark of a namespace.
fn get_mark(namespace: &Namespace) -> Get {
    Get::new(mark_of(namespace)).meta(Meta::default().cas())
}

/// Returns the mark in an answer, if there is one.
fn mark_in(answer: &OpResult) -> Mark {
    let OpResult::Get(mark) = answer else { return None };
    let cas = mark.item.cas.filter(|_| mark.hit())?;
    Some(Cleared::read(cas, mark.value.as_deref().unwrap_or_default()))
}

/// No text of a key starts with `!`.
fn mark_of(namespace: &Namespace) -> String {
    format!("!{}", namespace.wire(LONGEST_KEY - 1))
}

pub(super) fn unexpected() -> memcache::exp::Error {
    memcache::exp::Error::Protocol("the answers are not those of the commands".into())
}

pub(super) fn failed(what: String, server: &Server, error: memcache::exp::Error) -> Error {
    server.marks.forget();
    let hint = "is the server running, and is its address right?";
    let what = format!("{what} in memcached at {}; {hint}", server.address);
    Error::new(ErrorKind::Unavailable, what).caused_by(error)
}

/// How many commands are sent before the first answer is read. The read requests, and the answers to
/// writes, fit into the buffers of the system, so that neither side waits for the other.
const AT_ONCE: usize = 64;

/// Returns the items with the marks of their namespaces, in the order of the places.
pub(super) fn get_all(places: &[Place<'_>], now: Duration) -> Result<Vec<(Mark, GetResult)>> {
    let mut found: Vec<Option<(Mark, GetResult)>> = places.iter().map(|_| None).collect();
    for group in groups(places) {
        let mut namespaces: Vec<&Namespace> = Vec::new();
        for &at in &group {
            let namespace = places[at].key.namespace();
            if !namespaces.contains(&namespace) {
                namespaces.push(namespace);
            }
        }
        let epoch = places[group[0]].server.marks.epoch();
        let items = group.iter().map(|&at| places[at].get_item().into());
        let marks = namespaces.iter().map(|namespace| get_mark(namespace).into());
        let mut answers = run("read", places, &group, items.chain(marks).collect())?;
        let marks: Vec<Mark> = answers.split_off(group.len()).iter().map(mark_in).collect();
        for (namespace, mark) in namespaces.iter().zip(&marks) {
            places[group[0]].server.marks.note(namespace, *mark, now, epoch);
        }
        for (&at, answer) in group.iter().zip(answers) {
            let namespace = places[at].key.namespace();
            let mark = namespaces.iter().position(|one| *one == namespace).map(|one| marks[one]);
            if let (Some(mark), OpResult::Get(item)) = (mark, answer) {
                found[at] = Some((mark, item));
            }
        }
    }
    let complete: Option<Vec<_>> = found.into_iter().collect();
    complete.ok_or_else(|| places[0].failed("read", unexpected()))
}

/// Writes to each place the item that is set for it.
pub(super) fn set_all(places: &[Place<'_>], sets: Vec<Set>) -> Result<()> {
    run_all("write", places, sets.into_iter().map(Op::from).collect())
}

pub(super) fn delete_all(places: &[Place<'_>]) -> Result<()> {
    let deletes = places.iter().map(|place| Delete::new(&place.wire).into());
    run_all("delete", places, deletes.collect())
}

fn run_all(what: &str, places: &[Place<'_>], commands: Vec<Op>) -> Result<()> {
    let mut commands: Vec<Option<Op>> = commands.into_iter().map(Some).collect();
    for group in groups(places) {
        let own = group.iter().filter_map(|&at| commands[at].take()).collect();
        run(what, places, &group, own)?;
    }
    Ok(())
}

/// Runs the commands on the server of the group.
fn run(
    what: &str,
    places: &[Place<'_>],
    group: &[usize],
    commands: Vec<Op>,
) -> Result<Vec<OpResult>> {
    let first = &places[group[0]];
    let count = commands.len();
    let answers = first.server.client.run_batch(commands).map_err(|it| first.failed(what, it))?;
    if answers.len() != count {
        return Err(first.failed(what, unexpected()));
    }
    let named = |(at, answer): (usize, Result<OpResult, memcache::exp::Error>)| {
        let place = group.get(at).map_or(first, |&at| &places[at]);
        answer.map_err(|error| place.failed(what, error))
    };
    answers.into_iter().enumerate().map(named).collect()
}

/// Groups the places by server. No group is empty.
fn groups(places: &[Place<'_>]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (at, place) in places.iter().enumerate() {
        let fits = |group: &&mut Vec<usize>| {
            group.len() < AT_ONCE && std::ptr::eq(places[group[0]].server, place.server)
        };
        match groups.iter_mut().rev().find(fits) {
            Some(group) => group.push(at),
            None => groups.push(vec![at]),
        }
    }
    groups
}
