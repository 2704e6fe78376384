//! A cluster of three masters on this machine, and one of them lost.

use std::cell::RefCell;
use std::time::Duration;

use beaker::store::{RedisStore, Store};
use beaker::{Backend, ErrorKind, Sessions};
use servers::redis::RedisCluster;

use crate::lost::{self, key};

const DEADLINE: Duration = Duration::from_secs(1);

fn start() -> RedisCluster {
    RedisCluster::start().unwrap().expect("redis is installed")
}

#[cfg(feature = "conformance")]
#[servers::needs(redis)]
#[test]
fn the_contract() {
    use beaker::store::conformance::{Subject, check};
    let cluster = start();
    let store = RedisStore::open_cluster(&cluster.url(), Duration::from_secs(5)).unwrap();
    check(&Subject::new(&store, |time| beaker::Clock::sleep(&beaker::SystemClock, time)));
    assert_eq!(store.damaged(), 0);
    beaker::lock::conformance::check(&beaker::lock::LeaseLocks::new(std::sync::Arc::new(store)));
}

#[servers::needs(redis)]
#[test]
fn a_node_alone_and_one_name_for_all() {
    let cluster = start();
    let first = cluster.addresses()[0].to_string();
    // Of the three, one is named, and one that does not exist.
    let url = format!("127.0.0.1:1;{first}");
    let sessions = Sessions::new(Backend::open("ext:rediscluster", &[("urls", &url)]).unwrap());
    for _ in 0..20 {
        let mut session = sessions.create();
        session.save().unwrap();
        sessions.open(session.id()).unwrap();
    }
    let alone = RedisStore::open(&first, DEADLINE).unwrap();
    let errors = (0..20).filter_map(|number| alone.get(&key(number)).err());
    let errors: Vec<_> = errors.collect();
    assert!(!errors.is_empty());
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Config, "{error:?}");
        assert!(error.to_string().contains("use `ext:rediscluster`"), "{error}");
    }
}

#[servers::needs(redis)]
#[test]
fn a_master_is_lost_and_comes_back() {
    let cluster = start();
    let lost_address = cluster.addresses()[1].to_string();
    let store = RedisStore::open_cluster(&cluster.url(), DEADLINE).unwrap();
    let cluster = RefCell::new(cluster);
    let fate = lost::Fate {
        stop: &mut || cluster.borrow_mut().stop(1),
        start_again: &mut || cluster.borrow_mut().start_again(1).unwrap(),
    };
    // The lost one says where the keys of the others are.
    let alone = RedisStore::open(&lost_address, DEADLINE).unwrap();
    lost::check(&store, DEADLINE, fate, |key| alone.get(key).is_ok());
}
