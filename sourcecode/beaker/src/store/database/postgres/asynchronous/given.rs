//! [`Given`]: a pool of connections that the program has already.

use deadpool_postgres::{Object, Pool, PoolError};
use tokio::sync::OnceCell;

use crate::error::ErrorKind;
use crate::store::database::connection::Failure;
use crate::store::database::postgres::client::create_where_missing;
use crate::store::database::postgres::failure::failure;
use crate::store::database::statements::Statements;

/// A pool whose connections each serve one operation at a time.
pub(super) struct Given {
    pool: Pool,
    pub(super) statements: Statements,
    /// The table was found, or created.
    is_there: OnceCell<()>,
}

impl Given {
    pub(super) fn new(pool: Pool, statements: Statements) -> Given {
        Given { pool, statements, is_there: OnceCell::new() }
    }

    /// A connection; it goes back to the pool when it is dropped. What was said on it and was not
    /// answered yet, the client reads and throws away.
    pub(super) async fn object(&self) -> Result<Object, Failure> {
        let object = self.pool.get().await.map_err(|error| match error {
            PoolError::Backend(error) => failure(error),
            error => {
                let hint = "the pool that the program gave has no connection for it";
                Failure::new(ErrorKind::Unavailable, hint).caused_by(error)
            }
        })?;
        let create = || create_where_missing(&object, &self.statements);
        self.is_there.get_or_try_init(create).await.map_err(failure)?;
        Ok(object)
    }
}
