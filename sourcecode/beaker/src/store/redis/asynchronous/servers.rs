//! Where the keys are: on one server or the masters of a cluster, by connections of ours or the program's.

use std::sync::Arc;

use redis::aio::ConnectionManager;
use redis::cluster_async::ClusterConnection;
use redis::{Cmd, Pipeline, Value};
use tokio::time::Instant;

use super::cluster::Cluster;
use super::given;
use super::server::{Kind, Server};
use crate::store::redis::command::{AT_ONCE, Command};
use crate::store::redis::failure::Failure;

pub(super) enum Servers {
    One(Arc<Server>),
    Cluster(Box<Cluster>),
    GivenManager(ConnectionManager),
    GivenCluster(ClusterConnection),
}

/// One server that has keys.
pub(super) enum Place {
    Server(Arc<Server>),
    GivenManager(ConnectionManager),
    /// The master of this slot.
    GivenCluster(ClusterConnection, u16),
}

impl Servers {
    /// Runs a command on the server that has the key. A script that the server does not know is sent
    /// whole.
    pub(super) async fn run(
        &self,
        wire: &str,
        command: &Command<'_>,
        kind: Kind,
        until: Instant,
    ) -> Result<Value, Failure> {
        match self.run_once(wire, &command.to_cmd(), kind, until).await {
            Err(failure) if failure.is_unknown_script() => match command.by_text() {
                // It was not run, so this does not run it twice.
                Some(by_text) => self.run_once(wire, &by_text.to_cmd(), kind, until).await,
                None => Err(failure),
            },
            done => done,
        }
    }

    async fn run_once(
        &self,
        wire: &str,
        command: &Cmd,
        kind: Kind,
        until: Instant,
    ) -> Result<Value, Failure> {
        match self {
            Servers::One(server) => server.run(command, kind, until).await,
            Servers::Cluster(cluster) => cluster.run(wire, command, kind, until).await,
            Servers::GivenManager(manager) => given::by_manager(manager, command, until).await,
            Servers::GivenCluster(cluster) => given::by_cluster(cluster, command, until).await,
        }
    }

    /// Runs many commands, each for one key, about one round trip to each server for all. None may be
    /// refused.
    pub(super) async fn run_many(
        &self,
        commands: Vec<(&str, Cmd)>,
        kind: Kind,
        until: Instant,
    ) -> Result<Vec<Value>, Failure> {
        match self {
            Servers::Cluster(cluster) => cluster.run_many(&commands, kind, until).await,
            Servers::GivenCluster(cluster) => {
                given::many_by_cluster(cluster, &commands, until).await
            }
            Servers::One(_) | Servers::GivenManager(_) => {
                let mut answers = Vec::with_capacity(commands.len());
                let mut left = commands.into_iter().map(|(_, command)| command);
                loop {
                    let some: Vec<Cmd> = left.by_ref().take(AT_ONCE).collect();
                    if some.is_empty() {
                        return Ok(answers);
                    }
                    answers.extend(self.run_together(some, kind, until).await?);
                }
            }
        }
    }

    /// Sends all to the one server.
    async fn run_together(
        &self,
        commands: Vec<Cmd>,
        kind: Kind,
        until: Instant,
    ) -> Result<Vec<Value>, Failure> {
        let server = match self {
            Servers::One(server) => server,
            Servers::GivenManager(manager) => {
                return given::many_by_manager(manager, commands, until).await;
            }
            Servers::Cluster(_) | Servers::GivenCluster(_) => return Ok(Vec::new()),
        };
        let mut pipeline = Pipeline::with_capacity(commands.len());
        for command in commands {
            pipeline.add_command(command);
        }
        let answers = server.answers(&pipeline, kind, until).await?;
        let answers = answers.into_iter().map(Value::extract_error).collect::<Result<_, _>>();
        answers.map_err(|error| Failure::new(&server.name, error))
    }

    /// All servers that have keys.
    pub(super) async fn all(&self, until: Instant) -> Result<Vec<Place>, Failure> {
        match self {
            Servers::One(server) => Ok(vec![Place::Server(Arc::clone(server))]),
            Servers::Cluster(cluster) => {
                let masters = cluster.masters(until).await?;
                Ok(masters.into_iter().map(Place::Server).collect())
            }
            Servers::GivenManager(manager) => Ok(vec![Place::GivenManager(manager.clone())]),
            Servers::GivenCluster(cluster) => {
                let slots = given::slots_of_masters(cluster, until).await?;
                let place = |slot| Place::GivenCluster(cluster.clone(), slot);
                Ok(slots.into_iter().map(place).collect())
            }
        }
    }

    pub(super) fn addresses(&self) -> Vec<String> {
        match self {
            Servers::One(server) => vec![server.name.clone()],
            Servers::Cluster(cluster) => cluster.addresses(),
            Servers::GivenManager(_) | Servers::GivenCluster(_) => vec![given::NAME.to_owned()],
        }
    }
}

impl Place {
    /// Reads something of this server.
    pub(super) async fn read(
        &self,
        command: &Command<'_>,
        until: Instant,
    ) -> Result<Value, Failure> {
        let command = command.to_cmd();
        match self {
            Place::Server(server) => server.run(&command, Kind::Read, until).await,
            Place::GivenManager(manager) => given::by_manager(manager, &command, until).await,
            Place::GivenCluster(cluster, slot) => {
                given::by_slot(cluster, *slot, command, until).await
            }
        }
    }

    pub(super) fn name(&self) -> &str {
        match self {
            Place::Server(server) => &server.name,
            Place::GivenManager(_) | Place::GivenCluster(..) => given::NAME,
        }
    }
}
