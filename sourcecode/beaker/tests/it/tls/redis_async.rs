//! redis over TLS, for asynchronous programs.

use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};

use beaker::ErrorKind;
use beaker::key::Namespace;
use beaker::store::{AsyncRedisStore, AsyncStore, Precondition};

use super::certificates::{Authority, text};
use super::redis::{Server, start_cluster};
use super::refused;
use crate::driven::{Driven, runtime};

const DEADLINE: Duration = Duration::from_secs(5);

fn open(url: &str) -> AsyncRedisStore {
    AsyncRedisStore::open(url, DEADLINE).unwrap()
}

#[cfg(feature = "conformance")]
#[servers::needs(redis)]
#[test]
fn the_contract() {
    use crate::driven::{check_contract, wait};
    let server = Server::without_client_certificates();
    check_contract(&runtime(), &open(&server.url(&server.trusting())), wait);
}

#[servers::needs(redis)]
#[test]
fn a_connection_that_is_closed_is_opened_again() {
    let server = Server::without_client_certificates();
    let (store, runtime) = (open(&server.url(&server.trusting())), runtime());
    let key = Namespace::new("tls").key("k");
    runtime.block_on(store.put(&key, &[7; 300_000], None, Precondition::Always)).unwrap();
    for _ in 0..10 {
        let found = runtime.block_on(store.get(&key)).unwrap().unwrap();
        assert_eq!(found.bytes.len(), 300_000);
        server.say("CLIENT KILL TYPE normal");
    }
}

#[servers::needs(redis)]
#[test]
fn a_server_that_is_not_who_it_should_be_is_refused() {
    let server = Server::without_client_certificates();
    let other = Authority::new();
    let of_other = server.url(&format!("?ssl_ca_certs={}", text(&other.file())));
    refused(&Driven::new(open(&of_other)), "none to trust");
    let by_address = server.url(&server.trusting()).replace("localhost", "127.0.0.1");
    refused(&Driven::new(open(&by_address)), "is for another name");
    // Nothing was said to it.
    assert!(server.say("DBSIZE").starts_with(":0"));
}

#[servers::needs(redis)]
#[test]
fn a_server_that_asks_for_a_certificate_gets_it() {
    let server = Server::start("localhost", &[]);
    let trusting = server.trusting();
    refused(&Driven::new(open(&server.url(&trusting))), "wants one");
    let [certificate, key] = server.authority.sign("client");
    let (certificate, key) = (text(&certificate), text(&key));
    let with = format!("{trusting}&ssl_certfile={certificate}&ssl_keyfile={key}");
    let (store, runtime) = (open(&server.url(&with)), runtime());
    let key = Namespace::new("tls").key("k");
    runtime.block_on(store.put(&key, b"kept", None, Precondition::Always)).unwrap();
    assert_eq!(&*runtime.block_on(store.get(&key)).unwrap().unwrap().bytes, b"kept");
}

#[servers::needs(redis)]
#[test]
fn a_server_without_tls_is_named() {
    let server = Server::without_client_certificates();
    let port = server.plain.address().port();
    does_not_agree(&format!("rediss://localhost:{port}/{}", server.trusting()));
}

#[test]
fn a_server_that_says_nothing_is_left_in_time() {
    let authority = Authority::new();
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = silent.local_addr().unwrap().port();
    let trusting = format!("?ssl_ca_certs={}", text(&authority.file()));
    does_not_agree(&format!("rediss://localhost:{port}/{trusting}"));
}

#[track_caller]
fn does_not_agree(url: &str) {
    let store = AsyncRedisStore::open(url, Duration::from_millis(300)).unwrap();
    let begun = Instant::now();
    let error = runtime().block_on(store.get(&Namespace::new("tls").key("k"))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(format!("{error:?}").contains("does it speak TLS there?"), "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

#[servers::needs(redis)]
#[test]
fn a_cluster() {
    let folder = tempfile::tempdir().unwrap();
    let server = start_cluster(folder.path());
    let url = server.url(&server.trusting());
    let store = AsyncRedisStore::open_cluster(&url, DEADLINE).unwrap();
    runtime().block_on(async {
        for number in 0..50_u8 {
            let key = Namespace::new("tls").key([number]);
            store.put(&key, &[number], None, Precondition::Absent).await.unwrap().unwrap();
            assert_eq!(&*store.get(&key).await.unwrap().unwrap().bytes, &[number]);
        }
    });
}
