//! Values in redis, beside one bare command of the client.

use std::hint::black_box;
use std::time::Duration;

use beaker::Backend;
use beaker::key::Namespace;
use beaker::limit::{RateLimit, RateLimiter};
use beaker::store::{Precondition, RedisStore, Store};
use benchmarks::{Limit, compare};
use redis::{Client, Connection, cmd};
use servers::Redis;

const LIMIT: Limit = Limit::Times(1.15);
const DEADLINE: Duration = Duration::from_secs(2);

fn main() {
    let server = Redis::for_programs().unwrap();
    println!("{}", server.describe());
    let mut bare = Client::open(server.url()).unwrap().get_connection().unwrap();
    bare.set_read_timeout(Some(DEADLINE)).unwrap();
    bare.set_write_timeout(Some(DEADLINE)).unwrap();
    values(&server.url(), &mut bare);
    counters(&server.url(), &mut bare);
}

fn get(bare: &mut Connection, key: &str) -> Vec<u8> {
    cmd("GET").arg(key).query(bare).unwrap()
}

fn set(bare: &mut Connection, key: &str, bytes: &[u8]) {
    cmd("SET").arg(key).arg(bytes).exec(bare).unwrap();
}

fn values(url: &str, bare: &mut Connection) {
    let store = RedisStore::open(url, DEADLINE).unwrap();
    for (size, name) in [(300, "300 bytes"), (100_000, "100 kB")] {
        let (key, bytes) = (Namespace::new("bench").key(name), vec![0xa5; size]);
        compare(
            &format!("redis: put {name}"),
            LIMIT,
            || {
                black_box(store.put(&key, &bytes, None, Precondition::Always).unwrap());
            },
            || set(bare, name, &bytes),
        );
        compare(
            &format!("redis: get {name}"),
            LIMIT,
            || drop(black_box(store.get(&key).unwrap())),
            || drop(black_box(get(bare, name))),
        );
    }
}

fn increment(bare: &mut Connection) -> u64 {
    cmd("INCR").arg("counter").query(bare).unwrap()
}

/// A counter with a time to live, and a rate limiter on it, beside an `INCR` that has none.
fn counters(url: &str, bare: &mut Connection) {
    let store = RedisStore::open(url, DEADLINE).unwrap();
    let (key, day) = (Namespace::new("bench").key("counter"), Duration::from_secs(24 * 3600));
    compare(
        "redis: increment",
        LIMIT,
        || {
            black_box(store.increment(&key, 1, Some(day)).unwrap());
        },
        || {
            black_box(increment(bare));
        },
    );
    let backend = Backend::with_leases(RedisStore::open(url, DEADLINE).unwrap());
    let rule = RateLimit::fixed_window(u32::MAX, day);
    let limiter = RateLimiter::new(backend, "bench", rule).unwrap();
    compare(
        "redis: rate limiter",
        LIMIT,
        || {
            let _ = black_box(limiter.check("192.0.2.7").unwrap());
        },
        || {
            black_box(increment(bare));
        },
    );
}
