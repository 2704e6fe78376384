//! One server, and the connections to it that nobody uses at the moment.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use redis::{RedisResult, Value};

use super::address::Address;
use super::connection::Connection;
use super::deadline::Deadline;
use super::failure::Failure;
use super::map::Named;

/// More connections than this are not kept.
const MOST_IDLE: usize = 32;

/// Precedes a command for a key that is being moved to this server of a cluster.
const ASKING: &[u8] = b"*1\r\n$6\r\nASKING\r\n";

pub(super) struct Server {
    /// `host:port`.
    pub(super) name: String,
    address: Address,
    /// No command is sent while this is locked.
    idle: Mutex<Vec<Connection>>,
    /// The last command got no answer.
    lost: AtomicBool,
}

impl Server {
    pub(super) fn new(address: Address) -> Server {
        Server {
            name: address.text(),
            address,
            idle: Mutex::default(),
            lost: AtomicBool::new(false),
        }
    }

    /// Whether the last command got no answer, so that the next may not either.
    pub(super) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }

    /// Sends a command and returns what is answered. A refusal is an error.
    pub(super) fn run(&self, command: &[u8], deadline: &Deadline) -> Result<Value, Failure> {
        let answers = self.exchange(command, 1, deadline);
        self.noted(answers.and_then(|answers| one(answers)?.extract_error()))
    }

    /// The same for a key that is being moved to this server.
    pub(super) fn run_asking(&self, command: &[u8], deadline: &Deadline) -> Result<Value, Failure> {
        let answers = self.exchange(&[ASKING, command].concat(), 2, deadline);
        self.noted(answers.and_then(|answers| one(answers)?.extract_error()))
    }

    /// Sends several commands at once, of which none may be refused.
    pub(super) fn run_all(
        &self,
        commands: &[u8],
        count: usize,
        deadline: &Deadline,
    ) -> Result<Vec<Value>, Failure> {
        let answers = self.exchange(commands, count, deadline);
        self.noted(answers.and_then(|all| all.into_iter().map(Value::extract_error).collect()))
    }

    /// Sends several commands at once, and returns what is answered to each, refusals too.
    pub(super) fn answers(
        &self,
        commands: &[u8],
        count: usize,
        deadline: &Deadline,
    ) -> Result<Vec<Value>, Failure> {
        self.noted(self.exchange(commands, count, deadline))
    }

    fn exchange(
        &self,
        commands: &[u8],
        count: usize,
        deadline: &Deadline,
    ) -> RedisResult<Vec<Value>> {
        let mut connection = self.send(commands, deadline)?;
        let answers = connection.receive(count, deadline);
        let answers = answers.inspect(|_| self.keep(connection));
        self.lost.store(answers.is_err(), Ordering::Relaxed);
        answers
    }

    /// Sends on a connection of the pool, or on a new one. A connection that the server has closed
    /// meanwhile is replaced: it is found out before the command is complete at the server, so the
    /// command is not run twice.
    fn send(&self, commands: &[u8], deadline: &Deadline) -> RedisResult<Connection> {
        let pooled = self.idle().pop();
        if let Some(mut connection) = pooled.and_then(Connection::if_idle)
            && connection.send(commands, deadline).is_ok()
        {
            return Ok(connection);
        }
        let dialed = Connection::dial(&self.address, deadline).and_then(|mut connection| {
            connection.send(commands, deadline)?;
            Ok(connection)
        });
        dialed.inspect_err(|_| {
            self.lost.store(true, Ordering::Relaxed);
            self.idle().clear();
        })
    }

    fn keep(&self, connection: Connection) {
        let mut idle = self.idle();
        if idle.len() < MOST_IDLE {
            idle.push(connection);
        }
    }

    fn noted<T>(&self, answer: RedisResult<T>) -> Result<T, Failure> {
        answer.map_err(|error| Failure::new(&self.name, error))
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Named for Server {
    fn name(&self) -> &str {
        &self.name
    }
}

/// The last answer: those before it belong to what precedes the command.
fn one(mut answers: Vec<Value>) -> RedisResult<Value> {
    answers.pop().ok_or_else(|| std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into())
}
