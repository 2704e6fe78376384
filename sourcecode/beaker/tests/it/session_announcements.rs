//! Local tiers of several processes that tell each other what they have written: what a request sees of others
//! and when, what it costs, and what happens where telling fails. Each `Sessions` over one store is a process.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use beaker::key::{Key, Namespace};
use beaker::lock::LocalLocks;
use beaker::store::{MAX_COUNT, MemoryStore, Precondition, Store, Stored, Version};
use beaker::{Backend, Error, ErrorKind, ManualClock, Origin, Rejection, Result, Signer, Value};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::Config;

use super::{Session, Sessions};

use crate::any_backend;
use crate::events::warnings;
use crate::length::length;

const TIME: Duration = Duration::from_secs(60);
const EVERY: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const MOMENT: Duration = Duration::from_micros(1);

fn process(backend: &Backend, clock: &Arc<ManualClock>) -> Sessions {
    Sessions::new(backend.clone())
        .signed_by(Signer::new(["0123456789abcdef0123456789abcdef"]).unwrap())
        .timeout(HOUR)
        .touch_every(HOUR / 10)
        .clock(clock.clone())
        .local_tier(100, TIME)
        .check_tier_every(EVERY)
}

fn saved(sessions: &Sessions) -> (Session, String) {
    let mut session = sessions.create();
    session.set("points", 0);
    session.save().unwrap();
    let header = session.set_cookie().unwrap().unwrap();
    let cookie = header.split(';').next().unwrap().to_owned();
    (session, cookie)
}

fn points(sessions: &Sessions, cookie: &str) -> Option<i64> {
    sessions.load(Some(cookie)).unwrap().get("points").and_then(Value::as_int)
}

fn add(sessions: &Sessions, cookie: &str) {
    let mut session = sessions.load(Some(cookie)).unwrap();
    session.update("points", |old| old.and_then(Value::as_int).unwrap_or(0) + 1);
    session.save().unwrap();
}

/// The first load keeps a copy, the second one checks, and drops it, and the third one keeps another.
fn take_a_copy(sessions: &Sessions, cookie: &str) {
    let before = points(sessions, cookie);
    assert_eq!([points(sessions, cookie), points(sessions, cookie)], [before; 2]);
}

fn is_counter(key: &Key) -> bool {
    key.namespace().name().starts_with("beaker.written:")
}

/// What was asked of a store, and what of that fails.
#[derive(Debug, Clone, Default)]
struct Watched {
    store: Arc<MemoryStore>,
    reads: Arc<AtomicUsize>,
    checks: Arc<AtomicUsize>,
    increments: Arc<Mutex<Vec<(Key, u64)>>>,
    fails_to_check: Arc<AtomicBool>,
    fails_to_increment: Arc<AtomicBool>,
}

impl Watched {
    fn backend(&self) -> Backend {
        Backend::new(self.clone(), LocalLocks::new())
    }

    /// How many records were read since the last call, and how often all counters.
    fn asked(&self) -> (usize, usize) {
        (self.reads.swap(0, Ordering::SeqCst), self.checks.swap(0, Ordering::SeqCst))
    }

    fn increments(&self) -> Vec<(Key, u64)> {
        std::mem::take(&mut self.increments.lock().unwrap())
    }
}

fn fails<T>() -> Result<T> {
    Err(Error::new(ErrorKind::Unavailable, "on purpose"))
}

impl Store for Watched {
    fn get(&self, key: &Key) -> Result<Option<Stored>> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.store.get(key)
    }

    fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>> {
        if keys.first().is_some_and(is_counter) {
            self.checks.fetch_add(1, Ordering::SeqCst);
            if self.fails_to_check.load(Ordering::SeqCst) {
                return fails();
            }
        }
        self.store.get_many(keys)
    }

    fn put(
        &self,
        key: &Key,
        bytes: &[u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>> {
        self.store.put(key, bytes, ttl, when)
    }

    fn delete(&self, key: &Key, when: Precondition) -> Result<bool> {
        self.store.delete(key, when)
    }

    fn increment(&self, key: &Key, by: u64, ttl: Option<Duration>) -> Result<u64> {
        assert!(is_counter(key) && ttl.is_some_and(|ttl| ttl > TIME));
        if self.fails_to_increment.load(Ordering::SeqCst) {
            return fails();
        }
        self.increments.lock().unwrap().push((key.clone(), by));
        self.store.increment(key, by, ttl)
    }

    fn clear(&self, namespace: &Namespace) -> Result<()> {
        self.store.clear(namespace)
    }
}

#[test]
fn what_others_saved_is_seen_after_the_interval_and_not_after_the_time_of_a_copy() {
    any_backend::each(|backend| {
        let clock = Arc::new(ManualClock::default());
        let (here, there) = (process(&backend, &clock), process(&backend, &clock));
        let (_, cookie) = saved(&here);
        // The second one is from a copy, and so is checked.
        for _ in 0..3 {
            assert_eq!(points(&there, &cookie), Some(0));
        }
        add(&here, &cookie);
        assert_eq!(points(&here, &cookie), Some(1));
        clock.advance(EVERY - MOMENT);
        assert_eq!(points(&there, &cookie), Some(0), "its copy is from before");
        clock.advance(MOMENT);
        assert_eq!(points(&there, &cookie), Some(1));
        // The same for a new id, and for an end.
        let at = |sessions: &Sessions, cookie: &str| sessions.load(Some(cookie)).unwrap().origin();
        let mut moves = here.load(Some(&cookie)).unwrap();
        moves.regenerate_id().unwrap();
        let header = moves.set_cookie().unwrap().unwrap();
        let new = header.split(';').next().unwrap();
        clock.advance(EVERY);
        assert_eq!(at(&there, &cookie), Origin::Rejected(Rejection::Moved));
        assert_eq!(points(&there, new), Some(1));
        here.load(Some(new)).unwrap().delete().unwrap();
        clock.advance(EVERY);
        assert_eq!(at(&there, new), Origin::Rejected(Rejection::Unknown));
        assert_eq!(at(&here, new), Origin::Rejected(Rejection::Unknown));
    });
}

#[test]
fn between_two_checks_nothing_is_read() {
    let (store, clock) = (Watched::default(), Arc::new(ManualClock::default()));
    let (here, there) = (process(&store.backend(), &clock), process(&store.backend(), &clock));
    let (_, cookie) = saved(&here);
    store.asked();
    points(&there, &cookie);
    assert_eq!(store.asked(), (1, 0), "of what has no copy, nothing is asked");
    points(&there, &cookie);
    assert_eq!(store.asked(), (1, 1), "the first check knows nothing from before");
    for _ in 0..9 {
        clock.advance(EVERY / 10);
        points(&there, &cookie);
    }
    assert_eq!(store.asked(), (0, 0));
    for _ in 0..10 {
        clock.advance(EVERY);
        points(&there, &cookie);
    }
    assert_eq!(store.asked(), (0, 10), "nobody has written");
    add(&here, &cookie);
    store.asked();
    clock.advance(EVERY);
    points(&there, &cookie);
    assert_eq!(store.asked(), (1, 1));
}

#[test]
fn a_check_creates_the_counter_of_its_own_session() {
    let (store, clock) = (Watched::default(), Arc::new(ManualClock::default()));
    let (here, there) = (process(&store.backend(), &clock), process(&store.backend(), &clock));
    let (_, cookie) = saved(&here);
    take_a_copy(&there, &cookie);
    let counter = store.increments()[0].0.clone();
    // It has expired, and nobody writes.
    store.store.delete(&counter, Precondition::Always).unwrap();
    store.asked();
    let mut reads = Vec::new();
    for _ in 0..4 {
        clock.advance(EVERY);
        points(&there, &cookie);
        reads.push(store.asked().0);
    }
    assert_eq!(reads, [1, 1, 0, 0], "it was missing, and then created; then nothing changes");
    assert_eq!(store.increments().len(), 1);
}

#[test]
fn each_write_of_a_session_is_announced_and_nothing_else() {
    let (store, clock) = (Watched::default(), Arc::new(ManualClock::default()));
    let sessions = process(&store.backend(), &clock);
    let (mut session, _) = saved(&sessions);
    session.set("points", 1);
    session.save().unwrap();
    let increments = store.increments();
    assert_eq!(increments.len(), 2);
    assert_eq!(increments[0].0, increments[1].0, "it is in one shard");
    assert!(increments.iter().all(|(_, by)| (1..=1 << 30).contains(by)));
    assert_ne!(increments[0].1, increments[1].1);
    clock.advance(HOUR / 2);
    session.touch().unwrap();
    session.reload().unwrap();
    assert_eq!(store.increments(), [], "an access changes no value");
    // The list of a user is nobody's copy.
    session.set_user("kimi");
    session.save().unwrap();
    assert_eq!(store.increments().len(), 1);
    session.delete().unwrap();
    assert_eq!(store.increments().len(), 1);
    let mut plain = Sessions::new(store.backend()).local_tier(10, TIME).create();
    plain.save().unwrap();
    plain.delete().unwrap();
    assert_eq!(store.increments(), [], "without the option nobody listens");
}

#[test]
fn a_counter_that_is_lost_hides_nothing() {
    type Loss = fn(&MemoryStore, &Key);
    let losses: [Loss; 3] = [
        |store, key| drop(store.delete(key, Precondition::Always)),
        // Created again, by somebody whose steps are 1.
        |store, key| {
            store.delete(key, Precondition::Always).unwrap();
            store.increment(key, 1, None).unwrap();
        },
        // With the number that it had.
        |store, key| {
            let before = store.get(key).unwrap().unwrap().count().unwrap();
            store.delete(key, Precondition::Always).unwrap();
            store.increment(key, before, None).unwrap();
        },
    ];
    for lose in losses {
        let (store, clock) = (Watched::default(), Arc::new(ManualClock::default()));
        let (here, there) = (process(&store.backend(), &clock), process(&store.backend(), &clock));
        let (_, cookie) = saved(&here);
        take_a_copy(&there, &cookie);
        store.increments();
        add(&here, &cookie);
        lose(&store.store, &store.increments()[0].0);
        clock.advance(EVERY);
        assert_eq!(points(&there, &cookie), Some(1));
    }
}

#[test]
fn a_counter_to_which_nothing_can_be_added_is_removed() {
    for (bytes, count) in [(Some(&b"no number"[..]), 0), (None, MAX_COUNT)] {
        let (store, clock) = (Watched::default(), Arc::new(ManualClock::default()));
        let (here, there) = (process(&store.backend(), &clock), process(&store.backend(), &clock));
        let (_, cookie) = saved(&here);
        let counter = store.increments()[0].0.clone();
        match bytes {
            Some(bytes) => drop(store.store.put(&counter, bytes, None, Precondition::Always)),
            None => {
                store.store.delete(&counter, Precondition::Always).unwrap();
                store.store.increment(&counter, count, None).unwrap();
            }
        }
        take_a_copy(&there, &cookie);
        for number in 1..5 {
            add(&here, &cookie);
            clock.advance(EVERY);
            assert_eq!(points(&there, &cookie), Some(number));
        }
    }
}

#[test]
fn a_save_that_cannot_be_announced_stands_and_is_seen_when_the_copy_is_over() {
    let (store, clock) = (Watched::default(), Arc::new(ManualClock::default()));
    let (here, there) = (process(&store.backend(), &clock), process(&store.backend(), &clock));
    let (session, cookie) = saved(&here);
    take_a_copy(&there, &cookie);
    store.fails_to_increment.store(true, Ordering::SeqCst);
    let told = warnings(|| add(&here, &cookie));
    assert!(matches!(&*told, [one] if one.contains("saved, but not announced")), "{told:?}");
    assert_eq!(here.open(session.id()).unwrap().get("points"), Some(&1.into()));
    for _ in 0..59 {
        clock.advance(EVERY);
        assert_eq!(points(&there, &cookie), Some(0));
    }
    clock.advance(EVERY);
    assert_eq!(points(&there, &cookie), Some(1));
}

#[test]
fn while_the_counters_cannot_be_read_no_copies_are_shown() {
    let (store, clock) = (Watched::default(), Arc::new(ManualClock::default()));
    let (here, there) = (process(&store.backend(), &clock), process(&store.backend(), &clock));
    let (_, cookie) = saved(&here);
    take_a_copy(&there, &cookie);
    store.asked();
    store.fails_to_check.store(true, Ordering::SeqCst);
    clock.advance(EVERY / 2);
    points(&there, &cookie);
    assert_eq!(store.asked(), (0, 0), "the last check is good for the interval");
    clock.advance(EVERY / 2);
    let told = warnings(|| {
        for number in 1..=10 {
            add(&here, &cookie);
            assert_eq!(points(&there, &cookie), Some(number));
        }
    });
    assert_eq!(told.len(), 2, "each process tells it once: {told:?}");
    assert_eq!(store.asked().1, 2, "each process asks once an interval");
    clock.advance(EVERY);
    points(&there, &cookie);
    assert_eq!(store.asked(), (1, 1));
    store.fails_to_check.store(false, Ordering::SeqCst);
    clock.advance(EVERY);
    let told = warnings(|| (0..3).for_each(|_| assert_eq!(points(&there, &cookie), Some(10))));
    assert!(matches!(&*told, [one] if one.contains("can be read again")), "{told:?}");
    assert_eq!(store.asked(), (1, 1), "and then they are shown again");
}

#[test]
fn other_namespaces_and_other_clocks_have_tiers_of_their_own() {
    let (store, clock) = (Watched::default(), Arc::new(ManualClock::default()));
    let (here, there) = (process(&store.backend(), &clock), process(&store.backend(), &clock));
    // Of one that has checked the counters of another namespace.
    let (_, cookie) = saved(&there);
    take_a_copy(&there, &cookie);
    let (here, there) = (here.namespace("shop"), there.namespace("shop"));
    let (_, cookie) = saved(&here);
    points(&there, &cookie);
    add(&here, &cookie);
    assert_eq!(points(&there, &cookie), Some(1), "no check of its own began before");
    let later = Arc::new(ManualClock::default());
    store.asked();
    points(&there.clock(later), &cookie);
    assert_eq!(store.asked(), (1, 0));
}

#[test]
fn what_it_cannot_be_is_refused() {
    let sessions = || Sessions::new(Backend::memory());
    let error = sessions().check_tier_every(EVERY).check().unwrap_err();
    assert!(error.to_string().contains("`local_tier`, which is missing"), "{error}");
    for every in [Duration::ZERO, TIME, HOUR] {
        let error = sessions().check_tier_every(every).local_tier(10, TIME).check().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("`check_tier_every`"), "{error}");
    }
    sessions().local_tier(10, TIME).check_tier_every(TIME - MOMENT).check().unwrap();
}

/// What one of several processes does, or what happens.
#[derive(Debug, Clone)]
enum Act {
    Load(usize),
    Add(usize),
    Pass(Duration),
    /// The counter is lost.
    Lose,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let pass = prop_oneof![
        1 => Just(MOMENT),
        4 => Just(EVERY / 4),
        2 => Just(EVERY - MOMENT),
        1 => Just(TIME - EVERY),
        1 => Just(TIME + EVERY)
    ];
    let act = prop_oneof![
        6 => (0_usize..3).prop_map(Act::Load),
        2 => (0_usize..3).prop_map(Act::Add),
        4 => pass.prop_map(Act::Pass),
        1 => Just(Act::Lose)
    ];
    vec(act, 1..60)
}

proptest! {
    #![proptest_config(Config { cases: length(100, 1000, 20_000), ..Config::default() })]

    #[test]
    fn no_copy_is_older_than_the_interval(acts in acts()) {
        let (store, clock) = (Watched::default(), Arc::new(ManualClock::default()));
        let processes: Vec<Sessions> =
            (0..3).map(|_| process(&store.backend(), &clock)).collect();
        let (_, cookie) = saved(&processes[0]);
        let counter = store.increments()[0].0.clone();
        let mut now = Duration::ZERO;
        // The value that each save has left, and when it returned.
        let (mut saves, mut value) = (vec![(now, 0)], 0);
        for act in acts {
            match act {
                Act::Load(process) => {
                    let shown = points(&processes[process], &cookie).unwrap();
                    let known = saves.iter().rev().find(|(at, _)| *at + EVERY <= now);
                    prop_assert!(known.is_none_or(|(_, least)| shown >= *least), "{shown}, {saves:?}");
                    prop_assert!(shown <= value);
                }
                Act::Add(process) => {
                    add(&processes[process], &cookie);
                    value += 1;
                    saves.push((now, value));
                }
                Act::Pass(time) => {
                    clock.advance(time);
                    now += time;
                }
                Act::Lose => {
                    store.store.delete(&counter, Precondition::Always).unwrap();
                }
            }
        }
    }
}
