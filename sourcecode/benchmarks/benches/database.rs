//! Values in SQLite and in PostgreSQL, beside the same statements through the bare clients: a row of
//! the same table, prepared once.

use std::hint::black_box;
use std::time::Duration;

use beaker::key::Namespace;
use beaker::store::{DatabaseStore, Precondition, Store};
use benchmarks::{Limit, compare};
use rusqlite::{Connection, params};
use servers::Postgres;

const BYTES: [u8; 200] = [7; 200];
/// Versions of the library are large numbers.
const FIRST_VERSION: i64 = 1 << 60;
const LIMIT: Limit = Limit::Times(1.15);

fn open(url: &str) -> DatabaseStore {
    DatabaseStore::open(url, "ours", Duration::from_secs(5)).unwrap()
}

fn main() {
    sqlite();
    match Postgres::for_tests().unwrap() {
        Some(server) => postgres(&server),
        None => println!("PostgreSQL is not installed, so it is not measured"),
    }
}

fn columns(text: &str, number: &str, bytes: &str, ending: &str) -> String {
    format!(
        "create table bare (namespace {text} not null, name {text} not null, \
         version {number} not null, expires_at {number}, bytes {bytes} not null, \
         primary key (namespace, name)){ending}; \
         create index bare_expires_at on bare (expires_at) where expires_at is not null"
    )
}

const GET: &str = "select version, expires_at, bytes from bare where namespace = $1 and name = $2";
const PUT: &str = "insert into bare (namespace, name, version, expires_at, bytes) \
     values ($1, $2, $3, null, $4) on conflict (namespace, name) do update set \
     version = excluded.version, expires_at = excluded.expires_at, bytes = excluded.bytes";

fn sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path().join("ours.db").to_str().unwrap());
    let bare = Connection::open(folder.path().join("bare.db")).unwrap();
    bare.pragma_update(None, "journal_mode", "wal").unwrap();
    bare.pragma_update(None, "synchronous", "normal").unwrap();
    bare.execute_batch(&columns("text", "integer", "blob", " strict")).unwrap();
    let key = Namespace::default().key("844c8ed1e96a4011bb23fbb3fe80823a");
    let mut version = FIRST_VERSION;
    compare(
        "SQLite: put",
        LIMIT,
        || {
            black_box(store.put(&key, &BYTES, None, Precondition::Always).unwrap());
        },
        || {
            version += 1;
            let mut put = bare.prepare_cached(PUT).unwrap();
            put.execute(params!["", "844c8ed1e96a4011bb23fbb3fe80823a", version, BYTES]).unwrap();
        },
    );
    compare(
        "SQLite: get",
        LIMIT,
        || drop(black_box(store.get(&key).unwrap().unwrap())),
        || {
            let mut get = bare.prepare_cached(GET).unwrap();
            let found = get.query_row(["", "844c8ed1e96a4011bb23fbb3fe80823a"], |row| {
                let (version, expires): (i64, Option<i64>) = (row.get(0)?, row.get(1)?);
                Ok((version, expires, row.get::<_, Vec<u8>>(2)?))
            });
            black_box(found.unwrap());
        },
    );
}

fn postgres(server: &Postgres) {
    let store = open(&server.url());
    let mut bare = postgres::Client::connect(&server.url(), postgres::NoTls).unwrap();
    bare.batch_execute(&columns("text collate \"C\"", "bigint", "bytea", "")).unwrap();
    let (get, put) = (bare.prepare(GET).unwrap(), bare.prepare(PUT).unwrap());
    let bare = std::cell::RefCell::new(bare);
    let key = Namespace::default().key("844c8ed1e96a4011bb23fbb3fe80823a");
    let mut version = FIRST_VERSION;
    compare(
        "PostgreSQL: put",
        LIMIT,
        || {
            black_box(store.put(&key, &BYTES, None, Precondition::Always).unwrap());
        },
        || {
            version += 1;
            let row: [&(dyn postgres::types::ToSql + Sync); 4] =
                [&"", &"844c8ed1e96a4011bb23fbb3fe80823a", &version, &BYTES.as_slice()];
            bare.borrow_mut().execute(&put, &row).unwrap();
        },
    );
    compare(
        "PostgreSQL: get",
        LIMIT,
        || drop(black_box(store.get(&key).unwrap().unwrap())),
        || {
            let key = "844c8ed1e96a4011bb23fbb3fe80823a";
            let row = bare.borrow_mut().query_one(&get, &[&"", &key]).unwrap();
            black_box((row.get::<_, i64>(0), row.get::<_, Vec<u8>>(2)));
        },
    );
}
