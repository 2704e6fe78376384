//! Sessions in memcached, beside one bare command of the same client.

use std::hint::black_box;
use std::time::Duration;

use beaker::codec::{Bincode, Codec};
use beaker::{Backend, Cache};
use benchmarks::{Limit, compare, data, drivers, sessions_of};
use memcache::exp::{MetaClient, Ttl};
use servers::Memcached;

fn main() {
    let server = Memcached::for_programs().unwrap();
    println!("{}", server.describe());
    let sessions = sessions_of("ext:memcached", &[("url", &server.url())]);
    let address = server.url().trim_start_matches("memcache://").to_owned();
    let client = MetaClient::connect(address).unwrap();
    let bytes = Bincode.encode(&data()).unwrap();

    let mut session = sessions.create();
    drivers(&mut session);
    session.save().unwrap();
    client.set("bare", &bytes).ttl(Ttl::NEVER).send().unwrap();
    compare(
        "memcached: open",
        Limit::Times(1.15),
        || drop(black_box(sessions.open(session.id()).unwrap())),
        || drop(black_box(client.get("bare").send().unwrap())),
    );
    let backend = Backend::open("ext:memcached", &[("url", &server.url())]).unwrap();
    let cache: Cache<u64> = Cache::new(backend, "bench").ttl(Duration::from_secs(3600));
    cache.put("hit", 7).unwrap();
    compare(
        "memcached: a hit of a cache",
        Limit::Times(1.15),
        || {
            black_box(cache.get("hit").unwrap().unwrap());
        },
        || drop(black_box(client.get("bare").send().unwrap())),
    );
    compare(
        "memcached: save a new session",
        Limit::Times(1.15),
        || {
            let mut session = sessions.create();
            drivers(&mut session);
            session.save().unwrap();
        },
        || {
            let id = uuid::Uuid::new_v4().simple().to_string();
            black_box(client.set(id, &bytes).ttl(Ttl::NEVER).send().unwrap());
        },
    );
}
