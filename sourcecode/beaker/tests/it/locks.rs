//! Every kind of lock runs the one suite; file locks hold across processes.
#![cfg(feature = "conformance")]

use beaker::key::{Key, Namespace};
use beaker::lock::conformance::check;
use beaker::lock::{FileLocks, LeaseLocks, LocalLocks, Locks};
use beaker::store::{MemoryStore, Precondition, Store};
use beaker::{Backend, Cache, Clock, ErrorKind, ManualClock};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use crate::length::length;

#[test]
fn threads() {
    check(&LocalLocks::new());
}

#[test]
fn files() {
    let folder = tempfile::tempdir().unwrap();
    check(&FileLocks::new(folder.path()));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "lock files are left");
}

#[test]
fn lock_files_never_pile_up() {
    let folder = tempfile::tempdir().unwrap();
    let locks = FileLocks::new(folder.path().join("locks"));
    let many = length(5000, 50_000, 100_000);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let locks = &locks;
            scope.spawn(move || {
                for number in 0..many / 4 {
                    let key = Namespace::default().key(format!("{thread} {number}"));
                    drop(locks.lock(&key).unwrap());
                }
            });
        }
    });
    let left = std::fs::read_dir(folder.path().join("locks")).unwrap().count();
    println!("{many} locks of different keys; {left} files are left");
    assert_eq!(left, 0);
}

#[test]
fn leases() {
    check(&LeaseLocks::new(Arc::new(MemoryStore::new())));
}

#[cfg(feature = "memcached")]
#[test]
fn leases_in_memcached() {
    let server = servers::Memcached::for_programs().unwrap();
    let store = beaker::store::MemcachedStore::open(&server.url(), Duration::from_secs(5)).unwrap();
    check(&LeaseLocks::new(Arc::new(store)));
}

#[cfg(feature = "redis")]
#[test]
fn leases_in_redis() {
    let server = servers::Redis::for_programs().unwrap();
    let store = beaker::store::RedisStore::open(&server.url(), Duration::from_secs(5)).unwrap();
    check(&LeaseLocks::new(Arc::new(store)));
}

#[cfg(feature = "sqlite")]
#[test]
fn leases_in_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("leases.db");
    let url = file.to_str().unwrap();
    let backend = beaker::Backend::open("ext:database", &[("url", url), ("deadline", "20000")]);
    check(&**backend.unwrap().locks());
}

#[cfg(feature = "postgres")]
#[servers::needs(postgresql)]
#[test]
fn leases_in_postgresql() {
    let server = servers::Postgres::for_tests().unwrap().expect("it is installed");
    let options = [("url", &*server.url()), ("deadline", "20000")];
    check(&**beaker::Backend::open("ext:database", &options).unwrap().locks());
}

/// Whether another thread gets the lock; the one that holds it is told so instead.
fn is_free(locks: &dyn Locks, key: &Key) -> bool {
    let ask = || locks.try_lock(key).unwrap().is_some();
    std::thread::scope(|scope| scope.spawn(ask).join().unwrap())
}

const LEASE: Duration = Duration::from_secs(10);

/// Two hosts that share a store, and a clock that can be moved.
fn two_hosts() -> (LeaseLocks, LeaseLocks, Arc<MemoryStore>, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::default());
    let store = Arc::new(MemoryStore::with_clock(clock.clone()));
    let host = || LeaseLocks::with(store.clone(), LEASE, clock.clone());
    (host(), host(), store.clone(), clock)
}

#[test]
fn two_hosts_exclude_each_other() {
    let (one, two, ..) = two_hosts();
    let key = Namespace::new("n").key("k");
    let held = one.lock(&key).unwrap();
    assert!(!is_free(&two, &key));
    drop(held);
    assert!(two.try_lock(&key).unwrap().is_some());
}

#[test]
fn a_holder_that_was_killed_frees_the_key_when_its_lease_has_run_out() {
    let (one, _, store, clock) = two_hosts();
    let key = Namespace::new("n").key("k");
    // What a host that was killed leaves in the store: a lease, and nobody who renews it.
    let lease = Namespace::new("beaker.lease").key("n:k");
    store.put(&lease, b"", Some(LEASE), Precondition::Always).unwrap();
    assert!(one.try_lock(&key).unwrap().is_none());
    clock.advance(LEASE - Duration::from_micros(1));
    assert!(one.try_lock(&key).unwrap().is_none());
    clock.advance(Duration::from_micros(1));
    assert!(one.try_lock(&key).unwrap().is_some());
}

#[test]
fn a_waiter_gets_the_lease_of_a_killed_holder() {
    let (one, _, store, clock) = two_hosts();
    let lease = Namespace::new("beaker.lease").key("n:k");
    store.put(&lease, b"", Some(LEASE), Precondition::Always).unwrap();
    let start = clock.now();
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            let _guard = one.lock(&Namespace::new("n").key("k")).unwrap();
            clock.now().since(start)
        });
        while !waiter.is_finished() {
            clock.advance(Duration::from_millis(1));
            std::thread::yield_now();
        }
        let waited = waiter.join().unwrap();
        assert!(waited >= LEASE, "{waited:?}");
    });
}

#[test]
fn a_lease_is_renewed_while_its_holder_works_and_given_back_once() {
    let (one, two, store, clock) = two_hosts();
    let key = Namespace::new("n").key("k");
    let lease = Namespace::new("beaker.lease").key("n:k");
    let held = one.lock(&key).unwrap();
    for _ in 0..10 {
        let before = store.get(&lease).unwrap().expect("it is held").version;
        // A third of the lease passes, in small steps, until the renewing thread was there.
        let renewed = || store.get(&lease).unwrap().is_some_and(|stored| stored.version != before);
        let mut passed = Duration::ZERO;
        while !renewed() {
            assert!(passed < LEASE, "not renewed within its time");
            clock.advance(Duration::from_millis(1));
            passed += Duration::from_millis(1);
            (0..100).for_each(|_| std::thread::yield_now());
        }
        assert!(!is_free(&two, &key));
    }
    drop(held);
    assert!(store.get(&lease).unwrap().is_none(), "given back");
}

#[test]
fn a_holder_that_lost_its_lease_does_not_give_back_the_next_ones() {
    let (one, two, store, _) = two_hosts();
    let key = Namespace::new("n").key("k");
    let lost = one.lock(&key).unwrap();
    store.delete(&Namespace::new("beaker.lease").key("n:k"), Precondition::Always).unwrap();
    let held = two.try_lock(&key).unwrap();
    assert!(held.is_some());
    drop(lost);
    assert!(!is_free(&one, &key), "the second holder's lease is gone");
}

#[test]
fn two_handles_on_one_folder_exclude_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (FileLocks::new(folder.path()), FileLocks::new(folder.path()));
    let key = Namespace::new("n").key("k");
    let held = one.lock(&key).unwrap();
    assert!(!is_free(&two, &key));
    drop(held);
    assert!(two.try_lock(&key).unwrap().is_some());
}

/// Two handles on one place: a thread that waited through the second for what it holds through the
/// first would wait for ever. Told so by `lock` and `try_lock`, until the guard is dropped, wherever.
fn check_two_handles(one: &dyn Locks, two: &dyn Locks) {
    let key = Namespace::new("two handles").key("k");
    let asked = || [two.lock(&key).map(|_| true), two.try_lock(&key).map(|guard| guard.is_some())];
    let held = one.lock(&key).unwrap();
    for answer in asked() {
        let error = answer.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldDeadlock, "{error:?}");
    }
    assert!(!is_free(two, &key), "to another thread it is held, no more");
    let other = Namespace::new("two handles").key("another");
    drop(two.try_lock(&other).unwrap().expect("another key is free"));
    std::thread::scope(|scope| scope.spawn(move || drop(held)).join().unwrap());
    drop(two.lock(&key).unwrap());
    assert!(is_free(one, &key) && asked().into_iter().all(Result::unwrap));
    // One that the thread waits for is no deadlock, whatever else it holds.
    let (mine, theirs) = (one.lock(&other).unwrap(), Barrier::new(2));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let held = two.lock(&key).unwrap();
            theirs.wait();
            drop(held);
        });
        theirs.wait();
        drop(one.lock(&key).unwrap());
    });
    drop(mine);
}

/// The same for what a program does: a value that is made by asking for itself.
fn check_two_backends(name: &str, options: &[(&str, &str)], other: &[(&str, &str)]) {
    let (one, two) = (Backend::open(name, options).unwrap(), Backend::open(name, other).unwrap());
    check_two_handles(&**one.locks(), &**two.locks());
    let cache = |backend| Cache::<u32>::new(backend, "numbers");
    let (a, b) = (cache(one), cache(two));
    let inner = || b.get_or_create("k", || 7);
    let error = a.try_get_or_create("k", inner).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldDeadlock, "{error:?}");
    // No lock is left: others make the value at once.
    assert_eq!(b.get_or_create("k", || 8).unwrap(), 8);
}

#[test]
fn two_handles_on_one_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = |end: &str| folder.path().join(end).to_str().unwrap().to_owned();
    ["data", "linked"].iter().for_each(|name| std::fs::create_dir(path(name)).unwrap());
    let (real, roundabout) = (path("data"), path("data/../data"));
    check_two_backends("file", &[("data_dir", &real)], &[("data_dir", &roundabout)]);
    #[cfg(unix)]
    {
        let (linked, link) = (path("linked"), path("link"));
        std::os::unix::fs::symlink("linked", &link).unwrap();
        check_two_backends("file", &[("data_dir", &linked)], &[("data_dir", &link)]);
    }
    check_two_handles(&FileLocks::new(&real), &FileLocks::new(&roundabout));
}

#[cfg(feature = "dbm")]
#[test]
fn two_handles_on_one_file_of_redb() {
    let folder = tempfile::tempdir().unwrap();
    let options = [("data_dir", folder.path().to_str().unwrap())];
    check_two_backends("dbm", &options, &options);
}

#[cfg(feature = "sqlite")]
#[test]
fn two_handles_on_one_file_of_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("leases.db");
    let (path, url) = (file.to_str().unwrap(), format!("sqlite:///{}", file.display()));
    let (one, two) = ([("url", path)], [("url", &*url)]);
    check_two_backends("ext:database", &one, &two);
}

#[cfg(feature = "memcached")]
#[test]
fn two_handles_on_one_memcached() {
    let server = servers::Memcached::for_programs().unwrap();
    let url = server.url();
    check_two_backends("ext:memcached", &[("url", &url)], &[("url", &with_a_name(&url))]);
}

#[cfg(feature = "redis")]
#[test]
fn two_handles_on_one_redis() {
    let server = servers::Redis::for_programs().unwrap();
    let url = server.url();
    check_two_backends("ext:redis", &[("url", &url)], &[("url", &with_a_name(&url))]);
}

/// The same server by another address.
#[cfg(any(feature = "memcached", feature = "redis"))]
fn with_a_name(url: &str) -> String {
    url.replace("127.0.0.1", "localhost")
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let locks = FileLocks::new(file.path().join("locks"));
    let message = locks.lock(&Namespace::default().key("k")).unwrap_err().to_string();
    assert!(message.contains(file.path().to_str().unwrap()), "{message}");
    assert!(message.contains("`lock_dir`"), "{message}");
}
