//! What reading and writing costs in each backend: a value of 300 bytes, one thread, any server on
//! the same core. Prints it, and with `record` puts it where readers see it:
//!
//! ```text
//! taskset -c 1 cargo bench -p benchmarks --bench stores
//! taskset -c 1 cargo bench -p benchmarks --bench stores -- record
//! ```

use std::hint::black_box;

use beaker::Backend;
use beaker::key::Namespace;
use beaker::store::Precondition;
use benchmarks::{Cost, median_of_turns, record};
use servers::redis::RedisCluster;
use servers::{Memcached, Postgres, Redis};

fn main() {
    let is_recorded = std::env::args().any(|word| word == "record");
    let folder = tempfile::tempdir().unwrap();
    let (memcached, redis) = (Memcached::for_programs().unwrap(), Redis::for_programs().unwrap());
    let cluster = RedisCluster::start().unwrap();
    let postgres = Postgres::for_tests().unwrap();
    println!("{}; {}", memcached.describe(), redis.describe());
    let data_dir = folder.path().to_str().unwrap();
    let sqlite = folder.path().join("values.db");
    let mut back_ends = vec![
        ("memory", "memory", vec![]),
        ("file", "file", vec![("data_dir", data_dir.to_owned())]),
        ("dbm", "dbm", vec![("data_dir", data_dir.to_owned())]),
        ("ext:memcached", "ext:memcached", vec![("url", memcached.url())]),
        ("ext:redis", "ext:redis", vec![("url", redis.url())]),
        ("SQLite", "ext:database", vec![("url", sqlite.to_str().unwrap().to_owned())]),
    ];
    back_ends.extend(
        cluster
            .iter()
            .map(|cluster| ("ext:rediscluster", "ext:rediscluster", vec![("url", cluster.url())])),
    );
    back_ends.extend(
        postgres.iter().map(|server| ("PostgreSQL", "ext:database", vec![("url", server.url())])),
    );
    let costs: Vec<Cost> = back_ends
        .iter()
        .map(|(label, name, options)| {
            let options: Vec<_> = options.iter().map(|(name, value)| (*name, &**value)).collect();
            let cost = cost(label, &Backend::open(name, &options).unwrap());
            println!("{cost}");
            cost
        })
        .collect();
    if is_recorded {
        record(&costs).unwrap();
    }
}

fn cost(label: &str, backend: &Backend) -> Cost {
    let key = Namespace::default().key("844c8ed1e96a4011bb23fbb3fe80823a");
    let put = || {
        black_box(backend.store().put(&key, &[7; 300], None, Precondition::Always).unwrap());
    };
    let get = || drop(black_box(backend.store().get(&key).unwrap().unwrap()));
    Cost { label: label.to_owned(), put: median_of_turns(put), get: median_of_turns(get) }
}
