//! Caches the answers of SQLite, and invalidates them after the commit.

#[path = "common/sqlite.rs"]
mod sqlite;

use std::error::Error;
use std::time::Duration;

use beaker::Backend;
use beaker::cache::{Cache, CacheEntry};
use rusqlite::types::Value;
use rusqlite::{Connection, Transaction};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const FILE: &str = "./cache/drivers.db";
const DRIVER: &str = "select name, team from driver where number = ?";
const TEAM: &str = "select name, team from driver where team = ?";
const MOVE: &str = "update driver set team = ? where number = ?";

fn main() -> Result<()> {
    std::fs::create_dir_all("./cache")?;
    let database = sqlite::create(FILE)?;
    let cache = Cache::new(Backend::memory(), "drivers");
    let cache = cache.ttl(Duration::from_secs(3600));
    let drivers = Drivers { database, cache };

    println!("The same query twice");
    drivers.show_driver(7)?;
    drivers.show_driver(7)?;
    println!("\nAnother value, another query");
    drivers.show_driver(5)?;
    drivers.show_team("Ferrari")?;

    let mut writer = sqlite::open(FILE)?;
    too_early(&drivers, &mut writer)?;
    in_time(&drivers, &mut writer)?;
    rolled_back(&drivers, &mut writer)
}

struct Drivers {
    database: Connection,
    cache: Cache<sqlite::Rows>,
}

impl Drivers {
    fn show_driver(&self, number: i64) -> Result<()> {
        let tag = format!("driver:{number}"); // (1)
        self.show(DRIVER, Value::from(number), &tag)
    }

    fn show_team(&self, name: &str) -> Result<()> {
        self.show(TEAM, Value::from(name.to_owned()), "table:driver") // (2)
    }

    fn show(&self, sql: &str, value: Value, tag: &str) -> Result<()> {
        let values = [value];
        let rows = self.cache.try_get_or_create(key(sql, &values), || {
            let rows = sqlite::select(&self.database, sql, &values)?; // (3)
            Ok::<_, Box<dyn Error>>(CacheEntry::new(rows).tag(tag)) // (4)
        })?;
        println!("  {rows:?}");
        Ok(())
    }
}

/// A statement and its values, each with its type and its length.
fn key(sql: &str, values: &[Value]) -> Vec<u8> {
    let mut key = Vec::new();
    let mut add = |kind: char, bytes: &[u8]| {
        key.extend(format!("{kind}{}:", bytes.len()).bytes()); // (5)
        key.extend(bytes);
    };
    add('q', sql.as_bytes());
    for value in values {
        match value {
            Value::Null => add('n', b""),
            Value::Integer(number) => add('i', &number.to_le_bytes()),
            Value::Real(number) => add('r', &number.to_le_bytes()),
            Value::Text(text) => add('t', text.as_bytes()),
            Value::Blob(bytes) => add('b', bytes),
        }
    }
    key
}

fn too_early(drivers: &Drivers, writer: &mut Connection) -> Result<()> {
    println!("\nInvalidated before the commit");
    let transaction = writer.transaction()?;
    transaction.execute(MOVE, ("Sauber", 7))?;
    drivers.cache.invalidate_tag("driver:7")?; // (6)
    drivers.show_driver(7)?; // (7)
    transaction.commit()?;
    drivers.show_driver(7) // (8)
}

/// A transaction, and the tags of what it changes.
struct Change<'a> {
    transaction: Transaction<'a>,
    tags: Vec<String>,
}

impl Change<'_> {
    fn begin(database: &mut Connection) -> Result<Change<'_>> {
        Ok(Change { transaction: database.transaction()?, tags: vec![] })
    }

    fn move_driver(&mut self, number: i64, team: &str) -> Result<()> {
        self.transaction.execute(MOVE, (team, number))?;
        self.tags.push("table:driver".into());
        self.tags.push(format!("driver:{number}")); // (9)
        Ok(())
    }

    fn commit(self, drivers: &Drivers) -> Result<()> {
        self.transaction.commit()?;
        for tag in &self.tags {
            drivers.cache.invalidate_tag(tag)?; // (10)
        }
        Ok(())
    }
}

fn in_time(drivers: &Drivers, writer: &mut Connection) -> Result<()> {
    println!("\nInvalidated after the commit");
    let mut change = Change::begin(writer)?;
    change.move_driver(7, "Alfa Romeo")?;
    drivers.show_driver(7)?;
    change.commit(drivers)?;
    drivers.show_driver(7)?;
    drivers.show_team("Ferrari")?;
    drivers.show_driver(5)
}

fn rolled_back(drivers: &Drivers, writer: &mut Connection) -> Result<()> {
    println!("\nRolled back");
    let mut change = Change::begin(writer)?;
    change.move_driver(5, "Aston Martin")?;
    drop(change);
    drivers.show_driver(5)
}
