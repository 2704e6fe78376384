//! `book/python/merging_session.py`, by which a Python application stops losing what others save: its own
//! tests, with the servers that they need.

use std::process::Command;

use servers::{Memcached, Postgres, Redis};

#[ignore = "needs BEAKER_PYTHON"]
#[test]
fn a_session_of_python_merges_on_save() {
    let redis = Redis::for_programs().unwrap();
    let memcached = Memcached::for_programs().unwrap();
    let postgres = Postgres::for_tests().unwrap();
    let tests = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/python/test_merging_session.py");
    let mut python = Command::new(super::program());
    // Without `-B` there would be folders of compiled files among the sources.
    python.args(["-B", tests]);
    // The small ones that stand in for servers know what this library sends, and no more.
    if !redis.stands_in() {
        python.env("REDIS_URL", redis.url());
    }
    if !memcached.stands_in() {
        python.env("MEMCACHED_URL", memcached.url());
    }
    if let Some(postgres) = &postgres {
        python.env("POSTGRES_URL", postgres.url());
    }
    let output = python.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    print!("{said}");
}
