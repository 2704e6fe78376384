//! A hit in a cache in memory, with its expiry checked, beside quick_cache's `get` and moka's; on one
//! thread and on two.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use beaker::{Backend, Cache, Error};
use benchmarks::{Limit, compare, compare_on_threads};
use servers::Redis;

const KEYS: usize = 1024;
const HOUR: Duration = Duration::from_secs(3600);

/// A value that is copied out.
#[derive(Clone)]
struct Row(#[allow(dead_code, reason = "it is copied, not read")] [u64; 25]);

fn main() {
    let keys: Vec<String> = (0..KEYS).map(|number| format!("key {number:07}")).collect();
    hits("Arc", [1.1, 1.2], &keys, || Arc::new(7_u64));
    hits("200 bytes", [1.3, 1.3], &keys, || Row([7; 25]));
    near(&keys);
}

/// `limits` are those beside quick_cache, on one thread and on two.
fn hits<V: Clone + Send + Sync + 'static>(
    kind: &str,
    limits: [f64; 2],
    keys: &[String],
    value: impl Fn() -> V,
) {
    let ours = Cache::in_memory(10 * KEYS).ttl(HOUR);
    let quick = quick_cache::sync::Cache::new(10 * KEYS);
    let moka = moka::sync::Cache::new(10 * KEYS as u64);
    for key in keys {
        ours.put(key, value()).unwrap();
        quick.insert(key.clone(), value());
        moka.insert(key.clone(), value());
    }
    for (threads, limit) in [1, 2].into_iter().zip(limits) {
        let name = |peer: &str| format!("cache: a hit, {kind}, {threads} threads, beside {peer}");
        let hit = |at: usize| {
            drop(black_box(ours.get(&keys[at % KEYS]).unwrap().unwrap()));
        };
        compare_on_threads(&name("quick_cache"), Limit::Times(limit), threads, hit, |at| {
            drop(black_box(quick.get(&keys[at % KEYS]).unwrap()));
        });
        compare_on_threads(&name("moka"), Limit::Times(1.0 / 3.0), threads, hit, |at| {
            drop(black_box(moka.get(&keys[at % KEYS]).unwrap()));
        });
    }
    let create = || -> V { unreachable!("it is there") };
    let theirs = || -> Result<V, Error> { unreachable!("it is there") };
    let mut at = 0;
    let mut next = move || {
        at += 1;
        at % KEYS
    };
    let mut next_bare = next;
    compare(
        &format!("cache: get_or_create that hits, {kind}, beside quick_cache's get_or_insert_with"),
        Limit::Times(1.4),
        || drop(black_box(ours.get_or_create(&keys[next()], create).unwrap())),
        || drop(black_box(quick.get_or_insert_with(&keys[next_bare()], theirs).unwrap())),
    );
}

/// In front of redis.
fn near(keys: &[String]) {
    let redis = Redis::for_programs().unwrap();
    println!("{}", redis.describe());
    let backend = Backend::open("ext:redis", &[("url", &redis.url())]).unwrap();
    let far: Cache<u64> = Cache::new(backend, "bench").ttl(HOUR);
    let near = far.clone().local_tier(10 * KEYS, HOUR);
    let memory: Cache<u64> = Cache::in_memory(10 * KEYS).ttl(HOUR);
    for key in keys {
        near.put(key, 7).unwrap();
        memory.put(key, 7).unwrap();
    }
    let (mut at, mut bare) = (0, 0);
    compare(
        "cache: a near hit in front of redis, beside a hit in memory",
        Limit::Times(1.3),
        || {
            at += 1;
            black_box(near.get(&keys[at % KEYS]).unwrap().unwrap());
        },
        || {
            bare += 1;
            black_box(memory.get(&keys[bare % KEYS]).unwrap().unwrap());
        },
    );
    let address = redis.url();
    let mut client = redis::Client::open(address).unwrap().get_connection().unwrap();
    redis::cmd("SET").arg("bare").arg(vec![7_u8; 40]).exec(&mut client).unwrap();
    compare(
        "cache: a hit in redis, beside a bare GET",
        Limit::Times(1.15),
        || {
            black_box(far.get(&keys[0]).unwrap().unwrap());
        },
        || {
            let bytes: Vec<u8> = redis::cmd("GET").arg("bare").query(&mut client).unwrap();
            black_box(bytes);
        },
    );
}
