//! PostgreSQL for asynchronous programs: the contract, the few connections, and the table that blocking
//! programs know too.

mod dropped;
mod faults;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use beaker::key::{Key, Namespace};
use beaker::store::{
    AsyncPostgresStore, AsyncStore, DatabaseStore, Precondition, Put, Store, SweepProgress,
};
use beaker::{ErrorKind, ManualClock};
use servers::Postgres;
use tokio_postgres::{Client, NoTls};

use crate::driven::runtime;

const DEADLINE: Duration = Duration::from_secs(20);

fn start() -> Postgres {
    Postgres::for_tests().unwrap().expect("it is installed")
}

fn open(url: &str) -> AsyncPostgresStore {
    AsyncPostgresStore::open(url, AsyncPostgresStore::TABLE_NAME, DEADLINE).unwrap()
}

fn key(number: usize) -> Key {
    Namespace::new("n").key(number.to_string())
}

/// A connection of the test's own. It lives as long as the runtime that this runs on.
async fn look_at(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// How many others are connected.
async fn connections(client: &Client) -> i64 {
    let others = "select count(*) from pg_stat_activity \
                  where backend_type = 'client backend' and pid <> pg_backend_pid()";
    client.query_one(others, &[]).await.unwrap().get(0)
}

#[cfg(feature = "conformance")]
mod contract {
    use super::*;
    use crate::driven::check_contract;

    #[servers::needs(postgresql)]
    #[test]
    fn by_connections_of_its_own() {
        let (server, clock) = (start(), Arc::new(ManualClock::default()));
        for (max, table) in [(1, "one"), (8, "eight")] {
            let store = AsyncPostgresStore::open(&server.url(), table, DEADLINE).unwrap();
            let store = store.max_connections(max).with_clock(clock.clone());
            check_contract(&runtime(), &store, |time| clock.advance(time));
        }
    }

    #[cfg(feature = "deadpool-postgres")]
    #[servers::needs(postgresql)]
    #[test]
    fn by_a_pool_of_the_program() {
        let (server, clock) = (start(), Arc::new(ManualClock::default()));
        let store = given(&server.url(), 4).with_clock(clock.clone());
        check_contract(&runtime(), &store, |time| clock.advance(time));
    }
}

/// A store on a pool of the program's, with so many connections.
#[cfg(feature = "deadpool-postgres")]
fn given(url: &str, connections: usize) -> AsyncPostgresStore {
    let manager = deadpool_postgres::Manager::new(url.parse().unwrap(), NoTls);
    let pool = deadpool_postgres::Pool::builder(manager).max_size(connections).build().unwrap();
    AsyncPostgresStore::from_pool(pool, AsyncPostgresStore::TABLE_NAME, DEADLINE).unwrap()
}

#[servers::needs(postgresql)]
#[test]
fn blocking_and_asynchronous_programs_know_the_same_table() {
    let (server, runtime, key) = (start(), runtime(), key(0));
    let blocking = DatabaseStore::open(&server.url(), DatabaseStore::TABLE_NAME, DEADLINE).unwrap();
    let asynchronous = open(&server.url());
    let first = blocking.put(&key, b"blocking", None, Precondition::Absent).unwrap().unwrap();
    runtime.block_on(async {
        let found = asynchronous.get(&key).await.unwrap().unwrap();
        assert_eq!((&*found.bytes, found.version), (&b"blocking"[..], first));
        assert!(asynchronous.put(&key, b"x", None, Precondition::Absent).await.unwrap().is_none());
        let unchanged = Precondition::Unchanged(first);
        let second = asynchronous.put(&key, b"async", None, unchanged).await.unwrap().unwrap();
        assert!(asynchronous.put(&key, b"x", None, unchanged).await.unwrap().is_none());
        assert!(asynchronous.delete(&key, Precondition::Unchanged(second)).await.unwrap());
    });
    assert_eq!(blocking.get(&key).unwrap(), None);
}

#[servers::needs(postgresql)]
#[test]
fn three_hundred_tasks_share_four_connections() {
    let server = start();
    let store = Arc::new(open(&server.url()).max_connections(4));
    runtime().block_on(async {
        let begin = Arc::new(tokio::sync::Barrier::new(300));
        let tasks = (0..300_u16).map(|number| {
            let (store, begin) = (Arc::clone(&store), Arc::clone(&begin));
            tokio::spawn(async move {
                let key = key(number.into());
                begin.wait().await;
                for round in 0..10_u16 {
                    let bytes = [number.to_le_bytes(), round.to_le_bytes()].concat();
                    store.put(&key, &bytes, None, Precondition::Always).await.unwrap().unwrap();
                    assert_eq!(*store.get(&key).await.unwrap().unwrap().bytes, bytes);
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
        let client = look_at(&server.url()).await;
        assert_eq!(connections(&client).await, 4);
    });
}

/// One after the other needs no second connection.
#[servers::needs(postgresql)]
#[test]
fn one_task_needs_one_connection() {
    let (server, runtime) = (start(), runtime());
    let store = open(&server.url());
    runtime.block_on(async {
        for number in 0..20 {
            store.put(&key(number), b"x", None, Precondition::Always).await.unwrap().unwrap();
        }
        assert_eq!(connections(&look_at(&server.url()).await).await, 1);
    });
}

/// Writers that meet on the same rows in other orders end, all of them, and none by an error.
#[servers::needs(postgresql)]
#[test]
fn batches_that_meet_do_not_wait_in_a_circle() {
    let server = start();
    let store = Arc::new(open(&server.url()));
    runtime().block_on(async {
        let tasks = (0..32_usize).map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let mut keys: Vec<Key> = (0..50).map(key).collect();
                keys.rotate_left(number);
                for _ in 0..5 {
                    let puts = keys.iter().map(|key| Put { key, bytes: b"x", ttl: None });
                    let puts: Vec<Put<'_>> = puts.collect();
                    match number % 2 {
                        0 => store.put_many(&puts).await.unwrap(),
                        _ => store.delete_many(&keys).await.unwrap(),
                    }
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
    });
}

#[servers::needs(postgresql)]
#[test]
fn batches_have_the_order_and_the_last_word_that_they_were_given() {
    let server = start();
    let store = open(&server.url());
    let keys: Vec<Key> = (0..2500).map(key).collect();
    let numbers: Vec<[u8; 8]> = (0..2500_u64).map(u64::to_le_bytes).collect();
    runtime().block_on(async {
        let mut puts: Vec<Put<'_>> =
            keys.iter().zip(&numbers).map(|(key, bytes)| Put { key, bytes, ttl: None }).collect();
        puts.insert(0, Put { key: &keys[7], bytes: b"not the last", ttl: None });
        store.put_many(&puts).await.unwrap();
        let mut asked = keys.clone();
        asked.reverse();
        asked.extend([key(9999), keys[7].clone(), keys[7].clone()]);
        let found = store.get_many(&asked).await.unwrap();
        let found: Vec<_> = found.iter().map(|it| it.as_ref().map(|it| &*it.bytes)).collect();
        assert!((0..2500).all(|at| found[at] == Some(&numbers[2499 - at][..])));
        assert_eq!(found[2500..], [None, Some(&numbers[7][..]), Some(&numbers[7][..])]);
        store.delete_many(&asked).await.unwrap();
        assert!(store.get_many(&keys).await.unwrap().iter().all(Option::is_none));
        assert!(store.get_many(&[]).await.unwrap().is_empty());
        store.put_many(&[]).await.unwrap();
        store.delete_many(&[]).await.unwrap();
    });
}

#[servers::needs(postgresql)]
#[test]
fn handles_made_at_once_sweep_and_clear() {
    let (server, clock) = (start(), Arc::new(ManualClock::default()));
    let store = open(&server.url()).with_clock(clock.clone());
    runtime().block_on(async {
        // The table is made by whoever comes first.
        let handles = (0..8).map(|number| {
            let store = open(&server.url());
            tokio::spawn(async move {
                store.put(&key(number), b"x", None, Precondition::Absent).await.unwrap().unwrap()
            })
        });
        for handle in handles.collect::<Vec<_>>() {
            handle.await.unwrap();
        }
        let ttl = Some(Duration::from_secs(10));
        let keys: Vec<Key> = (8..108).map(key).collect();
        let puts: Vec<_> = keys.iter().map(|key| Put { key, bytes: b"x", ttl }).collect();
        store.put_many(&puts).await.unwrap();
        clock.advance(Duration::from_secs(11));
        assert_eq!(store.sweep(60).await.unwrap(), SweepProgress { removed: 60, is_done: false });
        assert_eq!(store.sweep(60).await.unwrap(), SweepProgress { removed: 40, is_done: true });
        let keys: Vec<Key> = (0..2100).map(key).collect();
        let puts: Vec<_> = keys.iter().map(|key| Put { key, bytes: b"x", ttl: None }).collect();
        store.put_many(&puts).await.unwrap();
        store.clear(key(0).namespace()).await.unwrap();
        assert!(store.get_many(&keys).await.unwrap().iter().all(Option::is_none));
    });
}

#[servers::needs(postgresql)]
#[test]
fn what_is_damaged_counts_as_nothing_and_makes_room() {
    let (server, key) = (start(), key(0));
    let store = open(&server.url());
    runtime().block_on(async {
        store.put(&key, b"whole", None, Precondition::Always).await.unwrap().unwrap();
        let client = look_at(&server.url()).await;
        let damage = "update beaker_values set bytes = 'other'::bytea";
        assert_eq!(client.execute(damage, &[]).await.unwrap(), 1);
        assert_eq!(store.get(&key).await.unwrap(), None);
        assert_eq!(store.damaged(), 1);
        assert!(store.put(&key, b"new", None, Precondition::Absent).await.unwrap().is_some());
    });
}

/// The database itself works out the checksum of a counter.
#[servers::needs(postgresql)]
#[test]
fn a_damaged_counter_counts_as_nothing() {
    let (server, key) = (start(), key(0));
    let store = open(&server.url());
    let hour = Some(Duration::from_secs(3600));
    runtime().block_on(async {
        store.increment(&key, 1, hour).await.unwrap();
        let client = look_at(&server.url()).await;
        for damage in [
            "bytes = '43'::bytea",
            "bytes = '42x'::bytea",
            "bytes = '\\xff'::bytea",
            "bytes = ''::bytea",
            "bytes = '99999999999999999999'::bytea",
            "version = 7",
            "expires_at = expires_at + 1",
            "expires_at = null",
            "checksum = checksum - 1",
            "checksum = 7",
        ] {
            store.delete(&key, Precondition::Always).await.unwrap();
            assert_eq!(store.increment(&key, 42, hour).await.unwrap(), 42);
            let text = format!("update beaker_values set {damage}");
            assert_eq!(client.execute(&text, &[]).await.unwrap(), 1);
            assert_eq!(store.increment(&key, 1, hour).await.unwrap(), 1, "{damage}");
            let stored = store.get(&key).await.unwrap().unwrap();
            assert_eq!(stored.count(), Some(1), "{damage}");
        }
    });
}

/// Counts how often the server says that it is ready for the next question: once a round trip.
fn counting_relay(server: std::net::SocketAddr) -> (std::net::SocketAddr, Arc<Mutex<usize>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answers = Arc::new(Mutex::new(0));
    let count = Arc::clone(&answers);
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let mut from = TcpStream::connect(server).unwrap();
            let mut to = client.try_clone().unwrap();
            let (mut questions, mut server) = (client, from.try_clone().unwrap());
            thread::spawn(move || {
                let _ = std::io::copy(&mut questions, &mut server);
                server.shutdown(Shutdown::Both)
            });
            let count = Arc::clone(&count);
            thread::spawn(move || {
                let mut head = [0; 5];
                while from.read_exact(&mut head).is_ok() {
                    let length = u32::from_be_bytes(head[1..].try_into().unwrap()) as usize - 4;
                    let mut body = vec![0; length];
                    from.read_exact(&mut body).unwrap();
                    *count.lock().unwrap() += usize::from(head[0] == b'Z');
                    to.write_all(&[&head[..], &body].concat()).unwrap();
                }
            });
        }
    });
    (address, answers)
}

#[servers::needs(postgresql)]
#[test]
fn what_an_operation_costs() {
    let server = start();
    let (address, answers) = counting_relay(server.address());
    let store = open(&format!("postgres://beaker@{address}/postgres"));
    let keys: Vec<Key> = (0..100).map(key).collect();
    runtime().block_on(async {
        store.get(&keys[0]).await.unwrap();
        let before = std::cell::Cell::new(*answers.lock().unwrap());
        let cost = || {
            let now = *answers.lock().unwrap();
            now - before.replace(now)
        };
        let version = store.put(&keys[0], b"1", None, Precondition::Absent).await.unwrap().unwrap();
        assert_eq!(cost(), 1, "put, absent");
        let when = Precondition::Unchanged(version);
        store.put(&keys[0], b"2", None, when).await.unwrap().unwrap();
        assert_eq!(cost(), 1, "put, unchanged");
        store.get(&keys[0]).await.unwrap().unwrap();
        assert_eq!(cost(), 1, "get");
        store.delete(&keys[0], Precondition::Always).await.unwrap();
        assert_eq!(cost(), 1, "delete");
        let puts: Vec<_> = keys.iter().map(|key| Put { key, bytes: b"x", ttl: None }).collect();
        store.put_many(&puts).await.unwrap();
        assert_eq!(cost(), 1, "put_many");
        store.get_many(&keys).await.unwrap();
        assert_eq!(cost(), 1, "get_many");
        store.delete_many(&keys).await.unwrap();
        assert_eq!(cost(), 1, "delete_many");
    });
}

#[servers::needs(postgresql)]
#[test]
fn mistakes_in_the_url_are_told() {
    let (server, runtime) = (start(), runtime());
    let check = |store: AsyncPostgresStore, hint: &str| {
        // The second one finds that the first did not spoil the store.
        for _ in 0..2 {
            let error = runtime.block_on(store.get(&key(0))).unwrap_err();
            assert!(error.to_string().contains(hint), "{error:?}");
            assert!(!format!("{error:?} {store:?}").contains("secret"), "{error:?}");
            assert_eq!(error.kind(), ErrorKind::Config, "{error:?}");
        }
    };
    let none = format!("postgres://beaker:secret@{}/none", server.address());
    check(open(&none), "create that database");
    let nobody = format!("postgres://nobody:secret@{}/postgres", server.address());
    check(open(&nobody), "the user and the password");
    let others = AsyncPostgresStore::open(&server.url(), "pg_class", DEADLINE).unwrap();
    check(others, "another `table_name`");
    for url in ["http://u:secret@h", "sqlite:///file.db", "postgres:///d"] {
        let error = AsyncPostgresStore::open(url, "t", DEADLINE).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{error:?}");
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    }
}

/// The tasks that move what is said end with the runtime that they were started on.
#[servers::needs(postgresql)]
#[test]
fn a_store_may_outlive_the_runtime_that_used_it_first() {
    let server = start();
    let store = open(&server.url());
    for number in 0..3_u8 {
        let runtime = runtime();
        runtime.block_on(store.put(&key(0), &[number], None, Precondition::Always)).unwrap();
        let found = runtime.block_on(store.get(&key(0))).unwrap().unwrap();
        assert_eq!(&*found.bytes, &[number]);
    }
}
