//! Where the keys are: on one server, on the masters of a cluster or on the master that sentinels name,
//! through our own connections or those of the program.

use std::sync::Arc;

use redis::{Cmd, Value};
use tokio::time::Instant;

use super::cluster::Cluster;
use super::command::{Command, pipelines};
#[cfg(feature = "redis-async")]
use super::given::{self, Given, GivenPlace};
use super::sentinel::Sentinels;
use super::server::{Failure, Kind, Server};

pub(super) enum Servers {
    One(Arc<Server>),
    Cluster(Box<Cluster>),
    Sentinels(Box<Sentinels>),
    #[cfg(feature = "redis-async")]
    Given(Given),
}

/// A server that has keys.
pub(super) enum Place {
    Server(Arc<Server>),
    #[cfg(feature = "redis-async")]
    Given(GivenPlace),
}

impl Servers {
    /// Runs a command on the server that has the key. If the server does not know a script, its text is
    /// sent.
    pub(super) async fn run(
        &self,
        wire: &str,
        command: &Command,
        kind: Kind,
        until: Instant,
    ) -> Result<Value, Failure> {
        match self.run_once(wire, &command.cmd, kind, until).await {
            Err(failure) if failure.is_unknown_script() => match command.by_text() {
                // The script was not run, so it is not run twice.
                Some(by_text) => Box::pin(self.run_once(wire, &by_text.cmd, kind, until)).await,
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
            Servers::Cluster(cluster) => Box::pin(cluster.run(wire, command, kind, until)).await,
            Servers::Sentinels(sentinels) => Box::pin(sentinels.run(command, kind, until)).await,
            #[cfg(feature = "redis-async")]
            Servers::Given(given) => Box::pin(given.run(command, until)).await,
        }
    }

    /// Runs many commands, each for one key, in about one round trip to each server. A refusal of any of
    /// them is an error.
    pub(super) async fn run_many(
        &self,
        commands: Vec<(&str, Cmd)>,
        kind: Kind,
        until: Instant,
    ) -> Result<Vec<Value>, Failure> {
        match self {
            Servers::One(server) => {
                let mut all = Vec::with_capacity(commands.len());
                for pipeline in pipelines(commands) {
                    all.extend(server.run_many(&pipeline, kind, until).await?);
                }
                Ok(all)
            }
            Servers::Sentinels(sentinels) => {
                let mut all = Vec::with_capacity(commands.len());
                for pipeline in pipelines(commands) {
                    all.extend(sentinels.run_many(&pipeline, kind, until).await?);
                }
                Ok(all)
            }
            Servers::Cluster(cluster) => cluster.run_many(&commands, kind, until).await,
            #[cfg(feature = "redis-async")]
            Servers::Given(given) => given.run_many(commands, until).await,
        }
    }

    /// Returns all servers that have keys.
    pub(super) async fn all(&self, until: Instant) -> Result<Vec<Place>, Failure> {
        match self {
            Servers::One(server) => Ok(vec![Place::Server(Arc::clone(server))]),
            Servers::Cluster(cluster) => {
                let masters = cluster.masters(until).await?;
                Ok(masters.into_iter().map(Place::Server).collect())
            }
            Servers::Sentinels(sentinels) => {
                Ok(vec![Place::Server(sentinels.reached_master(until).await?)])
            }
            #[cfg(feature = "redis-async")]
            Servers::Given(given) => {
                Ok(given.all(until).await?.into_iter().map(Place::Given).collect())
            }
        }
    }

    pub(super) fn addresses(&self) -> Vec<String> {
        match self {
            Servers::One(server) => vec![server.name.clone()],
            Servers::Cluster(cluster) => cluster.addresses(),
            Servers::Sentinels(sentinels) => sentinels.addresses(),
            #[cfg(feature = "redis-async")]
            Servers::Given(_) => vec![given::NAME.to_owned()],
        }
    }
}

impl Place {
    /// Runs a read command on this server.
    pub(super) async fn read(&self, command: &Command, until: Instant) -> Result<Value, Failure> {
        match self {
            Place::Server(server) => server.run(&command.cmd, Kind::Read, until).await,
            #[cfg(feature = "redis-async")]
            Place::Given(place) => place.read(&command.cmd, until).await,
        }
    }

    /// Returns an identifier, which also orders the servers in a list of keys.
    pub(super) fn id(&self) -> String {
        match self {
            Place::Server(server) => server.name.clone(),
            #[cfg(feature = "redis-async")]
            Place::Given(GivenPlace::Server(_)) => "0".to_owned(),
            #[cfg(feature = "redis-async")]
            Place::Given(GivenPlace::Master(_, slot)) => slot.to_string(),
        }
    }

    pub(super) fn name(&self) -> &str {
        match self {
            Place::Server(server) => &server.name,
            #[cfg(feature = "redis-async")]
            Place::Given(_) => given::NAME,
        }
    }
}
