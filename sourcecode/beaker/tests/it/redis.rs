//! redis: the contract, the round trips, and a server that is down, hangs or breaks off.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use beaker::key::Namespace;
use beaker::store::{Precondition, RedisStore, Store};
use beaker::{Backend, ErrorKind, Sessions};
use servers::{BuiltIn, Fault, Redis};

use crate::unwell::{self, DEADLINE};

fn open(url: &str) -> RedisStore {
    RedisStore::open(url, Duration::from_secs(5)).unwrap()
}

#[cfg(feature = "conformance")]
mod contract {
    use super::*;
    use beaker::store::conformance::{Subject, check};

    #[test]
    fn the_real_one() {
        let server = Redis::for_programs().unwrap();
        let store = open(&server.url());
        // The server's clock cannot be moved.
        check(&Subject::new(&store, |time| beaker::Clock::sleep(&beaker::SystemClock, time)));
        assert_eq!(store.damaged(), 0);
    }

    #[test]
    fn the_built_in_one() {
        let server = BuiltIn::redis().unwrap();
        let store = open(&server.url());
        check(&Subject::new(&store, |time| server.advance(time)));
        assert_eq!(store.damaged(), 0);
    }
}

#[test]
fn a_value_that_is_too_large_leaves_what_was_there() {
    let server = BuiltIn::redis().unwrap();
    let store = open(&server.url());
    let key = Namespace::new("large").key("k");
    store.put(&key, b"small", None, Precondition::Always).unwrap().unwrap();
    // Zeros that nobody looks at take no memory.
    let large = vec![0; 512 * 1024 * 1024 - 7];
    let error = store.put(&key, &large, None, Precondition::Always).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error:?}");
    assert_eq!(&*store.get(&key).unwrap().unwrap().bytes, b"small");
}

#[test]
fn what_others_keep_there_stays() {
    let server = Redis::for_programs().unwrap();
    let address = server.url();
    let address = address.trim_start_matches("redis://").trim_end_matches('/');
    let say = |command: &str| {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(format!("{command}\r\nQUIT\r\n").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    say("SET theirs x");
    let store = open(&server.url());
    for name in ["", "*", "theirs"] {
        store.clear(&Namespace::new(name)).unwrap();
    }
    assert!(say("GET theirs").contains("x\r\n"));
    // What is no value of ours, under a key of ours.
    say("SET beaker::short 1234567");
    assert_eq!(store.get(&Namespace::default().key("short")).unwrap(), None);
    assert_eq!(store.damaged(), 1);
}

#[test]
fn many_keys_are_cleared() {
    let server = Redis::for_programs().unwrap();
    let store = open(&server.url());
    let (many, other) = (Namespace::new("many"), Namespace::new("other"));
    for number in 0..2500 {
        for namespace in [&many, &other] {
            let key = namespace.key(format!("{number}"));
            store.put(&key, b"x", None, Precondition::Always).unwrap();
        }
    }
    store.clear(&many).unwrap();
    for number in 0..2500 {
        assert!(store.get(&many.key(format!("{number}"))).unwrap().is_none());
        assert!(store.get(&other.key(format!("{number}"))).unwrap().is_some());
    }
}

#[track_caller]
fn check(fault: Fault) {
    unwell::check("ext:redis", &BuiltIn::redis().unwrap(), fault);
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
fn a_server_that_sends_byte_by_byte() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(DEADLINE / 10)).unwrap();
        let mut heard = [0; 1024];
        let (mut sent, _) = (stream.write_all(b"$1000000\r\n"), stream.read(&mut heard));
        while sent.is_ok() {
            let _ = stream.read(&mut heard);
            sent = stream.write_all(b"x");
        }
    });
    let store = RedisStore::open(&address.to_string(), DEADLINE).unwrap();
    let begun = Instant::now();
    let error = store.get(&Namespace::default().key("k")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(begun.elapsed() < DEADLINE * 2, "it took {:?}", begun.elapsed());
    server.join().unwrap();
}

/// The connections of the pool are closed with the server. That is found out before a command is
/// sent, so whoever did not ask meanwhile sees nothing of it.
#[test]
fn a_server_that_is_stopped_and_started_again() {
    let mut server = BuiltIn::redis().unwrap();
    let backend = Backend::open("ext:redis", &[("url", &server.url())]).unwrap();
    let sessions = Sessions::new(backend);
    let mut session = sessions.create();
    session.save().unwrap();
    server.stop();
    assert_eq!(sessions.open(session.id()).unwrap_err().kind(), ErrorKind::Unavailable);
    server.start_again().unwrap();
    let mut next = sessions.create();
    next.save().unwrap();
    assert!(sessions.open(next.id()).is_ok());
    server.stop();
    server.start_again().unwrap();
    sessions.create().save().unwrap();
}

/// One round trip each. Only the first use of a script sends its text as well.
#[test]
fn what_a_session_costs() {
    let server = BuiltIn::redis().unwrap();
    let backend = Backend::open("ext:redis", &[("url", &server.url())]).unwrap();
    let sessions = Sessions::new(backend);
    let commands = |act: &mut dyn FnMut()| {
        let before = server.commands();
        act();
        server.commands() - before
    };
    let mut session = sessions.create();
    assert_eq!(commands(&mut || session.save().unwrap()), 1);
    assert_eq!(commands(&mut || drop(sessions.open(session.id()).unwrap())), 1);
    session.set("a", 1);
    assert_eq!(commands(&mut || session.save().unwrap()), 2);
    session.set("a", 2);
    assert_eq!(commands(&mut || session.save().unwrap()), 1);
}

#[test]
fn mistakes_in_the_url_are_told() {
    let server = Redis::for_programs().unwrap();
    let place = server.url().trim_start_matches("redis://").trim_end_matches('/').to_owned();
    let check = |store: RedisStore, hint: &str| {
        let error = store.get(&Namespace::default().key("k")).unwrap_err();
        assert!(error.to_string().contains(hint), "{error:?}");
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
        assert_eq!(error.kind(), ErrorKind::Config, "{error:?}");
    };
    if !server.stands_in() {
        check(open(&format!("redis://user:secret@{place}")), "the password");
        check(open(&format!("redis://{place}/99")), "the database");
    }
    let cluster = RedisStore::open_cluster(&place, DEADLINE).unwrap();
    check(cluster, "use `ext:redis`");
}
