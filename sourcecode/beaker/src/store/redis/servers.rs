//! Where the keys are: on one server, or on the masters of a cluster.

use std::slice;
use std::sync::Arc;

use redis::Value;

use super::address::Address;
use super::cluster::Cluster;
use super::command::AT_ONCE;
use super::deadline::Deadline;
use super::failure::Failure;
use super::server::Server;
use crate::error::Result;

pub(super) enum Servers {
    One(Arc<Server>),
    Cluster(Box<Cluster>),
}

impl Servers {
    pub(super) fn one(url: &str) -> Result<Servers> {
        Address::parse(url).map(|address| Servers::One(Arc::new(Server::new(address))))
    }

    pub(super) fn cluster(urls: &str) -> Result<Servers> {
        Address::parse_all(urls).map(|seeds| Servers::Cluster(Box::new(Cluster::new(seeds))))
    }

    /// Runs a command on the server that has the key.
    pub(super) fn run(
        &self,
        wire: &str,
        command: &[u8],
        deadline: &Deadline,
    ) -> Result<Value, Failure> {
        match self {
            Servers::One(server) => server.run(command, deadline),
            Servers::Cluster(cluster) => cluster.run(wire, command, deadline),
        }
    }

    /// Runs many commands, each for one key, about one round trip to each server for all.
    pub(super) fn run_many(
        &self,
        commands: &[(String, Vec<u8>)],
        deadline: &Deadline,
    ) -> Result<Vec<Value>, Failure> {
        match self {
            Servers::One(server) => {
                let mut answers = Vec::with_capacity(commands.len());
                for some in commands.chunks(AT_ONCE) {
                    let packed: Vec<u8> =
                        some.iter().flat_map(|(_, command)| command).copied().collect();
                    answers.extend(server.run_all(&packed, some.len(), deadline)?);
                }
                Ok(answers)
            }
            Servers::Cluster(cluster) => cluster.run_many(commands, deadline),
        }
    }

    /// All servers that have keys.
    pub(super) fn all(&self, deadline: &Deadline) -> Result<Vec<Arc<Server>>, Failure> {
        match self {
            Servers::One(server) => Ok(slice::from_ref(server).to_vec()),
            Servers::Cluster(cluster) => cluster.masters(deadline),
        }
    }

    pub(super) fn addresses(&self) -> Vec<String> {
        match self {
            Servers::One(server) => vec![server.name.clone()],
            Servers::Cluster(cluster) => cluster.addresses(),
        }
    }
}
