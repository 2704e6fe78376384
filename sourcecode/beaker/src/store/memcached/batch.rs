//! Several commands to each server at once.

use std::time::Duration;

use memcache::exp::{Delete, GetResult, Op, OpResult, Set};

use super::marks::Mark;
use super::place::{Place, get_mark, unexpected};
use super::{LARGEST_VALUE, MemcachedStore, image, server_ttl};
use crate::error::Result;
use crate::key::{Key, Namespace};
use crate::store::{Put, Stored};

/// So many commands are sent before the first answer is read. The requests to read, and the answers
/// to what is written, fit into what the system buffers: neither side waits for the other.
const AT_ONCE: usize = 64;

impl MemcachedStore {
    pub(super) fn get_batch(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>> {
        let items = get(&self.places(keys.iter()), self.clock.monotonic())?;
        Ok(items.iter().map(|(mark, item)| self.stored(*mark, item)).collect())
    }

    pub(super) fn put_batch(&self, puts: &[Put<'_>]) -> Result<()> {
        let places = self.places(puts.iter().map(|put| put.key));
        let now = self.clock.now();
        let set = |(place, put): (&Place<'_>, &Put<'_>)| {
            if put.bytes.len() > LARGEST_VALUE {
                return Err(place.too_large(put.bytes.len()));
            }
            let image = image::build(put.ttl.map(|ttl| now + ttl), put.bytes);
            Ok(Set::new(&place.wire, image).ttl(server_ttl(put.ttl)))
        };
        let sets = places.iter().zip(puts).map(set).collect::<Result<Vec<_>>>()?;
        set_all(&places, sets)
    }

    pub(super) fn delete_batch(&self, keys: &[Key]) -> Result<()> {
        delete_all(&self.places(keys.iter()))
    }

    fn places<'a>(&'a self, keys: impl Iterator<Item = &'a Key>) -> Vec<Place<'a>> {
        keys.map(|key| Place::of(&self.pool, key)).collect()
    }
}

/// The items with the marks of their namespaces, in the order of their places.
fn get(places: &[Place<'_>], now: Duration) -> Result<Vec<(Mark, GetResult)>> {
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
        let marks: Vec<Mark> = answers.split_off(group.len()).into_iter().map(mark).collect();
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

/// Writes to each place what is set for it.
fn set_all(places: &[Place<'_>], sets: Vec<Set>) -> Result<()> {
    run_all("write", places, sets.into_iter().map(Op::from).collect())
}

fn delete_all(places: &[Place<'_>]) -> Result<()> {
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

/// Which places go to a server together, none of them empty.
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

fn mark(answer: OpResult) -> Mark {
    match answer {
        OpResult::Get(mark) => mark.item.cas,
        _ => None,
    }
}
