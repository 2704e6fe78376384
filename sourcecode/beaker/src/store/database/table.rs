//! The operations of a store on its table, for both kinds of program, and their errors.

use std::fmt::Display;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use super::connection::{Columns, Connections, Content, Failure, Found, Row, Value, column};
use super::statements::Statement;
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Namespace};
use crate::store::{
    KeyCursor, KeyPage, Precondition, Put, Stored, SweepProgress, Version, counter,
};

/// Databases need special care for larger values.
const LARGEST_VALUE: usize = 256 * 1024 * 1024;

/// How many rows one step of a `clear` removes, so that each step is short.
const CLEAR_STEP: i64 = 1000;

/// How many rows are read or written at once, and how many bytes of them, so that others get their turn.
const MOST_IN_ONE: usize = 1000;
const MOST_BYTES_IN_ONE: usize = 16 * 1024 * 1024;

/// A table in a database. The futures are pending only if those of the connections are.
pub(super) struct Table<C> {
    pub(super) connections: C,
    /// For messages, without a password.
    pub(super) place: String,
    pub(super) clock: Arc<dyn Clock>,
    damaged: AtomicU64,
    /// How often `Precondition::Absent` was not met.
    refused: AtomicU32,
}

impl<C: Connections> Table<C> {
    pub(super) fn new(connections: C, place: String) -> Table<C> {
        let (damaged, refused) = (AtomicU64::new(0), AtomicU32::new(0));
        Table { connections, place, clock: Arc::new(SystemClock), damaged, refused }
    }

    pub(super) async fn get(&self, key: &Key) -> Result<Option<Stored>> {
        self.look(key, &Columns::of(key)).await
    }

    pub(super) async fn put(
        &self,
        key: &Key,
        bytes: &[u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>> {
        self.check_size(key, bytes)?;
        let now = self.clock.now();
        let (row, version) = row(&Put { key, bytes, ttl }, now);
        let [a, b, c, d, e, f] = row.values();
        let now = Value::Number(moment(now));
        let (statement, values): (_, &[Value<'_>]) = match when {
            Precondition::Always => (Statement::Put, &[a, b, c, d, e, f]),
            Precondition::Absent => (Statement::PutAbsent, &[a, b, c, d, e, f, now]),
            Precondition::Unchanged(old) => {
                (Statement::PutUnchanged, &[a, b, c, d, e, f, now, number(old)])
            }
        };
        let changed = self.connections.change(statement, values).await;
        let is_done = changed.map_err(|failure| self.failed("write", show(key), failure))? > 0;
        if !is_done && when == Precondition::Absent && self.looks_at_what_refuses() {
            // If it is damaged, this removes it, and the next write succeeds.
            self.look(key, &row.key).await?;
        }
        Ok(is_done.then_some(version))
    }

    pub(super) async fn delete(&self, key: &Key, when: Precondition) -> Result<bool> {
        let (columns, now) = (Columns::of(key), self.now());
        let [namespace, name] = columns.values();
        let (statement, values): (_, &[Value<'_>]) = match when {
            Precondition::Absent => return Ok(false),
            Precondition::Always => (Statement::Delete, &[namespace, name, now]),
            Precondition::Unchanged(old) => {
                (Statement::DeleteUnchanged, &[namespace, name, now, number(old)])
            }
        };
        let changed = self.connections.change(statement, values).await;
        Ok(changed.map_err(|failure| self.failed("delete", show(key), failure))? > 0)
    }

    pub(super) async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>> {
        let columns: Vec<Columns> = keys.iter().map(Columns::of).collect();
        let mut all = Vec::with_capacity(keys.len());
        for some in columns.chunks(MOST_IN_ONE) {
            let found = self.connections.rows(some).await;
            let found = found.map_err(|failure| self.failed("read", many(keys.len()), failure))?;
            for (columns, found) in some.iter().zip(found) {
                all.push(self.living(columns, found).await);
            }
        }
        Ok(all)
    }

    pub(super) async fn put_many(&self, puts: &[Put<'_>]) -> Result<()> {
        puts.iter().try_for_each(|put| self.check_size(put.key, put.bytes))?;
        let now = self.clock.now();
        let mut rows: Vec<Row<'_>> = puts.iter().map(|put| row(put, now).0).collect();
        // All calls that write several rows go through them in the same order, so that they cannot wait for
        // each other in a circle. If a key occurs several times, the stable order keeps its last row last.
        rows.sort_by(|one, other| one.key.cmp(&other.key));
        rows.dedup_by(|later, kept| {
            let is_same = later.key == kept.key;
            if is_same {
                mem::swap(later, kept);
            }
            is_same
        });
        let mut left = &rows[..];
        while !left.is_empty() {
            let (some, rest) = left.split_at(how_many(left));
            let written = self.connections.put_all(some).await;
            written.map_err(|failure| self.failed("write", many(puts.len()), failure))?;
            left = rest;
        }
        Ok(())
    }

    pub(super) async fn delete_many(&self, keys: &[Key]) -> Result<()> {
        let mut columns: Vec<Columns> = keys.iter().map(Columns::of).collect();
        columns.sort();
        columns.dedup();
        let now = moment(self.clock.now());
        for some in columns.chunks(MOST_IN_ONE) {
            let deleted = self.connections.delete_all(some, now).await;
            deleted.map_err(|failure| self.failed("delete", many(keys.len()), failure))?;
        }
        Ok(())
    }

    /// Adds to a counter with one statement. If the statement refuses, the row is read, and removed if it
    /// is damaged.
    pub(super) async fn increment(&self, key: &Key, by: u64, ttl: Option<Duration>) -> Result<u64> {
        counter::check(key, by)?;
        let columns = Columns::of(key);
        for _ in 0..counter::TRIES {
            let (now, [namespace, name]) = (self.clock.now(), columns.values());
            let values = [
                namespace,
                name,
                number(Version::fresh()),
                Value::Moment(ttl.map(|ttl| moment(now + ttl))),
                Value::Number(by.cast_signed()),
                Value::Number(columns.key_checksum()),
                Value::Number(moment(now)),
            ];
            let done = self.connections.changed(Statement::Increment, &values).await;
            let done = done.map_err(|failure| self.failed("increment", show(key), failure))?;
            if let Some((count, _)) = done.and_then(|text| counter::parse(text.as_bytes())) {
                return Ok(count);
            }
            let found = self.connections.row(&columns).await;
            let found = found.map_err(|failure| self.failed("increment", show(key), failure))?;
            let is_counter = matches!(found, Found::Row { checksum: ..0, .. });
            match self.living(&columns, found).await {
                Some(_) if !is_counter => return Err(counter::no_counter(key)),
                // A counter with enough room was written meanwhile.
                Some(stored) => drop(counter::add(key, &stored.bytes, by)?),
                None => {}
            }
        }
        Err(counter::contended(key))
    }

    /// Removes all rows of a namespace. Each name is passed once, so this ends whatever is written
    /// meanwhile.
    pub(super) async fn clear(&self, namespace: &Namespace) -> Result<()> {
        let column = column(namespace);
        let column = Value::Text(&column);
        let failed = |failure| self.failed("clear", format_args!("{namespace:?}"), failure);
        let mut from = String::new();
        loop {
            let step = [column, Value::Text(&from), Value::Number(CLEAR_STEP - 1)];
            let until = self.connections.texts(Statement::ClearUntil, &step).await;
            let Some(until) = until.map_err(failed)?.pop() else {
                let rest = [column, Value::Text(&from)];
                let cleared = self.connections.change(Statement::ClearRest, &rest).await;
                return cleared.map(drop).map_err(failed);
            };
            let step = [column, Value::Text(&from), Value::Text(&until)];
            self.connections.change(Statement::ClearStep, &step).await.map_err(failed)?;
            from = until;
        }
    }

    /// Lists the live keys of a namespace, sorted by their names in the table.
    pub(super) async fn keys(
        &self,
        namespace: &Namespace,
        from: Option<&KeyCursor>,
        most: usize,
    ) -> Result<KeyPage> {
        let most = most.clamp(1, MOST_IN_ONE);
        let column = column(namespace);
        let limit = Value::Number(i64::try_from(most).unwrap_or(i64::MAX));
        let from = Value::Text(from.map_or("", KeyCursor::as_str));
        let values = [Value::Text(&column), from, self.now(), limit];
        let names = self.connections.texts(Statement::Names, &values).await;
        let failed = |failure| self.failed("list", format_args!("{namespace:?}"), failure);
        let names = names.map_err(failed)?;
        let next = names.last().filter(|_| names.len() == most).map(KeyCursor::new);
        let mut page = KeyPage::new(Vec::with_capacity(names.len()), next);
        names.iter().for_each(|name| page.push(namespace.key_of_wire(name)));
        Ok(page)
    }

    pub(super) async fn sweep(&self, most: usize) -> Result<SweepProgress> {
        let most = most.max(1);
        let limit = Value::Number(i64::try_from(most).unwrap_or(i64::MAX));
        let removed = self.connections.change(Statement::Sweep, &[self.now(), limit]).await;
        let removed = removed.map_err(|failure| self.failed("sweep", "values", failure))?;
        Ok(SweepProgress { removed, is_done: removed < most })
    }

    pub(super) fn damaged(&self) -> u64 {
        self.damaged.load(Ordering::Relaxed)
    }

    async fn look(&self, key: &Key, columns: &Columns) -> Result<Option<Stored>> {
        let found = self.connections.row(columns).await;
        let found = found.map_err(|failure| self.failed("read", show(key), failure))?;
        Ok(self.living(columns, found).await)
    }

    /// Returns the value if it is intact and live.
    async fn living(&self, columns: &Columns, found: Found) -> Option<Stored> {
        match found {
            Found::Row { version, expires, bytes, checksum } => {
                if !columns.has_checksum(Content { version, expires, bytes: &bytes }, checksum) {
                    self.heal(columns, version, checksum).await;
                    return None;
                }
                let lives = expires.is_none_or(|expires| moment(self.clock.now()) < expires);
                let version = Version::new(version.cast_unsigned());
                lives.then_some(Stored { bytes, version })
            }
            Found::Nothing => None,
            Found::Damaged => {
                self.damaged.fetch_add(1, Ordering::Relaxed);
                None
            }
        }
    }

    /// Removes a damaged row, so that it does not prevent writes with `Precondition::Absent`. It counts as
    /// missing whether this succeeds or not.
    async fn heal(&self, columns: &Columns, version: i64, checksum: i64) {
        self.damaged.fetch_add(1, Ordering::Relaxed);
        let [namespace, name] = columns.values();
        let values = [namespace, name, Value::Number(version), Value::Number(checksum)];
        let _ = self.connections.change(Statement::DeleteDamaged, &values).await;
    }

    /// The database does not detect a damaged row, so a lease that is never read would stay forever. A call
    /// that waits for a lease asks many times, and this returns `true` for some of them, so that they read
    /// it.
    fn looks_at_what_refuses(&self) -> bool {
        const EACH: u32 = 16;
        self.refused.fetch_add(1, Ordering::Relaxed) % EACH == EACH - 1
    }

    fn check_size(&self, key: &Key, bytes: &[u8]) -> Result<()> {
        if bytes.len() <= LARGEST_VALUE {
            return Ok(());
        }
        let what = format!("could not write {key:?} in {}", self.place);
        let why = format!("{} bytes are more than it takes; store less", bytes.len());
        Err(Error::new(ErrorKind::TooLarge, format!("{what}: {why}")))
    }

    fn now(&self) -> Value<'static> {
        Value::Number(moment(self.clock.now()))
    }

    fn failed(&self, what: &str, on: impl Display, failure: Failure) -> Error {
        failure.named(&format!("could not {what} {on} in {}", self.place))
    }
}

/// Returns a row to be written, and its version.
fn row<'a>(put: &Put<'a>, now: Timestamp) -> (Row<'a>, Version) {
    let version = Version::fresh();
    let expires = put.ttl.map(|ttl| moment(now + ttl));
    let content = Content { version: version.number().cast_signed(), expires, bytes: put.bytes };
    (Row { key: Columns::of(put.key), content }, version)
}

/// Returns how many of the rows are written at once, at least one.
fn how_many(rows: &[Row<'_>]) -> usize {
    let mut bytes = 0;
    let fits = rows.iter().take(MOST_IN_ONE).take_while(|row| {
        bytes += row.content.bytes.len();
        bytes <= MOST_BYTES_IN_ONE
    });
    fits.count().max(1)
}

fn number(version: Version) -> Value<'static> {
    Value::Number(version.number().cast_signed())
}

/// Databases use signed numbers.
fn moment(time: Timestamp) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

/// Shows a key in a message.
fn show(key: &Key) -> String {
    format!("{key:?}")
}

/// Describes a batch in a message.
fn many(count: usize) -> String {
    format!("{count} values")
}
