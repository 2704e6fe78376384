//! redis over TLS.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use beaker::key::Namespace;
use beaker::store::{Precondition, RedisStore, Store};
use beaker::{Backend, ErrorKind};
use servers::installed::{Installed, find};

use super::certificates::{Authority, text};
use super::refused;

const DEADLINE: Duration = Duration::from_secs(5);

/// A redis with a port for TLS.
pub(super) struct Server {
    /// What its certificate is for.
    host: &'static str,
    pub(super) plain: Installed,
    port: u16,
    pub(super) authority: Authority,
}

impl Server {
    pub(super) fn start(host: &'static str, more: &[&str]) -> Server {
        let program = find("redis-server").expect("it is installed");
        let authority = Authority::new();
        let [certificate, key] = authority.sign(host);
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr();
        let port = free.unwrap().port();
        let (number, ca) = (port.to_string(), authority.file());
        let mut options = vec!["--tls-port", &number, "--tls-ca-cert-file", text(&ca)];
        options.extend(["--tls-cert-file", text(&certificate), "--tls-key-file", text(&key)]);
        options.extend(more);
        let options: Vec<String> = options.into_iter().map(str::to_owned).collect();
        let plain = Installed::redis_with(&program, &options).unwrap();
        Server { host, plain, port, authority }
    }

    pub(super) fn without_client_certificates() -> Server {
        Server::start("localhost", &["--tls-auth-clients", "no"])
    }

    /// What is to follow the address, for a client that trusts this one's authority.
    pub(super) fn trusting(&self) -> String {
        format!("?ssl_ca_certs={}", text(&self.authority.file()))
    }

    pub(super) fn url(&self, parameters: &str) -> String {
        format!("rediss://{}:{}/{parameters}", self.host, self.port)
    }

    fn store(&self, parameters: &str) -> RedisStore {
        RedisStore::open(&self.url(parameters), DEADLINE).unwrap()
    }

    /// Says something to the port without TLS.
    pub(super) fn say(&self, command: &str) -> String {
        say(self.plain.address(), command)
    }
}

fn say(address: SocketAddr, command: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(format!("{command}\r\nQUIT\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[cfg(feature = "conformance")]
#[servers::needs(redis)]
#[test]
fn the_contract() {
    use beaker::store::conformance::{Subject, check};
    let server = Server::without_client_certificates();
    let store = server.store(&server.trusting());
    // The server's clock cannot be moved.
    check(&Subject::new(&store, |time| beaker::Clock::sleep(&beaker::SystemClock, time)));
    assert_eq!(store.damaged(), 0);
}

#[servers::needs(redis)]
#[test]
fn a_connection_is_used_again_and_a_closed_one_is_not() {
    let server = Server::without_client_certificates();
    let store = server.store(&server.trusting());
    let key = Namespace::new("tls").key("k");
    let connections = || {
        let answer = server.say("INFO stats");
        let line = answer.lines().find_map(|it| it.strip_prefix("total_connections_received:"));
        line.unwrap().parse::<u32>().unwrap()
    };
    store.put(&key, &[7; 300_000], None, Precondition::Always).unwrap();
    let before = connections();
    for _ in 0..100 {
        assert_eq!(store.get(&key).unwrap().unwrap().bytes.len(), 300_000);
    }
    // The one that asks is new.
    assert_eq!(connections() - before, 1);
    server.say("CLIENT KILL TYPE normal");
    assert!(store.get(&key).unwrap().is_some());
}

#[servers::needs(redis)]
#[test]
fn a_server_that_is_not_who_it_should_be_is_refused() {
    let server = Server::without_client_certificates();
    let other = Authority::new();
    let of_other = format!("?ssl_ca_certs={}", text(&other.file()));
    refused(&server.store(&of_other), "none to trust");
    let by_address = format!("rediss://127.0.0.1:{}/{}", server.port, server.trusting());
    refused(&RedisStore::open(&by_address, DEADLINE).unwrap(), "is for another name");
    // Nothing was said to it.
    assert!(server.say("DBSIZE").starts_with(":0"));
}

#[servers::needs(redis)]
#[test]
fn those_whom_the_system_trusts_are_not_ours() {
    let server = Server::without_client_certificates();
    // A machine may have no certificates at all.
    match RedisStore::open(&server.url(""), DEADLINE) {
        Ok(store) => drop(refused(&store, "none to trust")),
        Err(error) => assert!(error.to_string().contains("`ssl_ca_certs`"), "{error:?}"),
    }
}

#[servers::needs(redis)]
#[test]
fn a_server_that_asks_for_a_certificate_gets_it() {
    let server = Server::start("localhost", &[]);
    let trusting = server.trusting();
    refused(&server.store(&trusting), "wants one");
    let with = |signed_by: &Authority| {
        let [certificate, key] = signed_by.sign("client");
        format!("{trusting}&ssl_certfile={}&ssl_keyfile={}", text(&certificate), text(&key))
    };
    let other = Authority::new();
    refused(&server.store(&with(&other)), "does not take our certificate");
    let url = server.url(&with(&server.authority));
    let store = Backend::open("ext:redis", &[("url", &url)]).unwrap().store().clone();
    let key = Namespace::new("tls").key("k");
    store.put(&key, b"kept", None, Precondition::Always).unwrap();
    assert_eq!(&*store.get(&key).unwrap().unwrap().bytes, b"kept");
}

#[servers::needs(redis)]
#[test]
fn a_server_without_tls_is_named() {
    let server = Server::without_client_certificates();
    let address = server.plain.address();
    let url = format!("rediss://localhost:{}/{}", address.port(), server.trusting());
    does_not_agree(&url);
}

#[test]
fn a_server_that_says_nothing_is_left_in_time() {
    let authority = Authority::new();
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = silent.local_addr().unwrap().port();
    let url = format!("rediss://localhost:{port}/?ssl_ca_certs={}", text(&authority.file()));
    does_not_agree(&url);
}

#[track_caller]
fn does_not_agree(url: &str) {
    let store = RedisStore::open(url, Duration::from_millis(300)).unwrap();
    let begun = Instant::now();
    let error = store.get(&Namespace::new("tls").key("k")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(format!("{error:?}").contains("does it speak TLS there?"), "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

/// A cluster of one: it tells where its slots are, and that is over TLS as well.
pub(super) fn start_cluster(folder: &std::path::Path) -> Server {
    let place = folder.display().to_string();
    let options = ["--tls-auth-clients", "no", "--cluster-enabled", "yes", "--tls-cluster", "yes"];
    let options: Vec<&str> = options.into_iter().chain(["--dir", &place]).collect();
    // It tells of its address, and of no name.
    let server = Server::start("127.0.0.1", &options);
    assert!(server.say("CLUSTER ADDSLOTSRANGE 0 16383").starts_with("+OK"));
    while !server.say("CLUSTER INFO").contains("cluster_state:ok") {
        thread::yield_now();
    }
    server
}

#[servers::needs(redis)]
#[test]
fn a_cluster() {
    let folder = tempfile::tempdir().unwrap();
    let server = start_cluster(folder.path());
    let store = RedisStore::open_cluster(&server.url(&server.trusting()), DEADLINE).unwrap();
    for number in 0..50_u8 {
        let key = Namespace::new("tls").key([number]);
        store.put(&key, &[number], None, Precondition::Absent).unwrap().unwrap();
        assert_eq!(&*store.get(&key).unwrap().unwrap().bytes, &[number]);
    }
}
