//! [`AsyncConnections`]: our own connections or those of the program, and how they are used.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::client::{
    AskRow, AskRows, AskTexts, Change, DeleteAll, PutAll, Question, Session, failure, no_answer,
};
use super::server::Server;
use crate::store::database::connection::{Columns, Connections, Failure, Found, Row, Value};
use crate::store::database::statements::{Statement, Statements};
use crate::store::deadline::{end, left, part};

#[cfg(feature = "deadpool-postgres")]
pub(super) use given::Given;

/// Our own connections or those of the program.
pub(super) struct AsyncConnections {
    pub(super) origin: Origin,
    pub(super) deadline: Duration,
}

pub(super) enum Origin {
    Own(Box<Shared>),
    #[cfg(feature = "deadpool-postgres")]
    Given(Given),
}

impl AsyncConnections {
    /// Asks within the deadline, which includes the queue, the connection and the answer. A request that
    /// only reads is repeated if its connection breaks off.
    async fn ask<Q: Question>(&self, question: Q) -> Result<Q::Answer, Failure> {
        let (until, statement) = (end(self.deadline), question.statement());
        let mut again =
            matches!(statement, Statement::Read | Statement::ReadMany | Statement::ClearUntil);
        loop {
            let done = match &self.origin {
                Origin::Own(shared) => {
                    let live = shared.live(until).await?;
                    let asked = timeout_at(until, live.session.ask(&question)).await;
                    let done = asked.map(|done| done.map_err(failure));
                    match &done {
                        Ok(Err(failure)) if failure.is_broken => shared.forget_all(&live),
                        Err(_) => shared.forget(&live),
                        Ok(_) => {}
                    }
                    done
                }
                #[cfg(feature = "deadpool-postgres")]
                Origin::Given(given) => {
                    timeout_at(until, async {
                        let object = given.object().await?;
                        let text = given.statements.text(statement);
                        let prepared = object.prepare_cached(text).await.map_err(failure)?;
                        question.ask(&object, &prepared).await.map_err(failure)
                    })
                    .await
                }
            };
            let done = done.map_err(|_| no_answer())?;
            if std::mem::take(&mut again) && done.as_ref().is_err_and(|failure| failure.is_broken) {
                continue;
            }
            return done;
        }
    }
}

impl Connections for AsyncConnections {
    async fn row(&self, key: &Columns) -> Result<Found, Failure> {
        self.ask(AskRow(key)).await
    }

    async fn rows(&self, keys: &[Columns]) -> Result<Vec<Found>, Failure> {
        self.ask(AskRows(keys)).await
    }

    async fn texts(
        &self,
        statement: Statement,
        values: &[Value<'_>],
    ) -> Result<Vec<String>, Failure> {
        self.ask(AskTexts(statement, values)).await
    }

    async fn change(&self, statement: Statement, values: &[Value<'_>]) -> Result<usize, Failure> {
        self.ask(Change(statement, values)).await
    }

    async fn changed(
        &self,
        statement: Statement,
        values: &[Value<'_>],
    ) -> Result<Option<String>, Failure> {
        self.ask(AskTexts(statement, values)).await.map(|texts| texts.into_iter().next())
    }

    async fn put_all(&self, rows: &[Row<'_>]) -> Result<(), Failure> {
        self.ask(PutAll(rows)).await
    }

    async fn delete_all(&self, keys: &[Columns], now: i64) -> Result<(), Failure> {
        self.ask(DeleteAll(keys, now)).await
    }
}

/// How long no further connection is tried after one was refused while others work.
const STAYS: Duration = Duration::from_secs(1);

/// Connections on which statements follow one another without waiting for answers. Each statement is a
/// transaction of its own, so their order does not matter.
///
/// A connection that was closed, or whose answer did not arrive in time, is not used for further
/// statements. It is closed when the last of its callers has stopped waiting, which the deadline limits.
pub(super) struct Shared {
    pub(super) max: usize,
    server: Server,
    statements: Statements,
    deadline: Duration,
    /// Nothing is awaited while this is locked.
    state: Mutex<State>,
    /// Held while a connection is opened, so that only one is opened at a time.
    opening: tokio::sync::Mutex<()>,
}

/// A connection that is open.
pub(super) struct Live {
    pub(super) session: Session,
    epoch: u64,
}

#[derive(Default)]
struct State {
    /// Each waiting caller holds a clone as well, so the count shows how busy it is.
    live: Vec<Arc<Live>>,
    /// How often all were dropped.
    epoch: u64,
    /// Until when no further connection is opened.
    stays_until: Option<Instant>,
}

impl Shared {
    pub(super) fn new(
        server: Server,
        statements: Statements,
        max: usize,
        deadline: Duration,
    ) -> Shared {
        let (state, opening) = (Mutex::default(), tokio::sync::Mutex::default());
        Shared { max, server, statements, deadline, state, opening }
    }

    /// Returns the connection with the fewest pending statements, or another one if all are busy. If a
    /// caller is dropped while it opens one, the next caller opens it.
    pub(super) async fn live(&self, until: Instant) -> Result<Arc<Live>, Failure> {
        match self.least_busy() {
            Some((live, false)) => Ok(live),
            Some((live, true)) => {
                let Ok(_opening) = self.opening.try_lock() else { return Ok(live) };
                // The previous holder of the lock may have opened the last one.
                if let Some((live, false)) = self.least_busy() {
                    return Ok(live);
                }
                match self.open(part(until, 2)).await {
                    Ok(opened) => Ok(opened),
                    Err(_) => {
                        self.state().stays_until = Some(end(STAYS));
                        Ok(live)
                    }
                }
            }
            None => {
                let Ok(_opening) = timeout_at(until, self.opening.lock()).await else {
                    return Err(no_answer());
                };
                if let Some((live, _)) = self.least_busy() {
                    return Ok(live);
                }
                // Callers that waited for a connection which was not opened in time do not all try again.
                if left(until) <= self.deadline / 8 {
                    return Err(no_answer());
                }
                self.open(until).await
            }
        }
    }

    async fn open(&self, until: Instant) -> Result<Arc<Live>, Failure> {
        // The server cancels a statement before its caller gives the connection up.
        let limit = self.deadline / 4 * 3;
        let opened = timeout_at(until, Session::open(&self.server, &self.statements, limit)).await;
        let session = opened.map_err(|_| no_answer())?.map_err(failure)?;
        let mut state = self.state();
        let live = Arc::new(Live { session, epoch: state.epoch });
        state.live.push(Arc::clone(&live));
        Ok(live)
    }

    /// Returns the connection with the fewest pending statements, and whether another one is allowed.
    fn least_busy(&self) -> Option<(Arc<Live>, bool)> {
        let mut state = self.state();
        state.live.retain(|live| !live.session.is_closed());
        let least = state.live.iter().min_by_key(|live| Arc::strong_count(live))?;
        let is_busy = Arc::strong_count(least) > 1;
        let stays = state.stays_until.is_some_and(|time| !left(time).is_zero());
        Some((Arc::clone(least), is_busy && !stays && state.live.len() < self.max))
    }

    /// Stops using a connection.
    pub(super) fn forget(&self, gone: &Arc<Live>) {
        self.state().live.retain(|live| !Arc::ptr_eq(live, gone));
    }

    /// Stops using all connections that were open when this one broke off, because a restarted server has
    /// closed them.
    pub(super) fn forget_all(&self, broken: &Live) {
        let mut state = self.state();
        if state.epoch == broken.epoch {
            state.epoch += 1;
            state.live.clear();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An existing pool of the program.
#[cfg(feature = "deadpool-postgres")]
mod given {
    use deadpool_postgres::{Object, Pool, PoolError};
    use tokio::sync::OnceCell;

    use super::super::client::{create_where_missing, failure};
    use crate::error::ErrorKind;
    use crate::store::database::connection::Failure;
    use crate::store::database::statements::Statements;

    /// A pool whose connections each serve one operation at a time.
    pub(in super::super) struct Given {
        pool: Pool,
        pub(super) statements: Statements,
        /// Set once the table was found or created.
        is_there: OnceCell<()>,
    }

    impl Given {
        pub(in super::super) fn new(pool: Pool, statements: Statements) -> Given {
            Given { pool, statements, is_there: OnceCell::new() }
        }

        /// Returns a connection, which goes back to the pool when it is dropped. The client reads and
        /// discards answers that are still pending on it.
        pub(super) async fn object(&self) -> Result<Object, Failure> {
            let object = self.pool.get().await.map_err(|error| match error {
                PoolError::Backend(error) => failure(error),
                error => {
                    let hint = "the pool that the program gave has no connection for it";
                    Failure::new(ErrorKind::Unavailable, hint).caused_by(error)
                }
            })?;
            let (probe, create) = (&self.statements.probe, &self.statements.create);
            let create = || create_where_missing(&object, probe, create);
            self.is_there.get_or_try_init(create).await.map_err(failure)?;
            Ok(object)
        }
    }
}
