//! memcached: the contract, the round trips, and a server that is down, hangs or breaks off.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use beaker::key::Namespace;
use beaker::store::{MemcachedStore, Precondition, Store};
use beaker::{Backend, ErrorKind, ManualClock, Sessions};
use servers::memcached::MemcachedPool;
use servers::{BuiltIn, Fault, Memcached};

use crate::{lost, unwell};

#[cfg(feature = "conformance")]
mod contract {
    use super::*;
    use beaker::store::conformance::{Subject, check};

    #[test]
    fn the_real_one() {
        let server = Memcached::for_programs().unwrap();
        let store = MemcachedStore::open(&server.url(), Duration::from_secs(5)).unwrap();
        // The server's clock cannot be moved.
        check(&Subject::new(&store, |time| beaker::Clock::sleep(&beaker::SystemClock, time)));
    }

    #[test]
    fn the_built_in_one() {
        let server = BuiltIn::memcached().unwrap();
        let store = MemcachedStore::open(&server.url(), Duration::from_secs(5)).unwrap();
        check(&Subject::new(&store, |time| beaker::Clock::sleep(&beaker::SystemClock, time)));
    }

    #[test]
    fn two_servers() {
        let servers = [BuiltIn::memcached().unwrap(), BuiltIn::memcached().unwrap()];
        let url = format!("{};{}", servers[0].url(), servers[1].url());
        let store = MemcachedStore::open(&url, Duration::from_secs(5)).unwrap();
        check(&Subject::new(&store, |time| beaker::Clock::sleep(&beaker::SystemClock, time)));
        assert!(servers.iter().all(|server| server.commands() > 100), "one is not used");
    }
}

#[test]
fn a_value_that_is_too_large_leaves_what_was_there() {
    let server = Memcached::for_programs().unwrap();
    let store = MemcachedStore::open(&server.url(), Duration::from_secs(5)).unwrap();
    let key = Namespace::new("large").key("k");
    let version = store.put(&key, b"small", None, Precondition::Always).unwrap().unwrap();
    let error =
        store.put(&key, &vec![0; 2_000_000], None, Precondition::Unchanged(version)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error:?}");
    assert_eq!(&*store.get(&key).unwrap().unwrap().bytes, b"small");
}

/// Whoever comes first after a `clear`, or after its end, makes it anew, and all others go on from there.
#[test]
fn a_counter_that_is_dead_begins_anew_for_all() {
    let server = Memcached::for_programs().unwrap();
    let clock = Arc::new(ManualClock::default());
    let open = || {
        let store = MemcachedStore::open(&server.url(), Duration::from_secs(5)).unwrap();
        store.with_clock(clock.clone())
    };
    let (one, other) = (open(), open());
    let key = Namespace::new("dead counters").key("k");
    let second = Some(Duration::from_secs(1));
    let race = || {
        let start = std::sync::Barrier::new(16);
        let mut numbers: Vec<u64> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..16)
                .map(|number| {
                    let (start, store) = (&start, if number % 2 == 0 { &one } else { &other });
                    let key = &key;
                    scope.spawn(move || {
                        start.wait();
                        [(); 5].map(|()| store.increment(key, 1, second).unwrap())
                    })
                })
                .collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        numbers.sort_unstable();
        assert!(numbers.iter().copied().eq(1..=80), "{numbers:?}");
        let [one, other] = [&one, &other].map(|store| store.get(&key).unwrap().unwrap().count());
        assert_eq!([one, other], [Some(80); 2]);
    };
    for _ in 0..20 {
        race();
        one.clear(key.namespace()).unwrap();
        assert_eq!(one.get(&key).unwrap(), None);
        race();
        clock.advance(Duration::from_secs(1));
        assert_eq!((one.get(&key).unwrap(), other.get(&key).unwrap()), (None, None));
    }
    // One without an end, and in the place of something else that was cleared.
    other.put(&key, b"text", second, Precondition::Always).unwrap();
    one.clear(key.namespace()).unwrap();
    assert_eq!([(); 2].map(|()| one.increment(&key, 1, None).unwrap()), [1, 2]);
    clock.advance(Duration::from_secs(1_000_000));
    assert_eq!(one.increment(&key, 1, None).unwrap(), 3);
}

#[track_caller]
fn check(fault: Fault) {
    unwell::check("ext:memcached", &BuiltIn::memcached().unwrap(), fault);
}

#[test]
fn a_server_that_refuses() {
    check(Fault::Refuse);
}

#[test]
fn a_server_that_hangs() {
    check(Fault::Hang);
}

#[test]
fn a_server_that_is_slow() {
    check(Fault::Slow(unwell::DEADLINE * 2));
}

#[test]
fn a_server_that_breaks_off() {
    // The answer to a write has 8 bytes or so.
    for bytes in [0, 1, 5] {
        check(Fault::CutAnswer(bytes));
    }
}

#[test]
fn a_server_that_is_stopped_and_started_again() {
    let mut server = BuiltIn::memcached().unwrap();
    let backend = Backend::open("ext:memcached", &[("url", &server.url())]).unwrap();
    let sessions = Sessions::new(backend);
    let mut session = sessions.create();
    session.save().unwrap();
    server.stop();
    assert_eq!(sessions.open(session.id()).unwrap_err().kind(), ErrorKind::Unavailable);
    server.start_again().unwrap();
    let mut next = sessions.create();
    next.save().unwrap();
    assert!(sessions.open(next.id()).is_ok());
}

#[test]
fn one_of_three_servers_is_lost_and_comes_back() {
    let deadline = Duration::from_secs(1);
    let pool = RefCell::new(MemcachedPool::start(3).unwrap());
    let (url, lost_address) = (pool.borrow().url(), pool.borrow().addresses()[1].to_string());
    let store = MemcachedStore::open(&url, deadline).unwrap();
    let fate = lost::Fate {
        stop: &mut || pool.borrow_mut().stop(1),
        start_again: &mut || pool.borrow_mut().start_again(1).unwrap(),
    };
    let alone = MemcachedStore::open(&lost_address, deadline).unwrap();
    lost::check(&store, deadline, fate, |key| alone.get(key).unwrap().is_some());
}

/// One round trip each: the first read of a second asks for the namespace's mark as well, and a
/// change looks at it always, and at what it changes.
#[test]
fn what_a_session_costs() {
    let server = BuiltIn::memcached().unwrap();
    let backend = Backend::open("ext:memcached", &[("url", &server.url())]).unwrap();
    let sessions = Sessions::new(backend);
    let commands = |act: &mut dyn FnMut()| {
        let before = server.commands();
        act();
        server.commands() - before
    };
    let mut session = sessions.create();
    assert_eq!(commands(&mut || session.save().unwrap()), 1);
    assert_eq!(commands(&mut || drop(sessions.open(session.id()).unwrap())), 2);
    assert_eq!(commands(&mut || drop(sessions.open(session.id()).unwrap())), 1);
    session.set("a", 1);
    assert_eq!(commands(&mut || session.save().unwrap()), 3);
}

#[test]
fn a_clear_by_another_process_is_seen_within_a_second() {
    let server = Memcached::for_programs().unwrap();
    let open = || MemcachedStore::open(&server.url(), Duration::from_secs(5)).unwrap();
    let (clock, key) = (Arc::new(ManualClock::default()), Namespace::new("shared").key("k"));
    let (one, other) = (open().with_clock(clock.clone()), open());
    let version = one.put(&key, b"x", None, Precondition::Always).unwrap().unwrap();
    assert!(one.get(&key).unwrap().is_some());
    other.clear(key.namespace()).unwrap();
    assert!(one.get(&key).unwrap().is_some(), "the mark is believed for a second");
    clock.advance(Duration::from_secs(1));
    assert_eq!(one.get(&key).unwrap(), None);
    // A change does not wait for that: it looks at the mark itself.
    assert!(one.put(&key, b"y", None, Precondition::Unchanged(version)).unwrap().is_none());
    assert_eq!(other.get(&key).unwrap(), None);
}
