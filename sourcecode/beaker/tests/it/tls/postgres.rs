//! PostgreSQL over TLS.

use std::path::PathBuf;
use std::time::Duration;

use beaker::store::DatabaseStore;
use servers::Postgres;

use super::certificates::{Authority, text};
use super::refused;

/// A server that takes no connection without TLS, nor one without a certificate.
struct Server {
    postgres: Postgres,
    authority: Authority,
    /// A certificate for clients, and its key.
    client: [PathBuf; 2],
}

impl Server {
    fn start() -> Server {
        let authority = Authority::new();
        let [certificate, key] = authority.sign("127.0.0.1");
        let postgres = Postgres::over_tls([&certificate, &key, &authority.file()]).unwrap();
        let postgres = postgres.expect("it is installed");
        let client = authority.sign("client");
        Server { postgres, authority, client }
    }

    fn store(&self, parameters: &str) -> DatabaseStore {
        store(&self.postgres, parameters)
    }

    /// What shows our certificate.
    fn own(&self) -> String {
        let [certificate, key] = &self.client;
        format!("&sslcert={}&sslkey={}", text(certificate), text(key))
    }

    fn trusting(&self) -> String {
        format!("?sslmode=verify-full&sslrootcert={}", text(&self.authority.file()))
    }
}

fn store(postgres: &Postgres, parameters: &str) -> DatabaseStore {
    let url = postgres.url() + parameters;
    DatabaseStore::open(&url, DatabaseStore::TABLE_NAME, Duration::from_secs(20)).unwrap()
}

#[cfg(feature = "conformance")]
#[servers::needs(postgresql)]
#[test]
fn the_contract() {
    use std::sync::Arc;

    use beaker::ManualClock;
    use beaker::store::Store;
    use beaker::store::conformance::{Subject, check};
    let server = Server::start();
    let clock = Arc::new(ManualClock::default());
    let store = server.store(&(server.trusting() + &server.own())).with_clock(clock.clone());
    check(&Subject::new(&store, |time| clock.advance(time)));
    assert_eq!(store.damaged(), 0);
}

#[cfg(all(feature = "conformance", feature = "tokio"))]
#[servers::needs(postgresql)]
#[test]
fn the_contract_and_refusals_for_asynchronous_programs() {
    use beaker::ManualClock;
    use beaker::store::AsyncPostgresStore;

    use crate::driven::{Driven, check_contract, runtime};
    let (server, clock) = (Server::start(), std::sync::Arc::new(ManualClock::default()));
    let open = |parameters: &str| {
        let (url, table) = (server.postgres.url() + parameters, AsyncPostgresStore::TABLE_NAME);
        AsyncPostgresStore::open(&url, table, Duration::from_secs(20)).unwrap()
    };
    let store = open(&(server.trusting() + &server.own())).with_clock(clock.clone());
    check_contract(&runtime(), &store, |time| clock.advance(time));
    refused(&Driven::new(open(&server.trusting())), "`&sslcert=`");
    refused(&Driven::new(open("")), "`?sslmode=verify-full`");
}

#[servers::needs(postgresql)]
#[test]
fn whoever_is_not_who_they_should_be_is_refused() {
    let server = Server::start();
    let other = Authority::new();
    let of_other = format!("?sslmode=require&sslrootcert={}", text(&other.file()));
    refused(&server.store(&(of_other + &server.own())), "none to trust");
    refused(&server.store(&server.trusting()), "`&sslcert=`");
    let [certificate, key] = other.sign("client");
    let foreign = format!("&sslcert={}&sslkey={}", text(&certificate), text(&key));
    refused(&server.store(&(server.trusting() + &foreign)), "does not take our certificate");
}

#[servers::needs(postgresql)]
#[test]
fn a_url_that_asks_for_no_tls_is_told_to() {
    let server = Server::start();
    refused(&server.store(""), "`?sslmode=verify-full`");
    refused(&server.store("?sslmode=prefer"), "`?sslmode=verify-full`");
}

#[servers::needs(postgresql)]
#[test]
fn a_server_without_tls_is_named() {
    let postgres = Postgres::for_tests().unwrap().expect("it is installed");
    refused(&store(&postgres, "?sslmode=require"), "it speaks no TLS");
}
