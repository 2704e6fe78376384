//! Beaker's items in memcached.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use beaker::key::Namespace;
use beaker::store::python::BeakerMemcached;
use beaker::store::{MemcachedStore, Precondition, Store};
use beaker::{Backend, ErrorKind};
use servers::memcached::Memory;
use servers::{BuiltIn, Fault, Memcached};

use super::{TEXT, check_left_alone, check_races, check_sessions, foreign, id};
use crate::unwell::DEADLINE;

const KEY: &str = "00112233445566778899aabbccddeeff_session";

fn open(url: &str) -> BeakerMemcached {
    BeakerMemcached::new(MemcachedStore::open(url, Duration::from_secs(20)).unwrap())
}

/// Sends a command, and returns the first line of the answer, and what follows it of the length that the line
/// says last.
fn say(url: &str, command: &[u8]) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(url.trim_start_matches("memcache://")).unwrap();
    stream.write_all(command).unwrap();
    let (mut reader, mut line) = (BufReader::new(stream), String::new());
    reader.read_line(&mut line).unwrap();
    let line = line.trim_end().to_owned();
    let length = line.strip_prefix("VALUE ").and_then(|rest| rest.rsplit(' ').next());
    let mut value = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut value).unwrap();
    (line, value)
}

/// Writes an item as a client of the old commands does.
fn set(url: &str, flags: u32, value: &[u8]) {
    let head = format!("set {KEY} {flags} 0 {}\r\n", value.len());
    let command = [head.as_bytes(), value, b"\r\n"].concat();
    assert_eq!(say(url, &command).0, "STORED");
}

fn get(url: &str) -> (String, Vec<u8>) {
    say(url, format!("get {KEY}\r\n").as_bytes())
}

#[cfg(feature = "conformance")]
#[test]
fn the_contract() {
    let (real, built_in) = (Memcached::for_programs().unwrap(), BuiltIn::memcached().unwrap());
    for url in [real.url(), built_in.url()] {
        super::sessions::check_contract(open(&url));
    }
}

#[test]
fn sessions() {
    let server = Memcached::for_programs().unwrap();
    check_sessions(&open(&server.url()));
    check_races(&open(&server.url()));
    for done in [
        open(&server.url()).clear(&Namespace::default()),
        open(&server.url()).keys(&Namespace::default(), None, 10).map(drop),
    ] {
        assert_eq!(done.unwrap_err().kind(), ErrorKind::Config);
    }
}

#[servers::needs(memcached)]
#[test]
fn the_very_bytes() {
    let server = Memcached::for_programs().unwrap();
    let (url, store) = (server.url(), open(&server.url()));
    let ttl = Some(Duration::from_secs(600));
    let version = store.put(&id(), TEXT.as_bytes(), ttl, Precondition::Absent).unwrap().unwrap();
    assert_eq!(get(&url), (format!("VALUE {KEY} 16 120"), TEXT.as_bytes().to_vec()));
    let (line, _) = say(&url, format!("mg {KEY} t\r\n").as_bytes());
    let left: u64 = line.strip_prefix("HD t").unwrap().parse().unwrap();
    assert!((600..=602).contains(&left), "{left}");
    // Python writes.
    set(&url, 16, b"new");
    let stored = store.get(&id()).unwrap().unwrap();
    assert_eq!(&*stored.bytes, b"new");
    assert!(store.put(&id(), b"x", None, Precondition::Unchanged(version)).unwrap().is_none());
    let unchanged = Precondition::Unchanged(stored.version);
    assert!(store.put(&id(), b"mine", None, unchanged).unwrap().is_some());
    assert_eq!(say(&url, format!("mg {KEY} t\r\n").as_bytes()).0, "HD t-1");
}

#[servers::needs(memcached)]
#[test]
fn what_cannot_be_read_stays() {
    let server = Memcached::for_programs().unwrap();
    let (url, store) = (server.url(), open(&server.url()));
    let pickles = foreign().into_iter().map(|bytes| (1, bytes));
    let texts = [&b"two words"[..], "é".as_bytes(), b"\xff\xfe", b"\x01\0record"];
    let texts = texts.into_iter().map(|bytes| (16, bytes.to_vec()));
    for (flags, bytes) in pickles.chain(texts).chain([(0, b"text".to_vec())]) {
        set(&url, flags, &bytes);
        check_left_alone(&store, || get(&url).1 == bytes);
    }
    assert!(store.delete(&id(), Precondition::Always).unwrap());
    assert_eq!(get(&url).0, "END");
}

/// `python-memcached` chooses the server, by the CRC-32 of the key.
#[test]
fn several_servers() {
    let servers = [(); 3].map(|()| BuiltIn::memcached().unwrap());
    let urls = servers.each_ref().map(BuiltIn::<Memory>::url);
    let store = open(&urls.join(";"));
    // ((crc32(key) >> 16) & 0x7fff) % 3, by Python.
    for (number, server) in ROUTES {
        let key = Namespace::default().key(format!("{number:032x}"));
        store.put(&key, b"text", None, Precondition::Absent).unwrap().unwrap();
        let alone = open(&urls[server]);
        assert!(alone.get(&key).unwrap().is_some(), "{number} is not on {server}");
        assert!(store.delete(&key, Precondition::Always).unwrap());
        assert_eq!(alone.get(&key).unwrap(), None);
    }
}

/// Ids as numbers, and the server of each.
const ROUTES: [(u128, usize); 12] = [
    (0, 2),
    (1, 0),
    (2, 0),
    (3, 2),
    (5, 0),
    (8, 0),
    (13, 1),
    (21, 2),
    (34, 0),
    (0x10000000000000000000000000, 1),
    (0xdeadbeef0000000000000000, 1),
    (0x1c00000000000000000, 2),
];

#[test]
fn too_large() {
    let server = Memcached::for_programs().unwrap();
    let store = open(&server.url());
    store.put(&id(), b"small", None, Precondition::Absent).unwrap().unwrap();
    let error = store.put(&id(), &vec![b'x'; 2_000_000], None, Precondition::Always).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error:?}");
    assert_eq!(&*store.get(&id()).unwrap().unwrap().bytes, b"small");
}

#[test]
fn a_server_that_is_down() {
    for fault in [Fault::Refuse, Fault::Hang] {
        let server = BuiltIn::memcached().unwrap();
        let (address, deadline) = (server.address().to_string(), DEADLINE.as_millis().to_string());
        let options = [("url", address.as_str()), ("deadline", deadline.as_str())];
        let backend = Backend::open_beaker("ext:memcached", &options).unwrap();
        let store = backend.store();
        store.put(&id(), b"text", None, Precondition::Absent).unwrap();
        server.fault(fault);
        for error in [
            store.get(&id()).unwrap_err(),
            store.put(&id(), b"new", None, Precondition::Always).unwrap_err(),
            store.delete(&id(), Precondition::Always).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
            assert!(error.to_string().contains(&address), "{error}");
            assert!(error.to_string().contains("`00112233…`"), "{error}");
        }
        server.fault(Fault::None);
        // What got no answer may have been done, and may be done late.
        store.put(&id(), b"well", None, Precondition::Always).unwrap().unwrap();
        assert!(store.get(&Namespace::default().key("f".repeat(32))).unwrap().is_none());
    }
}
