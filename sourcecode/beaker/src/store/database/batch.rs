//! Many keys at once: one transaction, and with PostgreSQL a few round trips.

use super::columns::{Columns, Content};
use super::connection::Value;
use super::{DatabaseStore, moment};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::key::Key;
use crate::store::{Put, Stored, Version};

impl DatabaseStore {
    pub(super) fn get_batch(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>> {
        let columns: Vec<Columns> = keys.iter().map(Columns::of).collect();
        let values: Vec<_> = columns.iter().map(Columns::values).collect();
        let found = self.table.rows(&values)?;
        let found = columns.iter().zip(found);
        Ok(found.map(|(columns, found)| self.living(columns, found)).collect())
    }

    pub(super) fn put_batch(&self, puts: &[Put<'_>]) -> Result<()> {
        puts.iter().try_for_each(|put| self.table.check_size(put.key, put.bytes))?;
        let now = self.table.clock.now();
        let mut rows: Vec<_> = puts.iter().map(|put| (Columns::of(put.key), put)).collect();
        // All who write several rows at once go through them in one order, so none wait in a circle.
        rows.sort_by(|one, other| one.0.cmp(&other.0));
        let values = rows.iter().map(|(columns, put)| put_values(columns, put, now));
        let values: Vec<_> = values.collect();
        self.table.change_all("write", &self.table.statements.put, &values)
    }

    pub(super) fn delete_batch(&self, keys: &[Key]) -> Result<()> {
        let mut rows: Vec<_> = keys.iter().map(Columns::of).collect();
        rows.sort();
        let now = Value::Number(moment(self.table.clock.now()));
        let values: Vec<_> = rows.iter().map(|row| [&row.values()[..], &[now]].concat()).collect();
        self.table.change_all("delete", &self.table.statements.delete, &values)
    }
}

fn put_values<'a>(columns: &'a Columns, put: &Put<'a>, now: Timestamp) -> Vec<Value<'a>> {
    let version = Version::fresh().number().cast_signed();
    let expires = put.ttl.map(|ttl| moment(now + ttl));
    columns.row(Content { version, expires, bytes: put.bytes }).to_vec()
}
