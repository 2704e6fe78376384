//! Existing connections of the program: a connection manager, or a cluster connection.

use futures_util::future::try_join_all;
use redis::aio::{ConnectionLike, ConnectionManager};
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{Route, RoutingInfo, SingleNodeRoutingInfo, SlotAddr};
use redis::{Cmd, RedisResult, Value};
use tokio::time::Instant;

use super::cluster::{Range, SLOTS};
use super::command::{AT_ONCE, Command, pipelines};
use super::server::Failure;
use crate::store::deadline::within;

/// The name of such a connection in errors. Only the program knows where its servers are.
pub(super) const NAME: &str = "the connection that the program gave";

/// An existing connection of the program.
pub(super) enum Given {
    Manager(ConnectionManager),
    Cluster(ClusterConnection),
}

/// A server that has keys.
pub(super) enum GivenPlace {
    Server(ConnectionManager),
    /// The master of this slot.
    Master(ClusterConnection, u16),
}

impl Given {
    pub(super) async fn run(&self, command: &Cmd, until: Instant) -> Result<Value, Failure> {
        match self {
            Given::Manager(manager) => by_manager(manager, command, until).await,
            Given::Cluster(cluster) => by_cluster(cluster, command, until).await,
        }
    }

    /// Runs many commands, each for one key. A refusal of any of them is an error.
    pub(super) async fn run_many(
        &self,
        commands: Vec<(&str, Cmd)>,
        until: Instant,
    ) -> Result<Vec<Value>, Failure> {
        match self {
            Given::Manager(manager) => many_by_manager(manager, commands, until).await,
            Given::Cluster(cluster) => many_by_cluster(cluster, &commands, until).await,
        }
    }

    /// Returns all servers that have keys.
    pub(super) async fn all(&self, until: Instant) -> Result<Vec<GivenPlace>, Failure> {
        match self {
            Given::Manager(manager) => Ok(vec![GivenPlace::Server(manager.clone())]),
            Given::Cluster(cluster) => {
                let slots = slots_of_masters(cluster, until).await?;
                let place = |slot| GivenPlace::Master(cluster.clone(), slot);
                Ok(slots.into_iter().map(place).collect())
            }
        }
    }
}

impl GivenPlace {
    /// Runs a read command on this server.
    pub(super) async fn read(&self, command: &Cmd, until: Instant) -> Result<Value, Failure> {
        match self {
            GivenPlace::Server(manager) => by_manager(manager, command, until).await,
            GivenPlace::Master(cluster, slot) => {
                by_slot(cluster, *slot, command.clone(), until).await
            }
        }
    }
}

/// Sends a command through a connection manager, which reconnects by itself.
async fn by_manager(
    manager: &ConnectionManager,
    command: &Cmd,
    until: Instant,
) -> Result<Value, Failure> {
    named(within(until, manager.clone().send_packed_command(command)).await)
}

/// Sends commands through a connection manager, a group at a time.
async fn many_by_manager(
    manager: &ConnectionManager,
    commands: Vec<(&str, Cmd)>,
    until: Instant,
) -> Result<Vec<Value>, Failure> {
    let mut all = Vec::with_capacity(commands.len());
    for pipeline in pipelines(commands) {
        let mut manager = manager.clone();
        let sent = manager.send_packed_commands(&pipeline, 0, pipeline.len());
        let answers: RedisResult<Vec<Value>> = within(until, sent)
            .await
            .and_then(|answers| answers.into_iter().map(Value::extract_error).collect());
        all.extend(answers.map_err(|error| Failure::new(NAME, error))?);
    }
    Ok(all)
}

/// Sends a command to the master of its key.
async fn by_cluster(
    cluster: &ClusterConnection,
    command: &Cmd,
    until: Instant,
) -> Result<Value, Failure> {
    named(within(until, cluster.clone().req_packed_command(command)).await)
}

/// Sends commands to the masters of their keys, all at once if no key occurs twice.
async fn many_by_cluster(
    cluster: &ClusterConnection,
    commands: &[(&str, Cmd)],
    until: Instant,
) -> Result<Vec<Value>, Failure> {
    let mut answers = Vec::with_capacity(commands.len());
    let mut rest = commands;
    while !rest.is_empty() {
        let mut seen = std::collections::HashSet::new();
        let first_again = rest.iter().position(|(wire, _)| !seen.insert(*wire));
        let (now, later) = rest.split_at(first_again.unwrap_or(rest.len()).min(AT_ONCE));
        let sent = now.iter().map(|(_, command)| by_cluster(cluster, command, until));
        answers.extend(try_join_all(sent).await?);
        rest = later;
    }
    Ok(answers)
}

/// Sends a command to the master of this slot, whatever its keys are.
async fn by_slot(
    cluster: &ClusterConnection,
    slot: u16,
    command: Cmd,
    until: Instant,
) -> Result<Value, Failure> {
    let route = SingleNodeRoutingInfo::SpecificNode(Route::new(slot, SlotAddr::Master));
    let mut cluster = cluster.clone();
    let sent = cluster.route_command(command, RoutingInfo::SingleNode(route));
    named(within(until, sent).await)
}

/// Returns a slot of each master, or an error if some slots have none.
async fn slots_of_masters(
    cluster: &ClusterConnection,
    until: Instant,
) -> Result<Vec<u16>, Failure> {
    let route = RoutingInfo::SingleNode(SingleNodeRoutingInfo::RandomPrimary);
    let mut cluster = cluster.clone();
    let sent = cluster.route_command(Command::cluster_slots().cmd, route);
    let slots = named(within(until, sent).await)?;
    let ranges = Range::read_all(&slots).ok_or_else(uncovered)?;
    let covered: usize = ranges.iter().map(|range| usize::from(range.last - range.first) + 1).sum();
    if covered != usize::from(SLOTS) {
        return Err(uncovered());
    }
    let mut masters: Vec<Range> = Vec::new();
    for range in ranges {
        if !masters.iter().any(|known| known.master == range.master) {
            masters.push(range);
        }
    }
    Ok(masters.into_iter().map(|range| range.first).collect())
}

fn uncovered() -> Failure {
    Failure::uncovered(&[NAME.to_owned()])
}

fn named(answer: RedisResult<Value>) -> Result<Value, Failure> {
    answer.and_then(Value::extract_error).map_err(|error| Failure::new(NAME, error))
}
