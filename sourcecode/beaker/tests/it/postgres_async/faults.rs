//! A server that refuses, is silent, slow, breaks off, drips or lies, or is stopped and started again.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use beaker::lock::LeaseLocks;
use beaker::store::{AsyncPostgresStore, AsyncStore, Precondition};
use beaker::{Backend, ErrorKind, Sessions};

use super::{connections, key, look_at, open, start};
use crate::driven::{Driven, runtime};
use crate::postgres::{Fault, relay};

const DEADLINE: Duration = Duration::from_millis(400);

fn open_at(address: SocketAddr) -> AsyncPostgresStore {
    let url = format!("postgres://beaker@{address}/postgres");
    AsyncPostgresStore::open(&url, AsyncPostgresStore::TABLE_NAME, DEADLINE).unwrap()
}

fn sessions(store: AsyncPostgresStore) -> Sessions {
    let store = Arc::new(Driven::new(store));
    Sessions::new(Backend::new(Arc::clone(&store), LeaseLocks::new(store)))
}

#[servers::needs(postgresql)]
#[test]
fn faults_are_errors_within_the_deadline_and_all_is_well_after() {
    let server = start();
    let (address, fault) = relay(server.address());
    let sessions = sessions(open_at(address));
    let mut session = sessions.create();
    session.set("Suomi", "Kimi Räikkönen");
    session.save().unwrap();
    for now in [
        Fault::Refuse,
        Fault::Hang,
        Fault::CutAfter(0),
        Fault::CutAfter(7),
        Fault::CutAfter(30),
        Fault::Lie(b"no answer"),
        Fault::Lie(b"Z\0\0\0\x05I"),
        Fault::Lie(b"Z\xff\xff\xff\xff"),
        Fault::Lie(b"D\0\0\0\x06\0\0Z\0\0\0\x05I"),
        Fault::Lie(b"2\0\0\0\x04D\0\0\0\x08\xff\xff\0\0Z\0\0\0\x05I"),
        Fault::Lie(b"2\0\0\0\x04C\0\0\0\x05\0Z\0\0\0\x05I"),
    ] {
        *fault.lock().unwrap() = now;
        for _ in 0..3 {
            let begun = Instant::now();
            let error = match sessions.open(session.id()) {
                Err(error) => error,
                // That nothing was found is a lie that nobody sees through.
                Ok(_) => panic!("nobody said so"),
            };
            if !matches!(now, Fault::Lie(_)) {
                assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
                assert!(error.to_string().contains(&address.to_string()), "{error}");
            }
            assert!(begun.elapsed() < DEADLINE * 2, "it took {:?}", begun.elapsed());
        }
        *fault.lock().unwrap() = Fault::None;
        // What has the lies still in its ears is closed by the first.
        let opened = sessions.open(session.id()).or_else(|_| sessions.open(session.id())).unwrap();
        assert_eq!(opened.require("Suomi").unwrap().as_str(), Some("Kimi Räikkönen"));
    }
}

#[servers::needs(postgresql)]
#[test]
fn a_server_that_is_stopped_and_started_again() {
    let mut server = start();
    let sessions = sessions(open(&server.url()));
    let mut session = sessions.create();
    session.save().unwrap();
    server.stop();
    for _ in 0..3 {
        let error = sessions.open(session.id()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        assert!(error.to_string().contains(&server.address().to_string()), "{error}");
    }
    server.start_again().unwrap();
    assert!(sessions.open(session.id()).is_ok(), "the table is still there");
    server.stop();
    server.start_again().unwrap();
    // A read is sent again if nobody had seen yet that the connection is closed.
    sessions.ping().unwrap();
    sessions.create().save().unwrap();
}

/// The connection is cut while 64 tasks read by it: none of them sees that.
#[servers::needs(postgresql)]
#[test]
fn reads_whose_connection_is_cut_are_sent_once_more() {
    let server = start();
    let store = Arc::new(open(&server.url()).max_connections(1));
    runtime().block_on(async {
        store.put(&key(0), b"x", None, Precondition::Always).await.unwrap().unwrap();
        let client = look_at(&server.url()).await;
        // It waits until they have ended.
        let cut = "select pg_terminate_backend(pid, 20000) from pg_stat_activity \
                   where backend_type = 'client backend' and pid <> pg_backend_pid()";
        for _ in 0..10 {
            // So that it is cut once, and not found to be cut before.
            store.get(&key(0)).await.unwrap().unwrap();
            let tasks = (0..64).map(|_| {
                let store = Arc::clone(&store);
                tokio::spawn(async move { store.get(&key(0)).await.map(|found| found.is_some()) })
            });
            let tasks: Vec<_> = tasks.collect();
            client.execute(cut, &[]).await.unwrap();
            for task in tasks {
                assert!(task.await.unwrap().unwrap());
            }
        }
    });
}

#[servers::needs(postgresql)]
#[test]
fn a_table_that_is_gone_is_made_again() {
    let server = start();
    let store = open(&server.url());
    runtime().block_on(async {
        store.put(&key(0), b"x", None, Precondition::Always).await.unwrap().unwrap();
        let client = look_at(&server.url()).await;
        client.batch_execute("drop table beaker_values").await.unwrap();
        assert_eq!(store.get(&key(0)).await.unwrap(), None);
        store.put(&key(0), b"y", None, Precondition::Absent).await.unwrap().unwrap();
    });
}

/// The server gives the statement up, and the connection is as good as before.
#[servers::needs(postgresql)]
#[test]
fn a_row_that_somebody_holds_is_an_error_within_the_deadline() {
    let server = start();
    let store = open_at(server.address()).max_connections(1);
    runtime().block_on(async {
        store.put(&key(0), b"x", None, Precondition::Always).await.unwrap().unwrap();
        let client = look_at(&server.url()).await;
        let pids = "select array_agg(pid order by pid) from pg_stat_activity \
                    where backend_type = 'client backend'";
        let pids = async || client.query_one(pids, &[]).await.unwrap().get::<_, Vec<i32>>(0);
        let before = pids().await;
        client.batch_execute("begin; update beaker_values set version = version").await.unwrap();
        let begun = Instant::now();
        let put = store.put(&key(0), b"y", None, Precondition::Always).await;
        let error = put.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        assert!(error.to_string().contains("within the deadline"), "{error}");
        assert!(begun.elapsed() < DEADLINE * 2, "it took {:?}", begun.elapsed());
        assert_eq!(&*store.get(&key(0)).await.unwrap().unwrap().bytes, b"x", "a read goes on");
        client.batch_execute("rollback").await.unwrap();
        store.put(&key(0), b"y", None, Precondition::Always).await.unwrap().unwrap();
        assert_eq!(pids().await, before);
    });
}

/// As many connections as the server has left, and the tasks share those.
#[servers::needs(postgresql)]
#[test]
fn a_server_with_no_connection_left_is_shared_by_those_there_are() {
    let server = start();
    runtime().block_on(async {
        let client = look_at(&server.url()).await;
        client.batch_execute("create role few login connection limit 2").await.unwrap();
        client.batch_execute("grant all on schema public to few").await.unwrap();
        let store = Arc::new(open(&format!("postgres://few@{}/postgres", server.address())));
        let tasks = (0..100).map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let key = key(number);
                for _ in 0..5 {
                    store.put(&key, b"x", None, Precondition::Always).await.unwrap().unwrap();
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
        assert!(connections(&client).await <= 2);
    });
}

/// A server that does this on each connection. It returns how many connections it was asked for.
fn serve(work: impl Fn(TcpStream) + Send + Sync + 'static) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let (work, asked) = (Arc::new(work), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&asked);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            count.fetch_add(1, Ordering::SeqCst);
            let work = Arc::clone(&work);
            thread::spawn(move || work(stream));
        }
    });
    (address, asked)
}

#[test]
fn a_server_that_sends_byte_by_byte() {
    let (address, _) = serve(|mut stream| {
        stream.set_read_timeout(Some(DEADLINE / 10)).unwrap();
        let mut heard = [0; 1024];
        // A notice of a million bytes.
        let mut sent = stream.write_all(b"N\0\x0f\x42\x40");
        while sent.is_ok() {
            let _ = stream.read(&mut heard);
            sent = stream.write_all(b"x");
        }
    });
    let store = open_at(address);
    let begun = Instant::now();
    let error = runtime().block_on(store.get(&key(0))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(begun.elapsed() < DEADLINE * 2, "it took {:?}", begun.elapsed());
}

/// All wait for one connection to be opened, and those who come after them for another one.
#[test]
fn a_silent_server_is_not_asked_for_a_connection_a_task() {
    let (address, asked) =
        serve(|mut stream| while stream.read(&mut [0; 1024]).is_ok_and(|n| n > 0) {});
    let store = Arc::new(open_at(address));
    runtime().block_on(async {
        for round in 1..=3 {
            let begun = Instant::now();
            let tasks = (0..100).map(|number| {
                let store = Arc::clone(&store);
                tokio::spawn(async move {
                    store.put(&key(number), b"x", None, Precondition::Always).await
                })
            });
            for task in tasks.collect::<Vec<_>>() {
                let error = task.await.unwrap().unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
                assert!(error.to_string().contains(&address.to_string()), "{error}");
            }
            assert!(begun.elapsed() < DEADLINE * 4, "it took {:?}", begun.elapsed());
            assert_eq!(asked.load(Ordering::SeqCst), round);
        }
    });
}
