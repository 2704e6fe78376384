//! What each store puts around a record: the library reads what the vectors say, byte by byte.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use beaker::key::{Key, Namespace};
use beaker::store::{DatabaseStore, DbmStore, FileStore, MemcachedStore, RedisStore, Store};
use beaker::{ManualClock, Timestamp};

use super::{ID, NOW, bytes, text};

/// In the order of the bytes: 1 to 8.
const VERSION: u64 = 0x0807_0605_0403_0201;
/// Ten minutes after the other times.
const EXPIRES: u64 = 1_700_000_600_250_000;

fn key() -> Key {
    Namespace::default().key(ID)
}

/// As stored under this header, the record is there until its time of expiry.
#[track_caller]
fn check(store: &dyn Store, clock: &ManualClock, version: Option<u64>) {
    let stored = store.get(&key()).unwrap().expect("the record is there");
    assert_eq!(&*stored.bytes, bytes("record-bincode"));
    assert_eq!(stored.version.number(), version.unwrap_or(stored.version.number()));
    clock.set(Timestamp::from_micros(EXPIRES - 1));
    assert!(store.get(&key()).unwrap().is_some());
    clock.set(Timestamp::from_micros(EXPIRES));
    assert!(store.get(&key()).unwrap().is_none());
}

fn with_header(name: &str) -> Vec<u8> {
    [bytes(name), bytes("record-bincode")].concat()
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(NOW))
}

#[test]
fn in_a_file() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), clock());
    let path = folder.path().join(text("file-path"));
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, with_header("file-header")).unwrap();
    let store = FileStore::open(folder.path()).unwrap().with_clock(clock.clone());
    check(&store, &clock, Some(VERSION));
}

#[test]
fn in_dbm() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), clock());
    let store = DbmStore::open(folder.path()).unwrap().with_clock(clock.clone());
    drop(store);
    let file = folder.path().join(text("dbm-path"));
    let table = redb::TableDefinition::<(&str, &[u8]), &[u8]>::new("beaker_values");
    {
        let database = redb::Builder::new().create(&file).unwrap();
        let write = database.begin_write().unwrap();
        let value = with_header("dbm-header");
        write.open_table(table).unwrap().insert(("", ID.as_bytes()), value.as_slice()).unwrap();
        write.commit().unwrap();
    }
    let store = DbmStore::open(folder.path()).unwrap().with_clock(clock.clone());
    check(&store, &clock, Some(VERSION));
}

#[test]
fn in_sqlite() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), clock());
    let file = folder.path().join("sessions.db");
    let open = || {
        let store = DatabaseStore::open(file.to_str().unwrap(), "beaker_values", TIME).unwrap();
        store.with_clock(clock.clone())
    };
    drop(open());
    let bare = rusqlite::Connection::open(&file).unwrap();
    let insert = "insert into beaker_values (namespace, name, version, expires_at, bytes, checksum) \
                  values ('', ?1, ?2, ?3, ?4, ?5)";
    let checksum: i64 = text("row-checksum").parse().unwrap();
    let row = (ID, VERSION.cast_signed(), EXPIRES.cast_signed(), bytes("record-bincode"), checksum);
    bare.execute(insert, row).unwrap();
    check(&open(), &clock, Some(VERSION));
}

const TIME: Duration = Duration::from_secs(5);

/// Sends the words and reads a line of the answer.
fn say(url: &str, words: &[&[u8]]) -> String {
    let address = url.split("://").nth(1).unwrap().trim_end_matches('/');
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(&words.concat()).unwrap();
    let mut answer = [0; 64];
    let length = stream.read(&mut answer).unwrap();
    String::from_utf8_lossy(&answer[..length]).trim().to_owned()
}

/// A redis with the record of the vectors.
pub(super) fn redis() -> servers::Redis {
    let server = servers::Redis::for_programs().unwrap();
    let (name, value) = (text("redis-key"), with_header("redis-header"));
    let (before, between) = (name.len(), value.len());
    let set = format!("*3\r\n$3\r\nSET\r\n${before}\r\n{name}\r\n${between}\r\n");
    assert_eq!(say(&server.url(), &[set.as_bytes(), &value, b"\r\n"]), "+OK");
    server
}

#[test]
fn in_redis() {
    let server = redis();
    let store = RedisStore::open(&server.url(), TIME).unwrap();
    let stored = store.get(&key()).unwrap().unwrap();
    // Its expiry is the server's.
    assert_eq!((&*stored.bytes, stored.version.number()), (&*bytes("record-bincode"), VERSION));
}

#[test]
fn in_memcached() {
    let (server, clock) = (servers::Memcached::for_programs().unwrap(), clock());
    let (name, value) = (text("memcached-key"), with_header("memcached-header"));
    let set = format!("set {name} 0 0 {}\r\n", value.len());
    assert_eq!(say(&server.url(), &[set.as_bytes(), &value, b"\r\n"]), "STORED");
    let store = MemcachedStore::open(&server.url(), TIME).unwrap().with_clock(clock.clone());
    check(&store, &clock, None);
}

#[test]
fn names() {
    let key = Namespace::new("a shop").key("x/y");
    let folder = tempfile::tempdir().unwrap();
    let store = FileStore::open(folder.path()).unwrap();
    store.put(&key, b"", None, beaker::store::Precondition::Always).unwrap();
    assert!(folder.path().join(text("file-path-hashed")).is_file(), "{folder:?}");
    assert_eq!(key.wire(250), text("key-escaped"));
}
