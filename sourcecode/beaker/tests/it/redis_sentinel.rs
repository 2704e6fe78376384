//! A master that sentinels name: lost, and exchanged for its replica.

use std::time::Duration;

use beaker::store::{Precondition, RedisStore, Store};
use beaker::{Backend, ErrorKind};
use servers::redis::RedisSentinel;

use crate::lost::key;

/// Longer than anything takes that is not lost.
const DEADLINE: Duration = Duration::from_secs(5);

fn start() -> RedisSentinel {
    RedisSentinel::start().unwrap().expect("redis is installed")
}

/// Of the two sentinels that are named, one does not exist.
fn urls(three: &RedisSentinel) -> String {
    format!("127.0.0.1:1;redis://{}/", three.sentinel())
}

fn store(three: &RedisSentinel) -> RedisStore {
    RedisStore::open_sentinel(&urls(three), RedisSentinel::MASTER, DEADLINE).unwrap()
}

fn alone(three: &RedisSentinel, number: usize) -> RedisStore {
    RedisStore::open(&three.address(number).to_string(), DEADLINE).unwrap()
}

#[cfg(feature = "conformance")]
#[servers::needs(redis)]
#[test]
fn the_contract() {
    use beaker::store::conformance::{Subject, check};
    let three = start();
    let store = store(&three);
    check(&Subject::new(&store, |time| beaker::Clock::sleep(&beaker::SystemClock, time)));
    assert_eq!(store.damaged(), 0);
    beaker::lock::conformance::check(&beaker::lock::LeaseLocks::new(std::sync::Arc::new(store)));
}

#[servers::needs(redis)]
#[test]
fn a_lost_master_is_replaced_by_the_one_that_the_sentinels_name() {
    let mut three = start();
    let store = store(&three);
    let [one, two] = [key(1), key(2)];
    let first = store.put(&one, b"before", None, Precondition::Absent).unwrap().unwrap();
    assert!(alone(&three, 0).get(&one).unwrap().is_some(), "the first one is the master");
    three.lose_master().unwrap();

    // The connection to the old one has broken off: nobody has to fail before others are well.
    assert_eq!(&*store.get(&one).unwrap().unwrap().bytes, b"before");
    let same = Precondition::Unchanged(first);
    let second = store.put(&one, b"after", None, same).unwrap().expect("it was copied");
    assert_eq!(store.put(&one, b"late", None, same).unwrap(), None);
    assert!(store.put(&two, b"new", None, Precondition::Absent).unwrap().is_some());
    let found = alone(&three, 1).get(&one).unwrap().unwrap();
    assert_eq!((&*found.bytes, found.version), (&b"after"[..], second));
}

#[servers::needs(redis)]
#[test]
fn a_replica_is_neither_written_nor_read() {
    let three = start();
    let (store, old) = (store(&three), key(1));
    store.put(&old, b"of the first master", None, Precondition::Always).unwrap();
    three.fail_over().unwrap();

    // The first server answers still, as a replica. What is written from now on is the other one's.
    let written = (0..20).map(|number| (key(number), format!("number {number}")));
    let written: Vec<_> = written.collect();
    for (key, text) in &written {
        store.put(key, text.as_bytes(), None, Precondition::Always).unwrap();
        assert_eq!(&*store.get(key).unwrap().unwrap().bytes, text.as_bytes());
    }
    let keys: Vec<_> = written.iter().map(|(key, _)| key.clone()).collect();
    let found = alone(&three, 1).get_many(&keys).unwrap();
    assert!(found.iter().all(Option::is_some));
    // Many at once, and all of a server's.
    three.fail_over().unwrap();
    let found = store.get_many(&keys).unwrap();
    assert!(found.iter().all(Option::is_some));
    store.delete_many(&keys[1..]).unwrap();
    three.fail_over().unwrap();
    store.clear(old.namespace()).unwrap();
    assert!(alone(&three, 1).get_many(&keys).unwrap().iter().all(Option::is_none));
}

#[servers::needs(redis)]
#[test]
fn sentinels_that_are_gone_leave_the_master_that_they_named() {
    let mut three = start();
    let (store, urls) = (store(&three), urls(&three));
    store.put(&key(1), b"there", None, Precondition::Always).unwrap();
    three.stop_sentinel();
    assert_eq!(&*store.get(&key(1)).unwrap().unwrap().bytes, b"there");

    let other = RedisStore::open_sentinel(&urls, RedisSentinel::MASTER, DEADLINE).unwrap();
    let error = other.get(&key(1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
}

#[servers::needs(redis)]
#[test]
fn a_master_of_another_name_is_a_wrong_setting() {
    let three = start();
    let url = format!("redis://{}/", three.sentinel());
    let options = [("url", &*url), ("master", "redis://user:secret@stop/0")];
    let backend = Backend::open("ext:redissentinel", &options).unwrap();
    let error = backend.store().get(&key(1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{error:?}");
    let shown = format!("{error:?} {error}");
    assert!(shown.contains("its `master` has another name") && shown.contains("stop"), "{shown}");
    assert!(!shown.contains("secret"), "{shown}");

    // A server that is no sentinel.
    let url = format!("redis://{}/", three.address(0));
    let backend = Backend::open("ext:redissentinel", &[("url", &*url), ("master", "shop")]);
    let error = backend.unwrap().store().get(&key(1)).unwrap_err();
    assert!(error.to_string().contains("no sentinel"), "{error}");
}

#[test]
fn what_is_no_master_and_no_sentinel_is_refused() {
    let refused = |options: &[(&str, &str)], wanted: &str| {
        let error = Backend::open("ext:redissentinel", options).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        let shown = format!("{error:?} {error}");
        assert!(shown.contains(wanted) && !shown.contains("secret"), "{options:?}: {shown}");
    };
    refused(&[], "some of the sentinels: `redis://host:26379`");
    refused(&[("urls", "http://a")], "`http://a` is no redis address");
    refused(&[("urls", "a"), ("master", "")], "`redis://user:password@name/database`");
    refused(&[("urls", "a"), ("master", "redis://u:secret@:x/")], "of which only the name");
    assert!(Backend::open("ext:redissentinel", &[("urls", "a;b"), ("deadline", "1")]).is_ok());
}
