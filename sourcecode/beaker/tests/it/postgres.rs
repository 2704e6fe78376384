//! PostgreSQL, a real one that each test starts where it is installed: the contract, and a server
//! that is stopped, hangs, breaks off or refuses.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use beaker::key::Namespace;
use beaker::store::{DatabaseStore, Precondition, Store};
use beaker::{Backend, ErrorKind, ManualClock, Sessions};
use servers::Postgres;

const DEADLINE: Duration = Duration::from_secs(20);

fn open(url: &str) -> DatabaseStore {
    DatabaseStore::open(url, DatabaseStore::TABLE_NAME, DEADLINE).unwrap()
}

#[cfg(feature = "conformance")]
#[servers::needs(postgresql)]
#[test]
fn the_contract() {
    use beaker::store::conformance::{Subject, check};
    let server = Postgres::for_tests().unwrap().expect("it is installed");
    let clock = Arc::new(ManualClock::default());
    let store = open(&server.url()).with_clock(clock.clone());
    check(&Subject::new(&store, |time| clock.advance(time)));
    assert_eq!(store.damaged(), 0);
}

#[servers::needs(postgresql)]
#[test]
fn handles_made_at_once_sweep_and_clear() {
    let server = Postgres::for_tests().unwrap().expect("it is installed");
    let url = server.url();
    let key = |number: usize| Namespace::new("n").key(number.to_string());
    // The table is made by whoever comes first.
    thread::scope(|scope| {
        for number in 0..8 {
            let url = &url;
            scope.spawn(move || {
                open(url).put(&key(number), b"x", None, Precondition::Absent).unwrap().unwrap()
            });
        }
    });
    let clock = Arc::new(ManualClock::default());
    let store = open(&url).with_clock(clock.clone());
    for number in 8..108 {
        let ttl = Some(Duration::from_secs(10));
        store.put(&key(number), b"x", ttl, Precondition::Always).unwrap();
    }
    clock.advance(Duration::from_secs(11));
    let steps: Vec<_> = (0..2).map(|_| store.sweep(60).unwrap()).collect();
    assert_eq!(steps.iter().map(|step| step.removed).collect::<Vec<_>>(), [60, 40]);
    assert!(steps[1].is_done && store.get(&key(7)).unwrap().is_some());
    for number in 0..1500 {
        store.put(&key(number), b"x", None, Precondition::Always).unwrap();
    }
    store.clear(key(0).namespace()).unwrap();
    assert!((0..1500).all(|number| store.get(&key(number)).unwrap().is_none()));
}

#[servers::needs(postgresql)]
#[test]
fn a_server_that_is_stopped_and_started_again() {
    let mut server = Postgres::for_tests().unwrap().expect("it is installed");
    let backend = Backend::open("ext:database", &[("url", &server.url())]).unwrap();
    let sessions = Sessions::new(backend);
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
    let mut next = sessions.create();
    next.save().unwrap();
    // Stopped while nobody asked: who asks first may get an error, and the next none.
    server.stop();
    server.start_again().unwrap();
    let _ = sessions.open(next.id());
    assert!(sessions.open(next.id()).is_ok());
}

#[test]
fn a_server_that_is_not_there_can_be_waited_for() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("postgres://user:secret@127.0.0.1:{port}/postgres");
    let error = open(&url).get(&Namespace::default().key("k")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(!format!("{error:?} {:?}", open(&url)).contains("secret"), "{error:?}");
}

#[servers::needs(postgresql)]
#[test]
fn a_database_or_a_table_that_is_not_ours() {
    let server = Postgres::for_tests().unwrap().expect("it is installed");
    let key = Namespace::default().key("k");
    let none = open(&format!("{}none", server.url())).get(&key).unwrap_err();
    assert_eq!(none.kind(), ErrorKind::Config, "{none:?}");
    assert!(none.to_string().contains("create that database"), "{none}");
    let other = DatabaseStore::open(&server.url(), "pg_class", DEADLINE).unwrap();
    let other = other.get(&key).unwrap_err();
    assert!(other.to_string().contains("another `table_name`"), "{other:?}");
    assert!(!other.to_string().contains("remove"), "it may be somebody's live sessions: {other}");
}

/// What the relay does with the bytes of the answers.
#[derive(Clone, Copy, PartialEq)]
pub enum Fault {
    None,
    Refuse,
    Hang,
    CutAfter(usize),
    /// Says this instead.
    Lie(&'static [u8]),
}

/// Stands between a client and the server.
pub fn relay(server: SocketAddr) -> (SocketAddr, Arc<Mutex<Fault>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let fault = Arc::new(Mutex::new(Fault::None));
    let shared = Arc::clone(&fault);
    thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.unwrap();
            if *shared.lock().unwrap() == Fault::Refuse {
                continue;
            }
            let server = TcpStream::connect(server).unwrap();
            let (mut questions, mut to) =
                (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || std::io::copy(&mut questions, &mut to));
            let fault = Arc::clone(&shared);
            thread::spawn(move || answers(server, client, &fault));
        }
    });
    (address, fault)
}

fn answers(mut server: TcpStream, mut client: TcpStream, fault: &Mutex<Fault>) {
    let mut bytes = [0; 4096];
    while let Ok(count @ 1..) = server.read(&mut bytes) {
        let fault = *fault.lock().unwrap();
        let sent = match fault {
            Fault::None => client.write_all(&bytes[..count]),
            Fault::Hang => Ok(()),
            Fault::CutAfter(most) => {
                let _ = client.write_all(&bytes[..most.min(count)]);
                break;
            }
            Fault::Lie(lie) => client.write_all(lie),
            Fault::Refuse => break,
        };
        if sent.is_err() {
            break;
        }
    }
    let _ = (client.shutdown(Shutdown::Both), server.shutdown(Shutdown::Both));
}

#[servers::needs(postgresql)]
#[test]
fn faults_are_errors_within_the_deadline_and_all_is_well_after() {
    const DEADLINE: Duration = Duration::from_millis(400);
    let server = Postgres::for_tests().unwrap().expect("it is installed");
    // The table is made at leisure: a disk may be slower than the deadline of what is tried.
    open(&server.url()).get(&Namespace::default().key("none")).unwrap();
    let (address, fault) = relay(server.address());
    let url = format!("postgres://beaker@{address}/postgres");
    let deadline = DEADLINE.as_millis().to_string();
    let options = [("url", &*url), ("deadline", &*deadline)];
    let sessions = Sessions::new(Backend::open("ext:database", &options).unwrap());
    let mut session = sessions.create();
    session.set("Suomi", "Kimi Räikkönen");
    session.save().unwrap();
    for now in
        [Fault::Refuse, Fault::Hang, Fault::CutAfter(0), Fault::CutAfter(7), Fault::CutAfter(30)]
    {
        *fault.lock().unwrap() = now;
        for _ in 0..3 {
            let begun = Instant::now();
            let error = sessions.open(session.id()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
            assert!(error.to_string().contains(&address.to_string()), "{error}");
            assert!(begun.elapsed() < DEADLINE * 2, "it took {:?}", begun.elapsed());
        }
        *fault.lock().unwrap() = Fault::None;
        // A connection from before may be left; the next call has a new one.
        let opened = sessions.open(session.id()).or_else(|_| sessions.open(session.id())).unwrap();
        let driver = opened.require("Suomi").unwrap();
        assert_eq!(driver.as_str(), Some("Kimi Räikkönen"));
    }
}
