//! The master that sentinels name: one server at a time, and another one after a failover.
//!
//! The client's own support for sentinels is not used, for two reasons. Its connections repeat a write
//! whose answer was lost, and they check only at the first connection whether the server is a master.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redis::{Cmd, Pipeline, Value};
use tokio::time::Instant;

use super::address::Address;
use super::server::{Failure, Kind, Server};
use crate::store::deadline::part;

pub(super) struct Sentinels {
    all: Vec<Arc<Server>>,
    /// Its host is the name by which the sentinels know the master. Its users and its encryption apply to
    /// whichever server they name.
    named: Address,
    /// The server that they named last. Nothing is awaited while this is locked.
    master: Mutex<Option<Arc<Server>>>,
}

impl Sentinels {
    /// No sentinel is asked yet. There is at least one.
    pub(super) fn new(sentinels: Vec<Address>, named: Address) -> Sentinels {
        let all = sentinels.into_iter().map(|sentinel| Arc::new(Server::new(sentinel))).collect();
        Sentinels { all, named, master: Mutex::default() }
    }

    pub(super) fn addresses(&self) -> Vec<String> {
        self.all.iter().map(|server| server.name.clone()).collect()
    }

    /// Runs a command on the master. If the command did not run, because its server was not reachable or is
    /// now a replica, it is sent once more to the server that the sentinels name then.
    pub(super) async fn run(
        &self,
        command: &Cmd,
        kind: Kind,
        until: Instant,
    ) -> Result<Value, Failure> {
        let master = self.master(until).await?;
        match master.run(command, kind, until).await {
            Err(failure) if failure.is_not_run() => match self.other_than(&master, until).await {
                Some(other) => other.run(command, kind, until).await,
                None => Err(failure),
            },
            done => done,
        }
    }

    /// Runs many commands at once. A refusal of any of them is an error.
    pub(super) async fn run_many(
        &self,
        commands: &Pipeline,
        kind: Kind,
        until: Instant,
    ) -> Result<Vec<Value>, Failure> {
        let master = self.master(until).await?;
        match master.run_many(commands, kind, until).await {
            // A group of commands contains no conditions, so a part of it may be executed twice.
            Err(failure) if failure.is_not_run() => match self.other_than(&master, until).await {
                Some(other) => other.run_many(commands, kind, until).await,
                None => Err(failure),
            },
            done => done,
        }
    }

    /// Returns the master with a working connection, or the one that the sentinels name in its place.
    pub(super) async fn reached_master(&self, until: Instant) -> Result<Arc<Server>, Failure> {
        let master = self.master(until).await?;
        match master.run(&redis::cmd("PING"), Kind::Read, until).await {
            Err(failure) if failure.is_not_run() => {
                self.other_than(&master, until).await.ok_or(failure)
            }
            _ => Ok(master),
        }
    }

    /// Returns the last known master. If it was lost, the sentinels are asked again.
    async fn master(&self, until: Instant) -> Result<Arc<Server>, Failure> {
        let known = self.known().clone();
        match known {
            Some(master) if !master.is_lost() => Ok(master),
            // Without an answer, it may still be there.
            Some(master) => Ok(self.look(until).await.unwrap_or(master)),
            None => self.look(until).await,
        }
    }

    /// Returns the master, if it is another one now.
    async fn other_than(&self, old: &Arc<Server>, until: Instant) -> Option<Arc<Server>> {
        old.lose();
        let named = self.look(until).await.ok()?;
        (named.name != old.name).then_some(named)
    }

    /// Asks one sentinel after the other, beginning with those that answered last time. The first answer
    /// that names the master counts.
    async fn look(&self, until: Instant) -> Result<Arc<Server>, Failure> {
        let mut all: Vec<&Arc<Server>> = self.all.iter().collect();
        all.sort_by_key(|sentinel| sentinel.is_lost());
        let name = self.named.place().0;
        let mut command = redis::cmd("SENTINEL");
        command.arg("GET-MASTER-ADDR-BY-NAME").arg(name);
        let mut why = Failure::no_master(&self.addresses(), name);
        for (asked, sentinel) in all.iter().enumerate() {
            // Half of the time is reserved for the master.
            let part = part(until, all.len() - asked + 1);
            match sentinel.run(&command, Kind::Read, part).await {
                Ok(answer) => match place(&answer) {
                    Some((host, port)) => return Ok(self.at(&host, port)),
                    // This sentinel does not know the master, but another one may.
                    None => why = Failure::no_master(&self.addresses(), name),
                },
                Err(failure) => why = failure,
            }
        }
        Err(why)
    }

    /// Returns the server at this place, which is the master from now on.
    fn at(&self, host: &str, port: u16) -> Arc<Server> {
        let address = self.named.moved_to(host, port);
        let mut master = self.known();
        match &*master {
            Some(known) if known.name == address.text() => Arc::clone(known),
            _ => Arc::clone(master.insert(Arc::new(Server::new_master(address)))),
        }
    }

    fn known(&self) -> MutexGuard<'_, Option<Arc<Server>>> {
        self.master.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Parses where the master is; returns `None` if the sentinel does not know it.
fn place(answer: &Value) -> Option<(String, u16)> {
    let Value::Array(parts) = answer else { return None };
    let [Value::BulkString(host), Value::BulkString(port)] = parts.as_slice() else { return None };
    let text = |bytes: &[u8]| std::str::from_utf8(bytes).ok().map(str::to_owned);
    Some((text(host)?, text(port)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    #[test]
    fn reads_where_the_master_is() {
        let answer = |parts: &[&str]| Value::Array(parts.iter().map(|part| text(part)).collect());
        assert_eq!(place(&answer(&["10.0.0.1", "6379"])), Some(("10.0.0.1".into(), 6379)));
        for wrong in [&["10.0.0.1"][..], &["10.0.0.1", "65536"], &["a", "b"], &["a", "1", "2"], &[]]
        {
            assert_eq!(place(&answer(wrong)), None, "{wrong:?}");
        }
        assert_eq!(place(&Value::Nil), None);
        assert_eq!(place(&Value::Array(vec![Value::Int(1), Value::Int(2)])), None);
    }
}
