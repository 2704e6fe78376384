//! Looking at one row: is it whole, and does it live?

use std::sync::atomic::Ordering;

use super::columns::{Columns, Content};
use super::connection::{Found, Value};
use super::{DatabaseStore, moment};
use crate::error::Result;
use crate::key::Key;
use crate::store::{Stored, Version};

impl DatabaseStore {
    pub(super) fn living(&self, columns: &Columns, found: Found) -> Option<Stored> {
        match found {
            Found::Row { version, expires, bytes, checksum } => {
                if columns.checksum(Content { version, expires, bytes: &bytes }) != checksum {
                    self.heal(columns, version, checksum);
                    return None;
                }
                let lives = expires.is_none_or(|expires| moment(self.table.clock.now()) < expires);
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

    /// Removes a damaged row, so that it is not in the way of `Precondition::Absent`. It counts as nothing
    /// whether this succeeds or not.
    fn heal(&self, columns: &Columns, version: i64, checksum: i64) {
        self.damaged.fetch_add(1, Ordering::Relaxed);
        let [namespace, name] = columns.values();
        let values = [namespace, name, Value::Number(version), Value::Number(checksum)];
        let statement = &self.table.statements.delete_damaged;
        let _ = self.table.change("delete", &"a damaged value", statement, &values);
    }

    /// The database does not see that a row is damaged, so a lease that nobody reads would be held for
    /// ever. Waiting for one asks many times, and looks some of them.
    pub(super) fn looks_at_what_refuses(&self) -> bool {
        const EACH: u32 = 16;
        self.refused.fetch_add(1, Ordering::Relaxed) % EACH == EACH - 1
    }

    pub(super) fn look(&self, key: &Key, columns: &Columns) -> Result<Option<Stored>> {
        let found = self.table.row(&format_args!("{key:?}"), &columns.values())?;
        Ok(self.living(columns, found))
    }
}
