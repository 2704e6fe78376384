//! redis for asynchronous programs: the contract, the one connection, and the records that blocking
//! programs know too.

mod cluster;
mod dropped;
mod faults;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use beaker::ErrorKind;
use beaker::key::Namespace;
use beaker::store::{AsyncRedisStore, AsyncStore, Precondition, RedisStore, Store};
use servers::{BuiltIn, Redis};

use crate::driven::runtime;

const DEADLINE: Duration = Duration::from_secs(20);

fn open(url: &str) -> AsyncRedisStore {
    AsyncRedisStore::open(url, DEADLINE).unwrap()
}

#[cfg(feature = "conformance")]
mod contract {
    use super::*;
    use crate::driven::{check_contract, wait};

    #[test]
    fn the_real_one() {
        let server = Redis::for_programs().unwrap();
        check_contract(&runtime(), &open(&server.url()), wait);
    }

    #[test]
    fn the_built_in_one() {
        let server = BuiltIn::redis().unwrap();
        check_contract(&runtime(), &open(&server.url()), |time| server.advance(time));
    }

    #[test]
    fn by_a_connection_manager_of_the_program() {
        let server = Redis::for_programs().unwrap();
        let runtime = runtime();
        let manager = runtime.block_on(async {
            let client = redis::Client::open(server.url()).unwrap();
            client.get_connection_manager().await.unwrap()
        });
        check_contract(&runtime, &AsyncRedisStore::from_manager(manager, DEADLINE), wait);
    }
}

#[test]
fn blocking_and_asynchronous_programs_know_the_same_records() {
    let server = Redis::for_programs().unwrap();
    let (blocking, asynchronous) = (RedisStore::open(&server.url(), DEADLINE), open(&server.url()));
    let (blocking, runtime) = (blocking.unwrap(), runtime());
    let key = Namespace::new("shared").key("k");
    let first = blocking.put(&key, b"blocking", None, Precondition::Absent).unwrap().unwrap();
    runtime.block_on(async {
        let found = asynchronous.get(&key).await.unwrap().unwrap();
        assert_eq!((&*found.bytes, found.version), (&b"blocking"[..], first));
        assert!(asynchronous.put(&key, b"x", None, Precondition::Absent).await.unwrap().is_none());
    });
    let unchanged = Precondition::Unchanged(first);
    let second = runtime.block_on(async {
        let second = asynchronous.put(&key, b"async", None, unchanged).await.unwrap().unwrap();
        assert!(asynchronous.put(&key, b"x", None, unchanged).await.unwrap().is_none());
        second
    });
    assert_eq!(blocking.get(&key).unwrap().unwrap().version, second);
    assert!(!blocking.delete(&key, unchanged).unwrap());
    assert!(blocking.delete(&key, Precondition::Unchanged(second)).unwrap());
    assert!(!runtime.block_on(asynchronous.delete(&key, Precondition::Always)).unwrap());
}

/// A backend of a blocking program is waited for by tasks, with one connection.
#[servers::needs(redis)]
#[test]
fn a_blocking_back_end_needs_no_threads_in_an_asynchronous_program() {
    let server = Redis::for_programs().unwrap();
    let backend = beaker::Backend::open("ext:redis", &[("url", &server.url())]).unwrap();
    let sessions = beaker::AsyncSessions::new(backend);
    let before = connections(&server.url());
    runtime().block_on(async {
        let mut session = sessions.create();
        session.save().await.unwrap();
        let id = *session.id();
        let tasks: Vec<_> = (0..100)
            .map(|_| {
                let sessions = sessions.clone();
                tokio::spawn(async move { sessions.open(&id).await.map(drop) })
            })
            .collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
    });
    // The one that asks how many there are, and ours.
    assert_eq!(connections(&server.url()) - before, 2);
}

fn say(url: &str, command: &str) -> String {
    let address = url.trim_start_matches("redis://").trim_end_matches('/');
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(format!("{command}\r\nQUIT\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// How many connections a server was asked for until now, without the one that asks.
fn connections(url: &str) -> u32 {
    let answer = say(url, "INFO stats");
    let line = answer.lines().find_map(|it| it.strip_prefix("total_connections_received:"));
    line.unwrap().parse::<u32>().unwrap()
}

#[servers::needs(redis)]
#[test]
fn three_hundred_tasks_share_one_connection() {
    let server = Redis::for_programs().unwrap();
    let store = Arc::new(open(&server.url()));
    let before = connections(&server.url());
    runtime().block_on(async {
        let begin = Arc::new(tokio::sync::Barrier::new(300));
        let tasks = (0..300_u16).map(|number| {
            let (store, begin) = (Arc::clone(&store), Arc::clone(&begin));
            tokio::spawn(async move {
                let key = Namespace::new("tasks").key(number.to_string());
                begin.wait().await;
                for round in 0..20_u16 {
                    let bytes = [number.to_le_bytes(), round.to_le_bytes()].concat();
                    store.put(&key, &bytes, None, Precondition::Always).await.unwrap().unwrap();
                    assert_eq!(*store.get(&key).await.unwrap().unwrap().bytes, bytes);
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
    });
    // The one that asks is the other.
    assert_eq!(connections(&server.url()) - before, 2);
}

/// One round trip each. Only the first use of a script sends its text as well.
#[test]
fn what_an_operation_costs() {
    let server = BuiltIn::redis().unwrap();
    let store = open(&server.url());
    let key = Namespace::new("cost").key("k");
    runtime().block_on(async {
        let version = store.put(&key, b"1", None, Precondition::Always).await.unwrap().unwrap();
        assert_eq!(server.commands(), 1);
        store.get(&key).await.unwrap().unwrap();
        assert_eq!(server.commands(), 2);
        let version =
            store.put(&key, b"2", None, Precondition::Unchanged(version)).await.unwrap().unwrap();
        assert_eq!(server.commands(), 4);
        store.put(&key, b"3", None, Precondition::Unchanged(version)).await.unwrap().unwrap();
        assert_eq!(server.commands(), 5);
    });
}

#[test]
fn a_value_that_is_too_large_leaves_what_was_there() {
    let server = BuiltIn::redis().unwrap();
    let store = open(&server.url());
    let key = Namespace::new("large").key("k");
    runtime().block_on(async {
        store.put(&key, b"small", None, Precondition::Always).await.unwrap().unwrap();
        // Zeros that nobody looks at take no memory.
        let large = vec![0; 512 * 1024 * 1024 - 7];
        let error = store.put(&key, &large, None, Precondition::Always).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge, "{error:?}");
        assert_eq!(&*store.get(&key).await.unwrap().unwrap().bytes, b"small");
    });
}

#[test]
fn mistakes_in_the_url_are_told() {
    let server = Redis::for_programs().unwrap();
    let place = server.url().trim_start_matches("redis://").trim_end_matches('/').to_owned();
    let runtime = runtime();
    let check = |store: AsyncRedisStore, hint: &str| {
        // The second one finds that the first did not spoil the store.
        for _ in 0..2 {
            let got = runtime.block_on(store.get(&Namespace::default().key("k")));
            let error = got.unwrap_err();
            assert!(error.to_string().contains(hint), "{error:?}");
            assert!(!format!("{error:?} {store:?}").contains("secret"), "{error:?}");
            assert_eq!(error.kind(), ErrorKind::Config, "{error:?}");
        }
    };
    if !server.stands_in() {
        check(open(&format!("redis://user:secret@{place}")), "the password");
        check(open(&format!("redis://{place}/99")), "the database");
    }
    check(AsyncRedisStore::open_cluster(&place, DEADLINE).unwrap(), "use `ext:redis`");
    assert!(AsyncRedisStore::open("http://u:secret@h", DEADLINE).is_err());
}

/// The task that moves commands and answers ends with the runtime that it was started on.
#[test]
fn a_store_may_outlive_the_runtime_that_used_it_first() {
    let server = BuiltIn::redis().unwrap();
    let store = open(&server.url());
    let key = Namespace::new("runtimes").key("k");
    for number in 0..3_u8 {
        let runtime = runtime();
        runtime.block_on(store.put(&key, &[number], None, Precondition::Always)).unwrap().unwrap();
        let found = runtime.block_on(store.get(&key)).unwrap().unwrap();
        assert_eq!(&*found.bytes, &[number]);
    }
}
