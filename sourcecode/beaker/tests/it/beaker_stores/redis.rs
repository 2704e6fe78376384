//! Beaker's keys in redis.

use std::time::Duration;

use beaker::key::Namespace;
use beaker::store::python::{AsyncBeakerRedis, BeakerRedis};
use beaker::store::{AsyncRedisStore, AsyncStore, Precondition, RedisStore, Store};
use beaker::{Backend, ErrorKind};
use servers::{BuiltIn, Fault, Redis};

use super::{ID, TEXT, check_left_alone, check_races, check_sessions, foreign, id, unhex};
use crate::driven::{Driven, runtime};
use crate::unwell::DEADLINE;

const LONG: Duration = Duration::from_secs(20);
const KEY: &str = "beaker_cache:00112233445566778899aabbccddeeff:session";
const VALUE: &str = "8004957c000000000000008c78654a7972566f70507963394e7a4d7854736c4c494b38334a30564651696939494c4d6b4163\
                     7058306c554338784f546b314f4c69314a54346b737a63564b43776f626b42464f675a6d5949554a42656c4a705a6b357566\
                     68556c42616e466f454d6934784a52466b494d676d38316f415573776862413d3d942e";

fn open(url: &str) -> BeakerRedis {
    BeakerRedis::new(RedisStore::open(url, LONG).unwrap())
}

/// Runs a command on the server.
fn say<T: redis::FromRedisValue>(url: &str, words: &[&[u8]]) -> T {
    let mut connection = redis::Client::open(url).unwrap().get_connection().unwrap();
    let mut command = redis::Cmd::new();
    command.arg(words);
    command.query(&mut connection).unwrap()
}

#[cfg(feature = "conformance")]
#[test]
fn the_contract() {
    let (real, built_in) = (Redis::for_programs().unwrap(), BuiltIn::redis().unwrap());
    for url in [real.url(), built_in.url()] {
        super::sessions::check_contract(open(&url));
    }
    let store = AsyncBeakerRedis::new(AsyncRedisStore::open(&real.url(), LONG).unwrap());
    super::sessions::check_contract(Driven::new(store));
}

#[test]
fn sessions() {
    let (real, built_in) = (Redis::for_programs().unwrap(), BuiltIn::redis().unwrap());
    for url in [real.url(), built_in.url()] {
        check_sessions(&open(&url));
        check_races(&open(&url));
    }
}

#[test]
fn the_very_bytes() {
    let server = Redis::for_programs().unwrap();
    let (url, store) = (server.url(), open(&server.url()));
    let ttl = Some(Duration::from_secs(600));
    store.put(&id(), TEXT.as_bytes(), ttl, Precondition::Absent).unwrap().unwrap();
    let value: Vec<u8> = say(&url, &[b"GET", KEY.as_bytes()]);
    assert_eq!(value, unhex(VALUE));
    let left: i64 = say(&url, &[b"TTL", KEY.as_bytes()]);
    assert!((719..=720).contains(&left), "{left}");
    let version = store.get(&id()).unwrap().unwrap().version;
    // Python writes the same, and then another one.
    let put = |value: &[u8]| {
        let _: () = say(&url, &[b"SETEX", KEY.as_bytes(), b"720", value]);
    };
    put(&unhex(VALUE));
    let unchanged = Precondition::Unchanged(version);
    let version = store.put(&id(), b"mine", None, unchanged).unwrap().unwrap();
    assert_eq!(say::<i64>(&url, &[b"TTL", KEY.as_bytes()]), -1);
    put(&unhex("80048c036e6577942e"));
    assert_eq!(&*store.get(&id()).unwrap().unwrap().bytes, b"new");
    assert!(store.put(&id(), b"x", None, Precondition::Unchanged(version)).unwrap().is_none());
    assert!(!store.delete(&id(), Precondition::Unchanged(version)).unwrap());
}

#[test]
fn what_cannot_be_read_stays() {
    let server = Redis::for_programs().unwrap();
    let (url, store) = (server.url(), open(&server.url()));
    // A cache's value is a tuple.
    let tuple = unhex("80049514000000000000004741d954fc401000004d100e8c0276319487942e");
    for bytes in foreign().into_iter().chain([tuple]) {
        let _: () = say(&url, &[b"SET", KEY.as_bytes(), &bytes]);
        check_left_alone(&store, || say::<Vec<u8>>(&url, &[b"GET", KEY.as_bytes()]) == bytes);
    }
    assert!(store.get(&id()).unwrap_err().to_string().contains("redis at "));
    assert!(store.delete(&id(), Precondition::Always).unwrap());
    // A value of another type.
    let _: i64 = say(&url, &[b"LPUSH", KEY.as_bytes(), b"x"]);
    for error in [
        store.get(&id()).unwrap_err(),
        store
            .put(&id(), b"x", None, Precondition::Unchanged(beaker::store::Version::new(7)))
            .unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Storage, "{error:?}");
        assert!(!error.to_string().contains(ID), "{error}");
    }
    assert_eq!(store.put(&id(), b"x", None, Precondition::Absent).unwrap(), None);
}

#[test]
fn sessions_are_listed_and_cleared_and_caches_stay() {
    let server = Redis::for_programs().unwrap();
    let (url, store) = (server.url(), open(&server.url()));
    let sessions = Namespace::default();
    for other in ["beaker_cache:testns:session", "beaker_cache:testns:k1", "beaker:x:y", "session"]
    {
        let _: () = say(&url, &[b"SET", other.as_bytes(), b"x"]);
    }
    let own = Namespace::new("own").key("k");
    store.put(&own, b"x", None, Precondition::Always).unwrap();
    let mut ids: Vec<_> =
        (0..3000_u32).map(|number| sessions.key(format!("{number:032x}"))).collect();
    ids.sort();
    let puts: Vec<_> =
        ids.iter().map(|key| beaker::store::Put { key, bytes: b"text", ttl: None }).collect();
    store.put_many(&puts).unwrap();
    let (mut found, mut from) = (Vec::new(), None);
    loop {
        let page = store.keys(&sessions, from.as_ref(), 1000).unwrap();
        found.extend(page.keys);
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    found.sort();
    found.dedup();
    assert_eq!(found, ids);
    let found = store.get_many(&ids).unwrap();
    assert!(found.iter().all(|stored| &*stored.as_ref().unwrap().bytes == b"text"));
    let _: () = say(&url, &[b"SET", format!("beaker_cache:{:032x}:session", 7).as_bytes(), b"x"]);
    let error = store.get_many(&ids).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Codec, "{error}");
    store.clear(&sessions).unwrap();
    assert!(store.get_many(&ids[..10]).unwrap().iter().all(Option::is_none));
    assert_eq!(say::<i64>(&url, &[b"DBSIZE"]), 5);
    assert!(store.get(&own).unwrap().is_some());
}

#[test]
fn a_server_that_is_down() {
    for fault in [Fault::Refuse, Fault::Hang] {
        let server = BuiltIn::redis().unwrap();
        let (address, deadline) = (server.address().to_string(), DEADLINE.as_millis().to_string());
        let options = [("url", address.as_str()), ("deadline", deadline.as_str())];
        let backend = Backend::open_beaker("ext:redis", &options).unwrap();
        let store = backend.store();
        store.put(&id(), b"text", None, Precondition::Absent).unwrap();
        server.fault(fault);
        for error in [
            store.get(&id()).unwrap_err(),
            store.put(&id(), b"new", None, Precondition::Always).unwrap_err(),
            store.delete(&id(), Precondition::Always).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
            assert!(error.to_string().contains(&address), "{error}");
            assert!(error.to_string().contains("`00112233…`"), "{error}");
        }
        server.fault(Fault::None);
        // What got no answer may have been done, and may be done late.
        store.put(&id(), b"well", None, Precondition::Always).unwrap().unwrap();
        assert!(store.get(&Namespace::default().key("f".repeat(32))).unwrap().is_none());
    }
}

/// Blocking and asynchronous programs have the same sessions.
#[test]
fn tasks_and_threads() {
    let server = Redis::for_programs().unwrap();
    let store = open(&server.url());
    let version = store.put(&id(), b"text", None, Precondition::Absent).unwrap().unwrap();
    runtime().block_on(async {
        let tasks = store.for_tasks().unwrap();
        assert_eq!(tasks.get(&id()).await.unwrap().unwrap().version, version);
        let url = server.url();
        let backend = beaker::AsyncBackend::open_beaker("ext:redis", &[("url", &url)]).unwrap();
        backend.ping().await.unwrap();
        let manager = redis::Client::open(url).unwrap().get_connection_manager().await.unwrap();
        let given = AsyncBeakerRedis::new(AsyncRedisStore::from_manager(manager, LONG));
        let unchanged = Precondition::Unchanged(version);
        assert!(given.delete(&id(), unchanged).await.unwrap());
        assert!(!tasks.delete(&id(), unchanged).await.unwrap());
    });
}

#[servers::needs(redis)]
#[test]
fn a_cluster() {
    let cluster = servers::redis::RedisCluster::start().unwrap().expect("redis is installed");
    let store = BeakerRedis::new(RedisStore::open_cluster(&cluster.url(), LONG).unwrap());
    check_sessions(&store);
    check_races(&store);
    #[cfg(feature = "conformance")]
    super::sessions::check_contract(store);
    let options = [("urls", &*cluster.url())];
    let backend = Backend::open_beaker("ext:rediscluster", &options).unwrap();
    let (store, sessions) = (backend.store(), Namespace::default());
    store.clear(&sessions).unwrap();
    store.put(&id(), b"text", None, Precondition::Always).unwrap();
    assert_eq!(store.keys(&sessions, None, 10_000).unwrap().keys, [id()]);
}
