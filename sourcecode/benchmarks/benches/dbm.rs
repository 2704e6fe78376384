//! Values in dbm, beside redb itself used in the same way: open the file, work, close it. On the
//! disk, since that is what a write waits for.

use std::hint::black_box;
use std::time::Duration;

use beaker::key::Namespace;
use beaker::store::{DbmStore, Precondition, Store};
use benchmarks::{Limit, compare};
use redb::{Database, ReadOnlyDatabase, ReadableDatabase, TableDefinition};

const TABLE: TableDefinition<(&str, &[u8]), &[u8]> = TableDefinition::new("bare");
const ID: &[u8] = b"462cb4d9a9064d19a29e5a3127c5208a";

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let (store, key) = (DbmStore::open(folder.path()).unwrap(), Namespace::default().key(ID));
    let file = folder.path().join("bare.redb");
    drop(Database::create(&file).unwrap());
    compare(
        "dbm: put",
        Limit::Times(1.0),
        || {
            black_box(store.put(&key, &[7; 200], None, Precondition::Always).unwrap());
        },
        || {
            let database = Database::open(&file).unwrap();
            let transaction = database.begin_write().unwrap();
            transaction.open_table(TABLE).unwrap().insert(("", ID), &[7; 220][..]).unwrap();
            transaction.commit().unwrap();
        },
    );
    compare(
        "dbm: get",
        Limit::Times(1.0),
        || drop(black_box(store.get(&key).unwrap().unwrap())),
        || {
            let database = Database::open(&file).unwrap();
            let table = database.begin_read().unwrap().open_table(TABLE).unwrap();
            black_box(table.get(("", ID)).unwrap().unwrap().value().to_vec());
        },
    );
    // The file opened for reading only is quicker, and fails while anybody writes: what the lock
    // around it costs.
    compare(
        "dbm: get, beside a file opened for reading only",
        Limit::Longer(Duration::from_micros(100)),
        || drop(black_box(store.get(&key).unwrap().unwrap())),
        || {
            let database = ReadOnlyDatabase::open(&file).unwrap();
            let table = database.begin_read().unwrap().open_table(TABLE).unwrap();
            black_box(table.get(("", ID)).unwrap().unwrap().value().to_vec());
        },
    );
}
