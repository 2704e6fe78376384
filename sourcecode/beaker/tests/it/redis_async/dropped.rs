//! Futures that are dropped after each of their polls.

use std::time::Duration;

use beaker::store::AsyncRedisStore;
use servers::Redis;

use crate::dropped::check;

const DEADLINE: Duration = Duration::from_secs(20);

#[test]
fn on_a_server() {
    let server = Redis::for_programs().unwrap();
    check(|| AsyncRedisStore::open(&server.url(), DEADLINE).unwrap());
}

#[servers::needs(redis)]
#[test]
fn on_a_cluster() {
    let cluster = servers::redis::RedisCluster::start().unwrap().expect("redis is installed");
    check(|| AsyncRedisStore::open_cluster(&cluster.url(), DEADLINE).unwrap());
}
