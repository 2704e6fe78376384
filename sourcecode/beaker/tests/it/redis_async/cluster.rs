//! A cluster of three masters on this machine, and one of them lost.

use std::cell::RefCell;
use std::time::Duration;

use beaker::ErrorKind;
use beaker::store::{AsyncRedisStore, AsyncStore, RedisStore, Store};
use servers::redis::RedisCluster;

use crate::driven::{Driven, runtime};
use crate::lost::{self, key};

const DEADLINE: Duration = Duration::from_secs(1);

fn start() -> RedisCluster {
    RedisCluster::start().unwrap().expect("redis is installed")
}

#[cfg(feature = "conformance")]
#[servers::needs(redis)]
#[test]
fn the_contract() {
    use crate::driven::{check_contract, wait};
    let cluster = start();
    let store = AsyncRedisStore::open_cluster(&cluster.url(), Duration::from_secs(5)).unwrap();
    check_contract(&runtime(), &store, wait);
}

#[cfg(feature = "conformance")]
#[servers::needs(redis)]
#[test]
fn the_contract_by_a_connection_of_the_program() {
    use crate::driven::{check_contract, wait};
    let (cluster, runtime) = (start(), runtime());
    let urls = cluster.addresses().into_iter().map(|address| format!("redis://{address}"));
    let client = redis::cluster::ClusterClient::new(urls).unwrap();
    let connection = runtime.block_on(client.get_async_connection()).unwrap();
    let store = AsyncRedisStore::from_cluster(connection, Duration::from_secs(5));
    check_contract(&runtime, &store, wait);
}

#[servers::needs(redis)]
#[test]
fn a_node_alone_and_one_name_for_all() {
    let (cluster, runtime) = (start(), runtime());
    let first = cluster.addresses()[0].to_string();
    // Of the three, one is named, and one that does not exist.
    let url = format!("127.0.0.1:1;{first}");
    let whole = AsyncRedisStore::open_cluster(&url, Duration::from_secs(5)).unwrap();
    let alone = AsyncRedisStore::open(&first, DEADLINE).unwrap();
    let mut errors = 0;
    for number in 0..20 {
        assert!(runtime.block_on(whole.get(&key(number))).unwrap().is_none());
        if let Err(error) = runtime.block_on(alone.get(&key(number))) {
            assert_eq!(error.kind(), ErrorKind::Config, "{error:?}");
            assert!(error.to_string().contains("use `ext:rediscluster`"), "{error}");
            errors += 1;
        }
    }
    assert!(errors > 0);
}

#[servers::needs(redis)]
#[test]
fn a_master_is_lost_and_comes_back() {
    let cluster = start();
    let lost_address = cluster.addresses()[1].to_string();
    let store = Driven::new(AsyncRedisStore::open_cluster(&cluster.url(), DEADLINE).unwrap());
    let cluster = RefCell::new(cluster);
    let fate = lost::Fate {
        stop: &mut || cluster.borrow_mut().stop(1),
        start_again: &mut || cluster.borrow_mut().start_again(1).unwrap(),
    };
    // The lost one says where the keys of the others are.
    let alone = RedisStore::open(&lost_address, DEADLINE).unwrap();
    lost::check(&store, DEADLINE, fate, |key| alone.get(key).is_ok());
}
