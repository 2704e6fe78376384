//! Beaker's table in SQLite.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{
    Connection as Bare, OptionalExtension, Row, TransactionBehavior, params, types::ValueRef,
};

use super::super::connection::{Failure, Pooled};
use super::super::pool::Pool;
use super::super::sqlite::{Removals, Watch, failure, open_file};
use super::super::wait;
use super::{BeakerTable, Change, Data, Decide, TableConnection, Texts, Types};
use crate::error::Result;

const TYPES: Types = Types {
    id: "integer",
    time: "datetime",
    bytes: "blob",
    // SQLAlchemy reads and writes six digits after the second, of which SQLite knows three.
    now: "strftime('%Y-%m-%d %H:%M:%f000', 'now', 'localtime')",
    mark: "?",
    unless_there: "",
};

/// The file, with the table.
struct Sqlite {
    bare: Bare,
    texts: Arc<Texts>,
    watch: Watch,
}

/// Opens the file, and creates it and the table if they are missing. Only one connection writes at a time, so
/// that threads need not poll for SQLite's lock. The journal stays as Python has it.
pub(super) fn open(path: PathBuf, table: &str, deadline: Duration) -> Result<BeakerTable> {
    let place = format!("the table `{table}` of the database `{}`", path.display());
    let (texts, removals) = (Arc::new(Texts::new(table, &TYPES)), Removals::default());
    let pool = |most: usize| {
        let (path, texts, removals) = (path.clone(), Arc::clone(&texts), removals.clone());
        let open = move || {
            let mut watch = removals.watch(&path, Duration::from_millis(10));
            let bare = open_file(&path, deadline * 3 / 8)?;
            if bare.prepare(&texts.probe).is_err() {
                let create = format!("begin immediate; {}; commit", texts.create);
                bare.execute_batch(&create).map_err(failure)?;
                bare.prepare(&texts.probe).map(drop).map_err(failure)?;
            }
            watch.begin();
            Ok(Box::new(Sqlite { bare, texts: Arc::clone(&texts), watch }) as _)
        };
        Arc::new(Pool::new(most, wait(deadline), Box::new(open)))
    };
    let table = BeakerTable { reads: pool(16), writes: pool(1), place };
    // A place that is not writable is detected now.
    table.read("the sessions", "")?;
    Ok(table)
}

impl Pooled for Sqlite {
    fn is_current(&mut self, now: Duration) -> bool {
        self.watch.is_current(now)
    }
}

impl TableConnection for Sqlite {
    fn read(&mut self, namespace: &str) -> Result<Option<Data>, Failure> {
        read(&self.bare, &self.texts, namespace)
    }

    fn change(&mut self, namespace: &str, decide: Decide<'_>) -> Result<bool, Failure> {
        let begun = self.bare.transaction_with_behavior(TransactionBehavior::Immediate);
        let transaction = begun.map_err(failure)?;
        let before = read(&transaction, &self.texts, namespace)?;
        let execute = |text: &str, data: Option<&[u8]>| {
            let mut statement = transaction.prepare_cached(text).map_err(failure)?;
            match data {
                Some(data) => statement.execute(params![namespace, data]),
                None => statement.execute([namespace]),
            }
            .map_err(failure)
        };
        let changed = match (decide(before.as_deref()), &before) {
            (Change::Nothing, _) => 0,
            (Change::Write(data), Some(_)) => execute(&self.texts.update, Some(&data))?,
            (Change::Write(data), None) => execute(&self.texts.insert, Some(&data))?,
            (Change::Delete, _) => execute(&self.texts.delete, None)?,
        };
        transaction.commit().map_err(failure)?;
        Ok(changed > 0)
    }

    fn page(
        &mut self,
        after: &str,
        length: usize,
        most: usize,
    ) -> Result<Vec<(String, Data)>, Failure> {
        let mut statement = self.bare.prepare_cached(&self.texts.page).map_err(failure)?;
        let (length, most) = (length as i64, i64::try_from(most).unwrap_or(i64::MAX));
        let rows = statement.query_map(params![after, length, most], |row| {
            Ok((row.get_ref(0)?.as_str().unwrap_or_default().to_owned(), data(row, 1)?))
        });
        rows.and_then(Iterator::collect).map_err(failure)
    }
}

fn read(bare: &Bare, texts: &Texts, namespace: &str) -> Result<Option<Data>, Failure> {
    let mut statement = bare.prepare_cached(&texts.read).map_err(failure)?;
    statement.query_row([namespace], |row| data(row, 0)).optional().map_err(failure)
}

/// A column of SQLite may hold values of any type. Others than bytes are no pickle, as no bytes are none.
fn data(row: &Row<'_>, column: usize) -> rusqlite::Result<Data> {
    Ok(match row.get_ref(column)? {
        ValueRef::Blob(bytes) => bytes.to_vec(),
        _ => Data::new(),
    })
}
