//! [`AsyncConnections`]: connections of ours, or the program's, and the one way to use them.

use std::time::Duration;

use tokio::time::timeout_at;

#[cfg(feature = "deadpool-postgres")]
use super::given::Given;
use super::shared::Shared;
use crate::store::database::columns::{Columns, Row};
use crate::store::database::connection::{Connections, Failure, Found, Value};
use crate::store::database::postgres::client::{
    AskRow, AskRows, AskText, Change, DeleteAll, PutAll, Question,
};
use crate::store::database::postgres::failure::{failure, no_answer};
use crate::store::database::statements::Statement;
use crate::store::until::end;

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
    /// Asks within the deadline: the queue, the connection and the answer
    /// together. What only reads is done again if its connection breaks off.
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

    async fn text(
        &self,
        statement: Statement,
        values: &[Value<'_>],
    ) -> Result<Option<String>, Failure> {
        self.ask(AskText(statement, values)).await
    }

    async fn change(&self, statement: Statement, values: &[Value<'_>]) -> Result<usize, Failure> {
        self.ask(Change(statement, values)).await
    }

    async fn put_all(&self, rows: &[Row<'_>]) -> Result<(), Failure> {
        self.ask(PutAll(rows)).await
    }

    async fn delete_all(&self, keys: &[Columns], now: i64) -> Result<(), Failure> {
        self.ask(DeleteAll(keys, now)).await
    }
}
