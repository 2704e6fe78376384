//! Futures that are dropped after each of their polls.

use super::{open, start};
use crate::dropped::check;

#[servers::needs(postgresql)]
#[test]
fn by_connections_of_its_own() {
    let server = start();
    check(|| open(&server.url()));
}

#[cfg(feature = "deadpool-postgres")]
#[servers::needs(postgresql)]
#[test]
fn by_a_pool_of_the_program() {
    let server = start();
    check(|| super::given(&server.url(), 1));
}
