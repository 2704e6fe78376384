//! A server, the connection to it that all tasks share, and its errors.
//!
//! This file opens the socket itself. The reason is that the client's own TLS needs settings of the whole
//! process, and reads the authorities of the system for each connection.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Cmd, ErrorKind as Reason, Pipeline, RedisError, RedisResult,
    ServerErrorKind, Value,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use super::address::{Address, Encryption};
use crate::error::{Error, ErrorKind};
use crate::key::Key;
use crate::store::deadline::{part, within};
#[cfg(feature = "redis-tls")]
use crate::store::tls;

/// A server with one connection, which is opened when it is first needed. A connection that has failed, or
/// whose answer did not arrive in time, is not used for further commands. It is closed when the last of its
/// callers has stopped waiting, which the deadline limits.
pub(super) struct Server {
    /// `host:port`.
    pub(super) name: String,
    address: Address,
    /// Nothing is awaited while this is locked.
    live: Mutex<Option<Live>>,
    /// Held while a connection is opened, so that only one is opened at a time.
    dialing: tokio::sync::Mutex<()>,
    /// The last command got no answer.
    lost: AtomicBool,
    /// Each new connection is checked to lead to a master.
    is_master: bool,
}

/// The effect of a command that is executed twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The same effect as once.
    Read,
    Write,
}

/// A connection, and the task that reads and writes its socket.
#[derive(Clone)]
struct Live {
    connection: MultiplexedConnection,
    driver: Arc<Driver>,
}

/// Ends the task and so closes the connection, together with the last user.
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
            is_master: false,
        }
    }

    /// Creates a server that sentinels name as the master. Nothing is sent to it once it is a replica.
    pub(super) fn new_master(address: Address) -> Server {
        Server { is_master: true, ..Server::new(address) }
    }

    /// Notes that the sentinels must be asked before the next command.
    pub(super) fn lose(&self) {
        *self.slot() = None;
        self.lost.store(true, Ordering::Relaxed);
    }

    /// Returns whether the last command got no answer, so that the next one may not get one either.
    pub(super) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }

    /// Sends a command and returns the answer. A refusal is an error.
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

    /// Sends several commands at once, and returns the answer to each, including refusals.
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

    /// Sends several commands at once. A refusal of any of them is an error.
    pub(super) async fn run_many(
        &self,
        commands: &Pipeline,
        kind: Kind,
        until: Instant,
    ) -> Result<Vec<Value>, Failure> {
        let answers = self.answers(commands, kind, until).await?;
        let accepted = |answer: Value| self.named(answer.extract_error());
        answers.into_iter().map(accepted).collect()
    }

    /// Returns the connection, and opens one if none works. If a caller is dropped while it opens one, the
    /// next caller opens it.
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
            let mut live = Live { connection, driver: Arc::new(Driver(task)) };
            if self.is_master {
                within(until, check_role(&mut live.connection)).await?;
            }
            *self.slot() = Some(live.clone());
            Ok(live)
        });
        let opened: RedisResult<Live> = opened.await;
        let opened = opened.inspect_err(|_| self.lost.store(true, Ordering::Relaxed));
        opened.map_err(|error| Failure { is_unsent: true, ..Failure::new(&self.name, error) })
    }

    /// Returns the connection, unless it was closed.
    fn working(&self) -> Option<Live> {
        self.slot().as_ref().filter(|live| !live.driver.0.is_finished()).cloned()
    }

    /// Notes whether there was an answer. A connection without one is left to its waiting callers.
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

/// Returns whether an open connection was closed instead of an answer.
fn is_cut<T>(answer: &RedisResult<T>) -> bool {
    answer.as_ref().is_err_and(redis::RedisError::is_connection_dropped)
}

/// How many commands the queue of a connection holds before further callers wait for room.
const QUEUE: usize = 1024;

/// Connects, logs in and chooses the database, if the URL has these. The returned task reads and writes the
/// socket, and ends with the connection.
async fn dial(
    address: &Address,
    until: Instant,
) -> RedisResult<(MultiplexedConnection, JoinHandle<()>)> {
    let stream = within(until, connect(address.place(), until)).await?;
    match &address.encryption {
        Encryption::None => log_in(address, stream, until).await,
        #[cfg(feature = "redis-tls")]
        Encryption::Tls(tls) => {
            let host = address.place().0.to_owned();
            let host = host
                .try_into()
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
            let connector = tokio_rustls::TlsConnector::from(tls.config().clone());
            let agreed = timeout_at(until, connector.connect(host, stream)).await;
            // A server without TLS may wait for more bytes and send nothing.
            let agreed = agreed.map_err(|_| {
                let what = "it did not agree on TLS in time; does it speak TLS there?";
                io::Error::new(io::ErrorKind::TimedOut, what)
            });
            log_in(address, agreed??, until).await
        }
    }
}

/// Tries all addresses of the host name.
async fn connect(place: (&str, u16), until: Instant) -> RedisResult<TcpStream> {
    let addresses: Vec<SocketAddr> = lookup_host(place).await?.collect();
    let mut last = io::ErrorKind::NotFound.into();
    for (tried, address) in addresses.iter().enumerate() {
        let time = part(until, addresses.len() - tried);
        match timeout_at(time, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(last.into())
}

async fn log_in(
    address: &Address,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    until: Instant,
) -> RedisResult<(MultiplexedConnection, JoinHandle<()>)> {
    // Each operation has a deadline of its own.
    let config = AsyncConnectionConfig::new().set_response_timeout(None);
    let config = config.set_pipeline_buffer_size(QUEUE);
    let login = match address.encryption {
        Encryption::None => address.login.clone().set_skip_set_lib_name(),
        // If a server refuses our certificate, it reports that after the TLS handshake, in place of its
        // first answer. To detect that here, a command is sent and its answer awaited.
        #[cfg(feature = "redis-tls")]
        Encryption::Tls(_) => {
            address.login.clone().set_lib_name(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
        }
    };
    let opened = MultiplexedConnection::new_with_config(&login, stream, config);
    let (connection, driver) = within(until, opened).await.map_err(of_login)?;
    Ok((connection, tokio::spawn(driver)))
}

/// Fails unless the server is a master. A former master may be a replica when its connection is opened
/// again, and then answers reads with old data.
async fn check_role(connection: &mut MultiplexedConnection) -> RedisResult<()> {
    let answer = connection.send_packed_command(&redis::cmd("ROLE")).await?.extract_error()?;
    let role = match &answer {
        Value::Array(parts) => parts.first(),
        _ => None,
    };
    match role {
        Some(Value::BulkString(role)) if role == b"master" => Ok(()),
        _ => {
            Err((Reason::Server(ServerErrorKind::ReadOnly), "it is a replica, and no master")
                .into())
        }
    }
}

/// An error of the client, and the server that it came from.
pub(super) struct Failure {
    address: String,
    pub(super) error: RedisError,
    /// There was no connection to send the command on.
    is_unsent: bool,
}

impl Failure {
    pub(super) fn new(address: &str, error: impl Into<RedisError>) -> Failure {
        Failure { address: address.to_owned(), error: error.into(), is_unsent: false }
    }

    /// The failure for an answer that does not match the command.
    pub(super) fn unexpected(address: &str) -> Failure {
        let why = "the answer is not one to the command";
        Failure::new(address, (Reason::UnexpectedReturnType, why))
    }

    /// The failure if no server of a cluster has the key, as far as the reachable ones know.
    pub(super) fn uncovered(addresses: &[String]) -> Failure {
        let why = "no server of the cluster has the key, as far as the others know";
        Failure::new(&addresses.join(","), (Reason::ClusterConnectionNotFound, why))
    }

    /// The failure if no sentinel knows a master of this name.
    pub(super) fn no_master(addresses: &[String], name: &str) -> Failure {
        let why = "no sentinel knows a master of this name";
        Failure::new(
            &addresses.join(","),
            (Reason::MasterNameNotFoundBySentinel, why, name.to_owned()),
        )
    }

    /// Returns whether the server has not run the command: it was not reached, or it is a replica.
    pub(super) fn is_not_run(&self) -> bool {
        self.is_unsent || self.error.kind() == Reason::Server(ServerErrorKind::ReadOnly)
    }

    /// Returns whether the server does not know a script by its hash.
    pub(super) fn is_unknown_script(&self) -> bool {
        self.error.kind() == Reason::Server(ServerErrorKind::NoScript)
    }

    /// Converts the failure to the error of an operation.
    pub(super) fn named(self, what: &str) -> Error {
        let (kind, hint) = advice(&self.error);
        let message = format!("{what} in redis at {}; {hint}", self.address);
        Error::new(kind, message).caused_by(self.error)
    }
}

fn advice(error: &RedisError) -> (ErrorKind, &'static str) {
    const WRONG_URL: &str = "check the user, the password and the database in its url";
    let running = "is the server running, and is its address right?";
    #[cfg(feature = "redis-tls")]
    if let Some(advice) = tls::advice(error) {
        return advice;
    }
    match (error.kind(), error.code()) {
        (Reason::AuthenticationFailed | Reason::InvalidClientConfig, _)
        | (_, Some("NOAUTH" | "WRONGPASS")) => (ErrorKind::Config, WRONG_URL),
        (_, Some("ERR")) if error.detail().is_some_and(|why| why.contains("'SENTINEL'")) => (
            ErrorKind::Config,
            "it is no sentinel: name the sentinels, not the servers that they watch",
        ),
        (Reason::MasterNameNotFoundBySentinel, _) => {
            (ErrorKind::Config, "its `master` has another name in the settings of the sentinels")
        }
        (Reason::Server(ServerErrorKind::Moved | ServerErrorKind::Ask), _) => {
            (ErrorKind::Config, "it is one of a cluster: use `ext:rediscluster`")
        }
        (_, Some("NOPERM")) => (ErrorKind::Config, "its user may not do that"),
        (_, Some("ERR")) if error.detail().is_some_and(|why| why.contains("cluster support")) => {
            (ErrorKind::Config, "it is not one of a cluster: use `ext:redis`")
        }
        (_, Some("OOM")) => {
            (ErrorKind::Storage, "its memory is full, and its `maxmemory-policy` drops nothing")
        }
        (_, Some("MISCONF")) => (ErrorKind::Storage, "it cannot write to its disk: is that full?"),
        (_, Some("WRONGTYPE")) => (ErrorKind::Storage, "something else uses its keys"),
        (_, Some("ERR")) => {
            (ErrorKind::Storage, "it refused the command; is it version 4 or later?")
        }
        // LOADING, CLUSTERDOWN, TRYAGAIN, READONLY, BUSY, ...
        (_, Some(_)) => (ErrorKind::Unavailable, "it answers, but not with data at the moment"),
        (_, None) => (ErrorKind::Unavailable, running),
    }
}

/// Classifies the failure of a login: a server that is loading its data refuses everybody, otherwise the
/// login is wrong.
fn of_login(error: RedisError) -> RedisError {
    match error.code() {
        None | Some("LOADING") => error,
        Some(_) => (
            Reason::AuthenticationFailed,
            "it does not take the user, the password or the database of the url",
            error.to_string(),
        )
            .into(),
    }
}

/// Describes in a message what could not be done to this many values.
pub(super) fn many(what: &str, count: usize) -> String {
    format!("could not {what} {count} values")
}

pub(super) fn too_large(key: &Key, size: usize) -> Error {
    let why = format!("{size} bytes are more than it takes; store less in one value");
    Error::new(ErrorKind::TooLarge, format!("could not write {key:?} in redis: {why}"))
}
