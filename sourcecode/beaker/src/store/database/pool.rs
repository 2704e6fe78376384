//! [`Pools`]: connections of a blocking program, kept for the next use.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{mem, thread};

use super::connection::{Columns, Connection, Connections, Failure, Found, Pooled, Row, Value};
use super::statements::Statement;
use crate::clock::{Clock, SystemClock};
use crate::error::ErrorKind;

/// The connections for reading and writing in a blocking program.
pub(super) struct Pools {
    reads: Arc<Pool>,
    /// The same as `reads`, unless only one connection may write at a time.
    writes: Arc<Pool>,
    pub(super) clock: Arc<dyn Clock>,
}

impl Pools {
    pub(super) fn new(reads: Arc<Pool>, writes: Arc<Pool>) -> Pools {
        Pools { reads, writes, clock: Arc::new(SystemClock) }
    }

    /// Opens a connection, if there is none.
    #[cfg(feature = "sqlite")]
    pub(super) fn connect(&self) -> Result<(), Failure> {
        self.read(|_| Ok(()))
    }

    fn read<T>(
        &self,
        work: impl FnOnce(&mut (dyn Connection + 'static)) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.reads.run(self.clock.monotonic(), work)
    }

    fn write<T>(
        &self,
        work: impl FnOnce(&mut (dyn Connection + 'static)) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.writes.run(self.clock.monotonic(), work)
    }
}

impl Connections for Pools {
    async fn row(&self, key: &Columns) -> Result<Found, Failure> {
        self.read(|it| it.row(key))
    }

    async fn rows(&self, keys: &[Columns]) -> Result<Vec<Found>, Failure> {
        self.read(|it| it.rows(keys))
    }

    async fn texts(
        &self,
        statement: Statement,
        values: &[Value<'_>],
    ) -> Result<Vec<String>, Failure> {
        self.read(|it| it.texts(statement, values))
    }

    async fn change(&self, statement: Statement, values: &[Value<'_>]) -> Result<usize, Failure> {
        self.write(|it| it.change(statement, values))
    }

    async fn changed(
        &self,
        statement: Statement,
        values: &[Value<'_>],
    ) -> Result<Option<String>, Failure> {
        self.write(|it| it.texts(statement, values)).map(|texts| texts.into_iter().next())
    }

    async fn put_all(&self, rows: &[Row<'_>]) -> Result<(), Failure> {
        self.write(|it| it.put_all(rows))
    }

    async fn delete_all(&self, keys: &[Columns], now: i64) -> Result<(), Failure> {
        self.write(|it| it.delete_all(keys, now))
    }
}

/// Opens a connection.
type Open<C> = Box<dyn Fn() -> Result<Box<C>, Failure> + Send + Sync>;

/// A limited number of connections, opened when they are needed. A connection that failed is not used
/// again, and neither are those that were idle at that time, because a restarted server has closed them.
pub(super) struct Pool<C: Pooled + ?Sized = dyn Connection> {
    open: Open<C>,
    most: usize,
    /// How long to wait while all are in use.
    wait: Duration,
    state: Mutex<State<C>>,
    freed: Condvar,
}

/// Guarded by the mutex. The database is not called while it is held.
struct State<C: ?Sized> {
    idle: Vec<Box<C>>,
    /// The connections in use and the idle ones.
    count: usize,
    /// How often all were dropped.
    epoch: u64,
    /// Threads that wait for a connection, because a wake-up costs a system call even if there are none.
    waiting: usize,
}

impl<C: ?Sized> Default for State<C> {
    fn default() -> State<C> {
        State { idle: Vec::new(), count: 0, epoch: 0, waiting: 0 }
    }
}

impl<C: Pooled + ?Sized> Pool<C> {
    pub(super) fn new(most: usize, wait: Duration, open: Open<C>) -> Pool<C> {
        Pool { open, most, wait, state: Mutex::default(), freed: Condvar::new() }
    }

    /// Runs `work` with a connection, at this time of the monotonic clock.
    pub(super) fn run<T>(
        &self,
        now: Duration,
        work: impl FnOnce(&mut C) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut lent = self.take(now)?;
        let done = match &mut lent.connection {
            Some(connection) => work(connection.as_mut()),
            None => {
                let connection = lent.connection.insert((self.open)()?);
                work(connection.as_mut())
            }
        };
        if done.as_ref().is_err_and(|failure| failure.is_broken) {
            lent.connection = None;
            self.forget();
        }
        done
    }

    /// Returns a connection, or the permission to open one.
    fn take(&self, now: Duration) -> Result<PooledConnection<'_, C>, Failure> {
        loop {
            let none_left =
                |state: &mut State<C>| state.idle.is_empty() && state.count >= self.most;
            let mut state = self.state();
            if none_left(&mut state) {
                state.waiting += 1;
                let waited = self.freed.wait_timeout_while(state, self.wait, none_left);
                let (mut after, time) = waited.unwrap_or_else(PoisonError::into_inner);
                after.waiting -= 1;
                if time.timed_out() {
                    let hint = "all connections were in use until the deadline";
                    let failure = Failure::new(ErrorKind::Unavailable, hint);
                    return Err(Failure { is_broken: false, ..failure });
                }
                state = after;
            }
            let connection = state.idle.pop();
            state.count += usize::from(connection.is_none());
            let mut lent = PooledConnection { pool: self, epoch: state.epoch, connection };
            drop(state);
            if lent.connection.as_mut().is_none_or(|connection| connection.is_current(now)) {
                return Ok(lent);
            }
            lent.connection = None;
            self.forget();
        }
    }

    /// Drops all connections: the idle ones now, the others when they are returned.
    fn forget(&self) {
        let mut state = self.state();
        state.epoch += 1;
        state.count -= state.idle.len();
        let idle = mem::take(&mut state.idle);
        drop(state);
        drop(idle);
        self.freed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State<C>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection in use. It is returned to the pool when this is dropped, if it still works.
struct PooledConnection<'a, C: Pooled + ?Sized> {
    pool: &'a Pool<C>,
    epoch: u64,
    connection: Option<Box<C>>,
}

impl<C: Pooled + ?Sized> Drop for PooledConnection<'_, C> {
    fn drop(&mut self) {
        let connection = self.connection.take().filter(|_| !thread::panicking());
        let mut state = self.pool.state();
        match connection {
            Some(connection) if self.epoch == state.epoch => state.idle.push(connection),
            _ => state.count -= 1,
        }
        let somebody_waits = state.waiting > 0;
        drop(state);
        if somebody_waits {
            self.pool.freed.notify_one();
        }
    }
}
