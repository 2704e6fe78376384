//! [`BeakerDatabase`]: the table of Beaker's `type = ext:database`.
//!
//! A session is a row whose `namespace` is its id and whose `data` is the pickled dictionary that a file has.
//! Beaker takes no lock for it, so this store reads and writes the row in one transaction.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::container::{Held, read_dictionary, without_session, write_dictionary};
use super::{Beside, Id, Records, forward_store};
use crate::clock::Clock;
use crate::error::Result;
use crate::key::{Key, Namespace};
use crate::store::database::{BeakerTable, Change};
use crate::store::{
    AsyncStore, DatabaseStore, KeyCursor, KeyPage, Precondition, Put, Store, Stored, SweepProgress,
    Version,
};

/// Keeps sessions in a table of SQLite or PostgreSQL as Python's Beaker does, `type = ext:database`.
///
/// The table is created if it is missing, with the columns that SQLAlchemy gives it for Beaker. A table of
/// `type = ext:sqla` works as well. Each write sets the column `accessed` to the local time: in SQLite that of
/// this process, in PostgreSQL that of the server's setting `TimeZone`. Nothing removes a session that is no
/// longer used: delete rows whose `accessed` is older than the `timeout`, as with Beaker alone.
///
/// SQLite keeps the journal mode that the file has. Beaker creates a file without a write-ahead log, so that
/// readers and writers wait for each other.
///
/// The [module](super) tells how the contract of a store differs here. Keys with a namespace are those of a
/// [`DatabaseStore`] in the same database, in the table `beaker_values`.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use beaker::key::Namespace;
/// use beaker::store::python::BeakerDatabase;
/// use beaker::store::{Precondition, Store};
///
/// # #[cfg(feature = "sqlite")] {
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("site.db");
/// # let path = path.to_str().unwrap();
/// # fn run(path: &str) -> beaker::Result<()> {
/// let url = format!("sqlite:///{path}");
/// let store = BeakerDatabase::open(&url, BeakerDatabase::TABLE_NAME, Duration::from_secs(1))?;
/// let id = Namespace::default().key("00112233445566778899aabbccddeeff");
/// store.put(&id, b"eJyrVopPyc9NzMxTs", None, Precondition::Absent)?;
/// assert_eq!(&*store.get(&id)?.unwrap().bytes, b"eJyrVopPyc9NzMxTs");
/// # Ok(())
/// # }
/// # run(path).unwrap();
/// # }
/// ```
#[derive(Debug)]
#[must_use]
pub struct BeakerDatabase(Beside<Rows, DatabaseStore>);

impl BeakerDatabase {
    /// The name that Beaker gives its table by default.
    pub const TABLE_NAME: &str = "beaker_cache";

    /// Creates a store in this table of the database at `url`, which has the forms of
    /// [`DatabaseStore::open`]. A driver of SQLAlchemy's in it, as in `postgresql+psycopg2://`, is ignored.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`DatabaseStore::open`].
    pub fn open(url: &str, table_name: &str, deadline: Duration) -> Result<BeakerDatabase> {
        let (table, own) = BeakerTable::open(url, table_name, deadline)?;
        Ok(BeakerDatabase(Beside { records: Rows(table), own }))
    }
}

forward_store!(BeakerDatabase);

/// The highest protocol of Python 3.8 and later, which SQLAlchemy takes.
const PROTOCOL: u8 = 5;

/// How many rows are read at once.
const STEP: usize = 1000;

/// The rows of Beaker's sessions.
struct Rows(BeakerTable);

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Rows").field(&self.0.place).finish()
    }
}

impl Records for Rows {
    fn get(&self, id: Id<'_>) -> Result<Option<Stored>> {
        let Some(data) = self.0.read(&name(id), id.text())? else { return Ok(None) };
        match read_dictionary(&data) {
            Held::Text(text) => {
                let version = Version::of_content(&data);
                Ok(Some(Stored { bytes: text.into_bytes().into(), version }))
            }
            Held::Nothing => Ok(None),
            Held::Unreadable(why) => Err(id.unreadable(&self.0.place, &why)),
        }
    }

    fn put(
        &self,
        id: Id<'_>,
        text: &str,
        _: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>> {
        let written = std::cell::Cell::new(None);
        let decide = |before: Option<&[u8]>| {
            if !is_met(when, before) {
                return Change::Nothing;
            }
            let data = write_dictionary(before, text, PROTOCOL);
            written.set(Some(Version::of_content(&data)));
            Change::Write(data)
        };
        let is_done = self.0.change(("write", &name(id)), id.text(), &decide)?;
        Ok(written.get().filter(|_| is_done))
    }

    fn delete(&self, id: Id<'_>, when: Precondition) -> Result<bool> {
        let decide = |before: Option<&[u8]>| match before {
            Some(data) if is_met(when, before) && read_dictionary(data) != Held::Nothing => {
                removed(data)
            }
            _ => Change::Nothing,
        };
        self.0.change(("delete", &name(id)), id.text(), &decide)
    }

    fn clear(&self) -> Result<()> {
        let mut after = String::new();
        loop {
            let rows = self.0.page(&after, Id::LENGTH, STEP)?;
            for id in rows.iter().filter_map(session) {
                let decide = |before: Option<&[u8]>| match before {
                    Some(data) if matches!(read_dictionary(data), Held::Text(_)) => removed(data),
                    _ => Change::Nothing,
                };
                self.0.change(("delete", &name(id)), id.text(), &decide)?;
            }
            match rows.into_iter().next_back() {
                Some((last, _)) => after = last,
                None => return Ok(()),
            }
        }
    }

    fn keys(&self, from: Option<&KeyCursor>, most: usize) -> Result<KeyPage> {
        let most = most.clamp(1, STEP);
        let rows = self.0.page(from.map_or("", KeyCursor::as_str), Id::LENGTH, most)?;
        let next = rows.last().filter(|_| rows.len() == most).map(|(last, _)| KeyCursor::new(last));
        let ids = rows.iter().filter_map(session);
        Ok(KeyPage::new(ids.map(|id| Namespace::default().key(id.text())).collect(), next))
    }
}

/// Returns whether what a row holds, or that there is none, meets the condition.
fn is_met(when: Precondition, data: Option<&[u8]>) -> bool {
    match data.map(|data| (data, read_dictionary(data))) {
        None | Some((_, Held::Nothing)) => when.is_met_by(None),
        Some((data, Held::Text(_))) => when.is_met_by(Some(Version::of_content(data))),
        Some((_, Held::Unreadable(_))) => when == Precondition::Always,
    }
}

/// Removes the session, and the row with it if nothing else is in there.
fn removed(data: &[u8]) -> Change {
    without_session(data, PROTOCOL).map_or(Change::Delete, Change::Write)
}

/// Returns the id of a row that holds a session. A cache may have a name of as many letters.
fn session((namespace, data): &(String, Vec<u8>)) -> Option<Id<'_>> {
    Id::read(namespace).filter(|_| matches!(read_dictionary(data), Held::Text(_)))
}

/// Returns what messages call the session.
fn name(id: Id<'_>) -> String {
    format!("the session `{}`", id.short())
}
