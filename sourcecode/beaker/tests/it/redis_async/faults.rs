//! A server that is silent, slow, breaks off, drips, lies, or is stopped and started again.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use beaker::key::Namespace;
use beaker::lock::LeaseLocks;
use beaker::store::{AsyncRedisStore, AsyncStore, Precondition};
use beaker::{Backend, ErrorKind, Sessions};
use servers::{BuiltIn, Fault};

use crate::driven::{Driven, runtime};
use crate::unwell::{self, DEADLINE};

fn backend(store: Driven) -> Backend {
    let store = Arc::new(store);
    Backend::new(Arc::clone(&store), LeaseLocks::new(store))
}

#[track_caller]
fn check(fault: Fault) {
    let server = BuiltIn::redis().unwrap();
    let store = Driven::new(AsyncRedisStore::open(&server.url(), DEADLINE).unwrap());
    unwell::check_backend(backend(store), &server, fault);
}

#[test]
fn a_server_that_refuses() {
    check(Fault::Refuse);
}

#[test]
fn a_server_that_hangs() {
    check(Fault::Hang);
}

#[test]
fn a_server_that_is_slow() {
    check(Fault::Slow(DEADLINE * 2));
}

#[test]
fn a_server_that_breaks_off() {
    // The answer to a write has 4 bytes.
    for bytes in [0, 1, 3] {
        check(Fault::CutAnswer(bytes));
    }
}

#[test]
fn a_server_that_is_stopped_and_started_again() {
    let mut server = BuiltIn::redis().unwrap();
    let store = Driven::new(AsyncRedisStore::open(&server.url(), DEADLINE * 20).unwrap());
    let sessions = Sessions::new(backend(store));
    let mut session = sessions.create();
    session.save().unwrap();
    server.stop();
    for _ in 0..3 {
        assert_eq!(sessions.open(session.id()).unwrap_err().kind(), ErrorKind::Unavailable);
    }
    server.start_again().unwrap();
    let mut next = sessions.create();
    next.save().unwrap();
    assert!(sessions.open(next.id()).is_ok());
    server.stop();
    server.start_again().unwrap();
    // A read is sent again if nobody had seen yet that the connection is closed.
    sessions.ping().unwrap();
    sessions.create().save().unwrap();
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
        let (mut sent, _) = (stream.write_all(b"$1000000\r\n"), stream.read(&mut heard));
        while sent.is_ok() {
            let _ = stream.read(&mut heard);
            sent = stream.write_all(b"x");
        }
    });
    let store = AsyncRedisStore::open(&address.to_string(), DEADLINE).unwrap();
    let begun = Instant::now();
    let error = runtime().block_on(store.get(&Namespace::default().key("k"))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(begun.elapsed() < DEADLINE * 2, "it took {:?}", begun.elapsed());
}

/// All wait on one connection, and those who come after them on another one.
#[test]
fn a_silent_server_is_not_asked_for_a_connection_a_task() {
    let (address, asked) =
        serve(|mut stream| while stream.read(&mut [0; 1024]).is_ok_and(|n| n > 0) {});
    let store = Arc::new(AsyncRedisStore::open(&address.to_string(), DEADLINE).unwrap());
    runtime().block_on(async {
        for round in 1..=3 {
            let begun = Instant::now();
            let tasks = (0..100).map(|number| {
                let store = Arc::clone(&store);
                let key = Namespace::default().key(format!("{number}"));
                tokio::spawn(async move { store.put(&key, b"x", None, Precondition::Always).await })
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

/// What is no answer, or none to the command, is an error; and the next call is answered rightly.
#[test]
fn a_server_that_lies() {
    for lie in [
        "",
        "x\r\n",
        "$99999999999999999999\r\n",
        "*9999999999\r\n:1\r\n",
        ":1\r\n",
        "+OK\r\n",
        "*1\r\n:1\r\n",
        "-\r\n",
        "-ERR no\r\n",
        "%1\r\n+a\r\n+b\r\n",
    ] {
        let told = AtomicUsize::new(0);
        let (address, _) = serve(move |mut stream| {
            let mut heard = [0; 1024];
            while stream.read(&mut heard).is_ok_and(|count| count > 0) {
                let is_first = told.fetch_add(1, Ordering::SeqCst) == 0;
                let answer = if is_first { lie } else { "+OK\r\n" };
                if stream.write_all(answer.as_bytes()).is_err() {
                    return;
                }
            }
        });
        let store = AsyncRedisStore::open(&address.to_string(), DEADLINE).unwrap();
        let key = Namespace::default().key("k");
        let runtime = runtime();
        let put = || runtime.block_on(store.put(&key, b"x", None, Precondition::Absent));
        let begun = Instant::now();
        if lie == "+OK\r\n" {
            let error = runtime.block_on(store.get(&key)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{lie:?}: {error:?}");
        } else {
            let error = put().expect_err(lie);
            assert!(error.kind() != ErrorKind::Config, "{lie:?}: {error:?}");
        }
        assert!(begun.elapsed() < DEADLINE * 4, "{lie:?} took {:?}", begun.elapsed());
        assert!(put().unwrap().is_some(), "{lie:?}");
    }
}
