//! One server, and the connection to it that all tasks share.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redis::aio::MultiplexedConnection;
use redis::{Cmd, Pipeline, RedisResult, Value};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::address::Address;
use super::dial::dial;
use super::failure::Failure;
use super::slots::Named;
use super::until::within;

/// A server with one connection, which is opened when it is needed first. A connection that failed, or
/// whose answer did not come in time, serves nobody who comes later; it is closed when the last of
/// those who still wait for answers from it has ended, within a deadline.
pub(super) struct Server {
    /// `host:port`.
    pub(super) name: String,
    address: Address,
    /// Nothing is awaited while this is locked.
    live: Mutex<Option<Live>>,
    /// Whoever opens a connection has it; so there is one at a time that is being opened.
    dialing: tokio::sync::Mutex<()>,
    /// The last command got no answer.
    lost: AtomicBool,
}

/// What a command does if it is run twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The same as once.
    Read,
    Write,
}

/// A connection, and the task that moves what is said on it.
#[derive(Clone)]
struct Live {
    connection: MultiplexedConnection,
    driver: Arc<Driver>,
}

/// Ends the task, and so closes the connection, with the last one who has it.
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Server {
    pub(super) fn new(address: Address) -> Server {
        Server {
            name: address.text(),
            address,
            live: Mutex::default(),
            dialing: tokio::sync::Mutex::default(),
            lost: AtomicBool::new(false),
        }
    }

    /// Whether the last command got no answer, so that the next may not either.
    pub(super) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }

    /// Sends a command and returns what is answered. A refusal is an error.
    pub(super) async fn run(
        &self,
        command: &Cmd,
        kind: Kind,
        until: Instant,
    ) -> Result<Value, Failure> {
        let mut again = kind == Kind::Read;
        loop {
            let mut live = self.live(until).await?;
            let sent = live.connection.send_packed_command(command);
            let answer = self.noted(&live.driver, within(until, sent).await);
            if std::mem::take(&mut again) && is_cut(&answer) {
                continue;
            }
            return self.named(answer.and_then(Value::extract_error));
        }
    }

    /// Sends several commands at once, and returns what is answered to each, refusals too.
    pub(super) async fn answers(
        &self,
        commands: &Pipeline,
        kind: Kind,
        until: Instant,
    ) -> Result<Vec<Value>, Failure> {
        let mut again = kind == Kind::Read;
        loop {
            let mut live = self.live(until).await?;
            let sent = live.connection.send_packed_commands(commands, 0, commands.len());
            let answers = self.noted(&live.driver, within(until, sent).await);
            if std::mem::take(&mut again) && is_cut(&answers) {
                continue;
            }
            return self.named(answers);
        }
    }

    /// The connection, opened if there is none that works. Whoever is dropped meanwhile leaves none, and
    /// the next one opens it.
    async fn live(&self, until: Instant) -> Result<Live, Failure> {
        match self.working() {
            Some(live) => Ok(live),
            // Rare, and a large future.
            None => Box::pin(self.open(until)).await,
        }
    }

    async fn open(&self, until: Instant) -> Result<Live, Failure> {
        let opened = within(until, async {
            let _dialing = self.dialing.lock().await;
            if let Some(live) = self.working() {
                return Ok(live);
            }
            let (connection, task) = dial(&self.address, until).await?;
            let live = Live { connection, driver: Arc::new(Driver(task)) };
            *self.slot() = Some(live.clone());
            Ok(live)
        });
        self.named(opened.await.inspect_err(|_| self.lost.store(true, Ordering::Relaxed)))
    }

    /// The connection, unless it was closed.
    fn working(&self) -> Option<Live> {
        self.slot().as_ref().filter(|live| !live.driver.0.is_finished()).cloned()
    }

    /// Notes whether there was an answer. A connection without one is left to those who wait for it.
    fn noted<T>(&self, driver: &Arc<Driver>, answer: RedisResult<T>) -> RedisResult<T> {
        let has_failed = answer
            .as_ref()
            .is_err_and(|error| error.is_unrecoverable_error() || error.is_timeout());
        if has_failed {
            let mut slot = self.slot();
            if slot.as_ref().is_some_and(|live| Arc::ptr_eq(&live.driver, driver)) {
                *slot = None;
            }
        }
        if self.is_lost() != has_failed {
            self.lost.store(has_failed, Ordering::Relaxed);
        }
        answer
    }

    fn named<T>(&self, answer: RedisResult<T>) -> Result<T, Failure> {
        answer.map_err(|error| Failure::new(&self.name, error))
    }

    fn slot(&self) -> MutexGuard<'_, Option<Live>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Named for Server {
    fn name(&self) -> &str {
        &self.name
    }
}

/// Whether a connection that was open before was closed instead of an answer.
fn is_cut<T>(answer: &RedisResult<T>) -> bool {
    answer.as_ref().is_err_and(|error| error.is_connection_dropped())
}
