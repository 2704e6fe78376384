//! SQLite: a file with many readers and one writer at a time (WAL mode).

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use std::{fs, io};

use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{
    CachedStatement, Connection as Bare, ErrorCode, OpenFlags, TransactionBehavior,
    params_from_iter,
};

use super::Journal;
use super::connection::{Columns, Connection, Failure, Found, Pooled, Row, Value};
use super::statements::{Dialect, Statement, Statements};
use crate::error::ErrorKind;
use crate::file_lock::FileLock;
use crate::private;

pub(super) const DIALECT: Dialect = Dialect {
    text: "text",
    number: "integer",
    bytes: "blob",
    // Without this, a column accepts values of any type.
    ending: " strict",
    mark: "?",
    number_of: "(case when cast(COLUMN as text) not glob '*[^0-9]*' and length(COLUMN) between 1 and 16 \
                then cast(cast(COLUMN as text) as integer) end)",
    digits_of: "cast(cast(NUMBER as text) as blob)",
    text_of: "cast(bytes as text)",
};

/// An open file.
pub(super) struct Sqlite {
    bare: Bare,
    statements: Arc<Statements>,
    watch: Watch,
}

impl Sqlite {
    /// Opens the file, and creates it, its folder and the table if they are missing. It waits for the locks
    /// of others for at most `wait`, now and for each later statement.
    pub(super) fn open(
        path: &Path,
        statements: Arc<Statements>,
        mut watch: Watch,
        journal: Journal,
        wait: Duration,
    ) -> Result<Sqlite, Failure> {
        let bare = open_file(path, wait)?;
        if journal == Journal::Ours {
            bare.pragma_update(None, "synchronous", "normal").map_err(failure)?;
        }
        if bare.prepare(&statements.probe).is_err() {
            create(&bare, path, &statements, journal)?;
        }
        watch.begin();
        Ok(Sqlite { bare, statements, watch })
    }
}

/// Opens the file, and creates it and its folder if they are missing. The connection waits for the locks of
/// others for at most `wait`.
pub(super) fn open_file(path: &Path, wait: Duration) -> Result<Bare, Failure> {
    if let Some(folder) = path.parent() {
        let unwritable = |error| Failure::new(ErrorKind::Storage, UNWRITABLE).caused_by(error);
        private::create_folder(folder).map_err(unwritable)?;
    }
    create_file(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let bare = Bare::open_with_flags(path, flags).map_err(failure)?;
    bare.busy_timeout(wait).map_err(failure)?;
    Ok(bare)
}

/// Creates an empty file, which is a valid database, so that it gets our mode: SQLite gives its log the
/// mode of the database. A link to a file is followed, a dangling link is not.
fn create_file(path: &Path) -> Result<(), Failure> {
    match private::options().write(true).create_new(true).open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(Failure::new(ErrorKind::Storage, UNWRITABLE).caused_by(error))
        }
        _ => Ok(()),
    }
}

/// The change to WAL does not wait for others, so programs that create the file take turns.
fn create(
    bare: &Bare,
    path: &Path,
    statements: &Statements,
    journal: Journal,
) -> Result<(), Failure> {
    let mut lock = path.as_os_str().to_owned();
    lock.push("-create.lock");
    let _lock = FileLock::lock(Path::new(&lock))
        .map_err(|error| Failure::new(ErrorKind::Storage, UNWRITABLE).caused_by(error))?;
    // An existing table is ours by now, or belongs to another program and stays as it is.
    let has_table = "select exists (select 1 from sqlite_master where name = ?1 collate nocase)";
    let has_table: bool =
        bare.query_row(has_table, [&statements.table], |row| row.get(0)).map_err(failure)?;
    if !has_table {
        if journal == Journal::Ours {
            bare.pragma_update(None, "journal_mode", "wal").map_err(failure)?;
        }
        bare.execute_batch(&format!("begin immediate; {}; commit", statements.create))
            .map_err(failure)?;
    }
    bare.prepare(&statements.probe).map(drop).map_err(failure)
}

impl Sqlite {
    fn prepared(&self, statement: Statement) -> Result<CachedStatement<'_>, Failure> {
        self.bare.prepare_cached(self.statements.text(statement)).map_err(failure)
    }

    /// Runs the statement with each of these values, in one transaction.
    fn change_all<'a, V: AsRef<[Value<'a>]>>(
        &mut self,
        statement: Statement,
        all: impl Iterator<Item = V>,
    ) -> Result<(), Failure> {
        let begun = self.bare.transaction_with_behavior(TransactionBehavior::Immediate);
        let transaction = begun.map_err(failure)?;
        {
            let text = self.statements.text(statement);
            let mut statement = transaction.prepare_cached(text).map_err(failure)?;
            for values in all {
                statement.execute(params_from_iter(values.as_ref())).map_err(failure)?;
            }
        }
        transaction.commit().map_err(failure)
    }
}

impl Connection for Sqlite {
    fn row(&mut self, key: &Columns) -> Result<Found, Failure> {
        let mut statement = self.prepared(Statement::Read)?;
        let mut rows = statement.query(params_from_iter(key.values())).map_err(failure)?;
        let row = rows.next().map_err(failure)?;
        Ok(row.map_or(Found::Nothing, |row| read(row).unwrap_or(Found::Damaged)))
    }

    fn texts(
        &mut self,
        statement: Statement,
        values: &[Value<'_>],
    ) -> Result<Vec<String>, Failure> {
        let mut statement = self.prepared(statement)?;
        let texts = statement.query_map(params_from_iter(values), |row| row.get(0));
        texts.and_then(Iterator::collect).map_err(failure)
    }

    fn change(&mut self, statement: Statement, values: &[Value<'_>]) -> Result<usize, Failure> {
        let mut statement = self.prepared(statement)?;
        statement.execute(params_from_iter(values)).map_err(failure)
    }

    fn put_all(&mut self, rows: &[Row<'_>]) -> Result<(), Failure> {
        self.change_all(Statement::Put, rows.iter().map(Row::values))
    }

    fn delete_all(&mut self, keys: &[Columns], now: i64) -> Result<(), Failure> {
        let values = keys.iter().map(|key| {
            let [namespace, name] = key.values();
            [namespace, name, Value::Number(now)]
        });
        self.change_all(Statement::Delete, values)
    }
}

impl Pooled for Sqlite {
    fn is_current(&mut self, now: Duration) -> bool {
        self.watch.is_current(now)
    }
}

fn read(row: &rusqlite::Row<'_>) -> Option<Found> {
    let bytes = row.get_ref(2).ok()?.as_blob().ok()?.into();
    let (version, expires) = (row.get(0).ok()?, row.get(1).ok()?);
    Some(Found::Row { version, expires, bytes, checksum: row.get(3).ok()? })
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Number(number) | Value::Moment(Some(number)) => ValueRef::Integer(number),
            Value::Moment(None) => ValueRef::Null,
            Value::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// How often the file was found removed; a clone is the same count. A program that continued to use a
/// removed file would be alone with it.
///
/// The check is a system call that costs as much as half a read. Therefore writers check every 10 ms, and
/// readers less often; all of them share the result. Values that are written in between are lost with the
/// file.
#[derive(Clone, Default)]
pub(super) struct Removals(Arc<AtomicU64>);

impl Removals {
    /// Creates a watch for a connection, before the file is opened.
    pub(super) fn watch(&self, path: &Path, look_every: Duration) -> Watch {
        let seen = self.0.load(Ordering::Acquire);
        let removals = self.clone();
        Watch { removals, seen, path: path.into(), file: None, look_every, looked: None }
    }
}

/// What a connection knows about its file.
pub(super) struct Watch {
    removals: Removals,
    seen: u64,
    path: PathBuf,
    /// Identifies the file that was opened.
    file: Option<FileId>,
    look_every: Duration,
    looked: Option<Duration>,
}

impl Watch {
    /// Notes that the file is open now.
    pub(super) fn begin(&mut self) {
        self.file = file_id(&self.path);
    }

    /// Returns whether the open file is still the one at the path, as far as is known.
    pub(super) fn is_current(&mut self, now: Duration) -> bool {
        if self.removals.0.load(Ordering::Acquire) != self.seen {
            return false;
        }
        let is_fresh = |looked: Duration| now.saturating_sub(looked) < self.look_every;
        if self.looked.is_some_and(is_fresh) {
            return true;
        }
        self.looked = Some(now);
        let is_there = self.file.is_none() || file_id(&self.path) == self.file;
        if !is_there {
            self.removals.0.fetch_add(1, Ordering::Release);
        }
        is_there
    }
}

/// The device and the number of a file.
type FileId = (u64, u64);

#[cfg(unix)]
fn file_id(path: &Path) -> Option<FileId> {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
}

/// On other systems, an open file is not removed.
#[cfg(not(unix))]
fn file_id(_: &Path) -> Option<FileId> {
    None
}

const UNWRITABLE: &str =
    "make the file and its folder writable for this user, or name another `url`";

pub(super) fn failure(error: rusqlite::Error) -> Failure {
    let code = match &error {
        // SQL that it does not understand.
        rusqlite::Error::SqlInputError { .. } => Some(ErrorCode::Unknown),
        error => error.sqlite_error_code(),
    };
    let (kind, hint) = match code {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            let hint = "another program kept it locked until the deadline; let that one finish";
            (ErrorKind::Unavailable, hint)
        }
        Some(ErrorCode::NotADatabase) => {
            (ErrorKind::Storage, "it is no SQLite database: name another `url`")
        }
        Some(ErrorCode::DatabaseCorrupt) => (
            ErrorKind::Storage,
            "the file is damaged: bring back a copy of it, or name another `url`",
        ),
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            (ErrorKind::Storage, UNWRITABLE)
        }
        Some(ErrorCode::DiskFull) => (ErrorKind::Storage, "the disk is full: free some space"),
        Some(ErrorCode::TooBig) => (ErrorKind::TooLarge, "store less in one value"),
        // The table exists, but is not ours.
        Some(ErrorCode::Unknown) => {
            let hint = "the table has other columns, so it may be another program's: give another `table_name`";
            (ErrorKind::Config, hint)
        }
        _ => (ErrorKind::Storage, "is the disk all right?"),
    };
    Failure::new(kind, hint).caused_by(error)
}
