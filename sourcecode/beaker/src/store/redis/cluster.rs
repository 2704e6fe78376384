//! A cluster: its masters with one connection to each, and the slots of each master.
//!
//! The client's own cluster is used only if the program already has one. It repeats a write whose
//! connection broke off, and while it looks for a lost master, the keys of the other masters have to wait
//! too.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::try_join_all;
use redis::{Cmd, ErrorKind, Pipeline, ServerErrorKind, Value};
use tokio::time::Instant;

use super::address::Address;
use super::command::{AT_ONCE, Command};
use super::server::{Failure, Kind, Server};
use crate::store::deadline::part;

/// How often a command is redirected to another server.
const MOST_REDIRECTIONS: usize = 5;

pub(super) struct Cluster {
    /// The servers that were named.
    seeds: Vec<Arc<Server>>,
    /// Its users and its encryption apply to all servers.
    first: Address,
    /// Nothing is awaited while this is locked.
    map: Mutex<Map>,
}

impl Cluster {
    /// No server is asked yet. There is at least one seed.
    pub(super) fn new(seeds: Vec<Address>) -> Cluster {
        let first = seeds[0].clone();
        let seeds = seeds.into_iter().map(|seed| Arc::new(Server::new(seed))).collect();
        Cluster { seeds, first, map: Mutex::default() }
    }

    pub(super) fn addresses(&self) -> Vec<String> {
        self.seeds.iter().map(|server| server.name.clone()).collect()
    }

    /// Runs a command on the master that has the key now.
    pub(super) async fn run(
        &self,
        wire: &str,
        command: &Cmd,
        kind: Kind,
        until: Instant,
    ) -> Result<Value, Failure> {
        let mut server = self.master_of(slot(wire), until).await?;
        let mut answer = server.run(command, kind, until).await;
        for _ in 0..MOST_REDIRECTIONS {
            // A server that redirects has not run the command.
            let Err(Failure { error, .. }) = &answer else { break };
            let Some((place, _)) = error.redirect_node() else { break };
            let Some(next) = self.server_at(place, &server) else { break };
            server = next;
            answer = if error.kind() == ErrorKind::Server(ServerErrorKind::Moved) {
                self.map().is_old = true;
                server.run(command, kind, until).await
            } else {
                asking(&server, command, kind, until).await
            };
        }
        answer
    }

    /// Runs many commands: those of one master together, and all masters at the same time. A command whose
    /// key has moved is run again on its own.
    pub(super) async fn run_many(
        &self,
        commands: &[(&str, Cmd)],
        kind: Kind,
        until: Instant,
    ) -> Result<Vec<Value>, Failure> {
        let mut groups: Vec<(Arc<Server>, Vec<usize>)> = Vec::new();
        for (at, (wire, _)) in commands.iter().enumerate() {
            let master = self.master_of(slot(wire), until).await?;
            let fits = |(server, group): &&mut (Arc<Server>, Vec<usize>)| {
                server.name == master.name && group.len() < AT_ONCE
            };
            match groups.iter_mut().rev().find(fits) {
                Some((_, group)) => group.push(at),
                None => groups.push((master, vec![at])),
            }
        }
        let asked = groups.iter().map(async |(server, group)| {
            let mut pipeline = Pipeline::with_capacity(group.len());
            for &at in group {
                pipeline.add_command(commands[at].1.clone());
            }
            server.answers(&pipeline, kind, until).await
        });
        let answered = try_join_all(asked).await?;
        let mut answers = vec![Value::Nil; commands.len()];
        for ((server, group), answered) in groups.iter().zip(answered) {
            for (&at, answer) in group.iter().zip(answered) {
                answers[at] = match answer.extract_error() {
                    Ok(answer) => answer,
                    Err(error) if error.redirect_node().is_some() => {
                        let (wire, command) = &commands[at];
                        self.run(wire, command, kind, until).await?
                    }
                    Err(error) => return Err(Failure::new(&server.name, error)),
                };
            }
        }
        Ok(answers)
    }

    /// Returns all masters, or an error if some slots have none.
    pub(super) async fn masters(&self, until: Instant) -> Result<Vec<Arc<Server>>, Failure> {
        self.look(until).await?;
        let map = self.map();
        if map.is_whole() { Ok(map.masters()) } else { Err(self.uncovered()) }
    }

    /// Returns the master of a slot. If a master is lost, only its own keys wait for a new map.
    async fn master_of(&self, slot: u16, until: Instant) -> Result<Arc<Server>, Failure> {
        let (known, is_old) = {
            let map = self.map();
            (map.master_of(slot), map.is_old)
        };
        match known {
            Some(server) if !is_old && !server.is_lost() => Ok(server),
            // Without a new map, the server may still be there.
            Some(server) => match self.look(until).await {
                Ok(()) => self.map().master_of(slot).ok_or_else(|| self.uncovered()),
                Err(_) => Ok(server),
            },
            None => {
                self.look(until).await?;
                self.map().master_of(slot).ok_or_else(|| self.uncovered())
            }
        }
    }

    /// Asks one server after the other for the map, beginning with those that answered last time.
    async fn look(&self, until: Instant) -> Result<(), Failure> {
        let mut all = self.map().masters();
        all.extend(self.seeds.iter().cloned());
        all.sort_by_key(|server| server.is_lost());
        let command = Command::cluster_slots().cmd;
        let mut answer = Err(self.uncovered());
        for (asked, server) in all.iter().enumerate() {
            let part = part(until, all.len() - asked);
            let slots = server.run(&command, Kind::Read, part).await;
            answer = slots.map(|slots| (server, slots));
            if answer.is_ok() {
                break;
            }
        }
        let (server, slots) = answer?;
        let ranges = Range::read_all(&slots).ok_or_else(|| self.uncovered())?;
        let ranges = ranges.into_iter().filter_map(|range| {
            let master = self.server_at(&range.master, server)?;
            Some((range.first, range.last, master))
        });
        let ranges = ranges.collect();
        *self.map() = Map::new(ranges);
        Ok(())
    }

    /// Returns the server at `host:port`. If the host is missing, it is that of the server that sent the
    /// answer.
    fn server_at(&self, place: &str, says: &Server) -> Option<Arc<Server>> {
        let (host, port) = place.rsplit_once(':')?;
        let own = says.name.rsplit_once(':')?.0;
        let host = if host.is_empty() { own } else { host };
        let address = self.first.moved_to(host, port.parse().ok()?);
        let name = address.text();
        let known = self.map().masters().into_iter().find(|server| server.name == name);
        let known = known.or_else(|| self.seeds.iter().find(|seed| seed.name == name).cloned());
        Some(known.unwrap_or_else(|| Arc::new(Server::new(address))))
    }

    fn uncovered(&self) -> Failure {
        Failure::uncovered(&self.addresses())
    }

    fn map(&self) -> MutexGuard<'_, Map> {
        self.map.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs a command for a key that is being moved to this server.
async fn asking(
    server: &Server,
    command: &Cmd,
    kind: Kind,
    until: Instant,
) -> Result<Value, Failure> {
    let mut pipeline = Pipeline::with_capacity(2);
    pipeline.add_command(redis::cmd("ASKING")).add_command(command.clone());
    let mut answers = server.answers(&pipeline, kind, until).await?;
    let answer = answers.pop().unwrap_or(Value::Nil);
    answer.extract_error().map_err(|error| Failure::new(&server.name, error))
}

/// The number of slots.
pub(super) const SLOTS: u16 = 16_384;

/// Returns the slot of a key: its CRC-16 (XMODEM). Our keys contain no braces, so the whole key counts.
pub(super) fn slot(key: &str) -> u16 {
    let step = |crc: u16, byte: u8| {
        (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    };
    key.bytes().fold(0, step) % SLOTS
}

/// A range of slots, and the place of their master: `host:port`.
pub(super) struct Range {
    pub(super) first: u16,
    pub(super) last: u16,
    pub(super) master: String,
}

impl Range {
    /// Parses the answer to `CLUSTER SLOTS`; returns `None` for another answer.
    pub(super) fn read_all(answer: &Value) -> Option<Vec<Range>> {
        let Value::Array(ranges) = answer else { return None };
        ranges.iter().map(Range::read).collect()
    }

    fn read(range: &Value) -> Option<Range> {
        let Value::Array(parts) = range else { return None };
        // The replicas follow the master.
        let [Value::Int(first), Value::Int(last), Value::Array(master), ..] = parts.as_slice()
        else {
            return None;
        };
        let (host, port) = match master.as_slice() {
            [Value::BulkString(host), Value::Int(port), ..] => (host.as_slice(), port),
            [Value::Nil, Value::Int(port), ..] => (b"".as_slice(), port),
            _ => return None,
        };
        let host = std::str::from_utf8(host).ok()?;
        let (first, last) = (u16::try_from(*first).ok()?, u16::try_from(*last).ok()?);
        let fits = first <= last && last < SLOTS;
        fits.then(|| Range { first, last, master: format!("{host}:{port}") })
    }
}

/// The masters of all slots: the ranges in order, and none at first.
#[derive(Default)]
struct Map {
    ranges: Vec<(u16, u16, Arc<Server>)>,
    /// A server has reported that the map is outdated.
    pub(super) is_old: bool,
}

impl Map {
    pub(super) fn new(mut ranges: Vec<(u16, u16, Arc<Server>)>) -> Map {
        ranges.sort_by_key(|(first, ..)| *first);
        Map { ranges, is_old: false }
    }

    fn master_of(&self, slot: u16) -> Option<Arc<Server>> {
        let after = self.ranges.partition_point(|(first, ..)| *first <= slot);
        let (_, last, server) = self.ranges.get(after.checked_sub(1)?)?;
        (slot <= *last).then(|| Arc::clone(server))
    }

    /// Returns whether every slot has a master.
    pub(super) fn is_whole(&self) -> bool {
        let covered = |(first, last, _): &(u16, u16, _)| usize::from(last - first) + 1;
        self.ranges.iter().map(covered).sum::<usize>() == usize::from(SLOTS)
    }

    /// Returns each master once.
    pub(super) fn masters(&self) -> Vec<Arc<Server>> {
        let mut masters: Vec<Arc<Server>> = Vec::new();
        for (.., server) in &self.ranges {
            if !masters.iter().any(|known| known.name == server.name) {
                masters.push(Arc::clone(server));
            }
        }
        masters
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_servers() {
        // From `CLUSTER KEYSLOT`.
        assert_eq!(slot("123456789"), 12739);
        assert_eq!(slot("foo"), 12182);
        assert_eq!(slot(""), 0);
    }
}
