//! Whatever is written after an invalidation is seen, and nothing from before it, while the clock stands
//! still, steps ahead and goes back: random programs, over every store, against a plain model.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use beaker::cache::{Cache, CacheEntry, Region, RegionOptions};
use beaker::key::Namespace;
use beaker::lock::LocalLocks;
use beaker::store::{MemoryStore, Precondition, Store};
use beaker::{Backend, Clock, ManualClock, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::any_cache::{AnyCache, AnyRegion, WORLDS, World};
use crate::length::length;

const SECOND: Duration = Duration::from_secs(1);
const KEYS: [&str; 3] = ["a", "b", "c"];
const TAGS: [&str; 2] = ["red", "blue"];

/// What one of two processes does.
#[derive(Debug, Clone)]
enum Act {
    Get(usize),
    Make(usize, Vec<usize>),
    MakeMany(Vec<usize>),
    Put(usize, Vec<usize>),
    Remove(usize),
    Clear,
    Invalidate,
    InvalidateSoftly,
    InvalidateTag(usize),
    InvalidateRegion,
    InvalidateRegionSoftly,
    /// A value is being made while the other one invalidates.
    MakeDuring(usize, Vec<usize>, Box<Act>),
    /// A second passes.
    Wait,
    /// The time of day steps to so many microseconds from where it began.
    Step(i64),
}

fn acts(length: usize) -> impl Strategy<Value = Vec<(usize, Act)>> {
    let key = || 0..KEYS.len();
    let tags = || proptest::sample::subsequence((0..TAGS.len()).collect::<Vec<_>>(), 0..=2);
    let invalidation = || {
        prop_oneof![
            Just(Act::Clear),
            Just(Act::Invalidate),
            Just(Act::InvalidateSoftly),
            (0..TAGS.len()).prop_map(Act::InvalidateTag),
            Just(Act::InvalidateRegion),
            Just(Act::InvalidateRegionSoftly),
        ]
    };
    let during = (key(), tags(), invalidation());
    let act = prop_oneof![
        4 => key().prop_map(Act::Get),
        4 => (key(), tags()).prop_map(|(key, tags)| Act::Make(key, tags)),
        1 => proptest::sample::subsequence((0..KEYS.len()).collect::<Vec<_>>(), 1..=3)
            .prop_map(Act::MakeMany),
        3 => (key(), tags()).prop_map(|(key, tags)| Act::Put(key, tags)),
        1 => key().prop_map(Act::Remove),
        5 => invalidation(),
        2 => during.prop_map(|(key, tags, act)| Act::MakeDuring(key, tags, Box::new(act))),
        1 => Just(Act::Wait),
        1 => prop_oneof![Just(1), Just(0), -25_000_000_i64..25_000_000].prop_map(Act::Step),
    ];
    prop::collection::vec((0..2_usize, act), 1..length)
}

/// What is under a key, as all see it who believe nothing.
#[derive(Debug, Clone, Default)]
struct Slot {
    value: Option<u64>,
    tags: Vec<usize>,
    is_stale: bool,
    /// It was made by one who could not know that what it replaces was cleared, and so may not be kept.
    may_be_gone: bool,
}

impl Slot {
    fn fresh(&self) -> Option<u64> {
        self.value.filter(|_| !self.is_stale)
    }
}

#[derive(Default)]
struct Model {
    slots: BTreeMap<usize, Slot>,
    /// What each of the two may still believe, by key.
    believed: [BTreeMap<usize, BTreeSet<u64>>; 2],
    /// The keys that were cleared, and that each of the two may not know of yet.
    unaware: [BTreeSet<usize>; 2],
}

impl Model {
    fn slot(&mut self, key: usize) -> &mut Slot {
        self.slots.entry(key).or_default()
    }

    /// Written or removed: nobody finds the old one any more.
    fn write(&mut self, key: usize, value: Option<u64>, tags: &[usize]) {
        self.believed.iter_mut().for_each(|believed| drop(believed.remove(&key)));
        for unaware in &mut self.unaware {
            unaware.remove(&key);
        }
        *self.slot(key) = Slot { value, tags: tags.to_vec(), ..Slot::default() };
    }

    /// The same for a value that was made to replace what was there before, if anything was.
    fn make(&mut self, who: usize, key: usize, value: u64, tags: &[usize]) {
        let may_be_gone = self.unaware[who].contains(&key);
        self.write(key, Some(value), tags);
        if may_be_gone {
            self.slot(key).may_be_gone = true;
            self.unaware[who].insert(key);
        }
    }

    /// Cleared by one; the other one sees it a moment later.
    fn clear_late(&mut self, who: usize) {
        self.unaware[1 - who].extend(self.slots.keys());
        self.believed[who].clear();
        self.invalidate(who, false, |_| true);
    }

    /// The one who does it sees it at once, the other one within a second.
    fn invalidate(&mut self, who: usize, is_soft: bool, is_meant: impl Fn(&Slot) -> bool) {
        for (key, slot) in &mut self.slots {
            if !is_meant(slot) {
                continue;
            }
            if let Some(value) = slot.fresh() {
                self.believed[1 - who].entry(*key).or_default().insert(value);
            }
            if is_soft {
                slot.is_stale = true;
            } else {
                slot.value = None;
            }
        }
    }

    fn may_find(&self, who: usize, key: usize, found: u64) -> bool {
        let slot = self.slots.get(&key).and_then(Slot::fresh);
        slot == Some(found) || self.believes(who, key, found)
    }

    fn believes(&self, who: usize, key: usize, found: u64) -> bool {
        self.believed[who].get(&key).is_some_and(|values| values.contains(&found))
    }

    fn may_find_nothing(&self, key: usize) -> bool {
        self.slots.get(&key).is_none_or(|slot| slot.fresh().is_none() || slot.may_be_gone)
    }
}

/// One of the two processes.
struct Process {
    cache: AnyCache<u64>,
    region: Option<AnyRegion>,
}

struct Run<'a> {
    processes: Vec<Process>,
    clock: &'a ManualClock,
    begun: Timestamp,
    next: u64,
    model: Model,
    /// A clearing is seen by the other process a moment later, as memcached's store says of itself.
    clears_late: bool,
}

impl Run<'_> {
    fn act(&mut self, who: usize, act: &Act) {
        let who = who % self.processes.len();
        let cache = self.processes[who].cache.clone();
        match act {
            Act::Get(key) => match cache.get(KEYS[*key]).unwrap() {
                Some(found) => assert!(self.model.may_find(who, *key, found), "found {found}"),
                None => assert!(self.model.may_find_nothing(*key), "found nothing"),
            },
            Act::Make(key, tags) => {
                let new = self.new_value();
                let found = cache.get_or_create(KEYS[*key], || made(new, tags)).unwrap();
                self.made(who, *key, tags, new, found);
            }
            Act::MakeMany(keys) => {
                let first = self.next + 1;
                let names: Vec<&str> = keys.iter().map(|key| KEYS[*key]).collect();
                let mut wanted = Vec::new();
                let made = cache.try_get_or_create_many(&names, |missing| {
                    wanted = missing.iter().copied().copied().collect();
                    Ok::<_, beaker::Error>((first..).take(missing.len()).collect())
                });
                self.next += wanted.len() as u64;
                for (key, found) in keys.iter().zip(made.unwrap()) {
                    let at = wanted.iter().position(|it| *it == KEYS[*key]);
                    let new = at.map_or(0, |at| first + at as u64);
                    self.made(who, *key, &[], new, found);
                }
            }
            Act::Put(key, tags) => {
                let new = self.new_value();
                cache.put(KEYS[*key], made(new, tags)).unwrap();
                self.model.write(*key, Some(new), tags);
                assert_eq!(cache.get(KEYS[*key]).unwrap(), Some(new), "just put");
            }
            Act::Remove(key) => {
                cache.remove(KEYS[*key]).unwrap();
                self.model.write(*key, None, &[]);
                assert_eq!(cache.get(KEYS[*key]).unwrap(), None, "just removed");
            }
            Act::MakeDuring(key, tags, act) => self.make_during(who, *key, tags, act),
            Act::Wait => {
                self.clock.advance(SECOND);
                self.begun = self.begun + SECOND;
                self.model.believed = Default::default();
            }
            Act::Step(by) => {
                let at = self.begun.as_micros() as i64 + by;
                self.clock.set(Timestamp::from_micros(at as u64));
            }
            invalidation => self.invalidate(who, invalidation),
        }
    }

    fn new_value(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Checks what a call gave that was to make `new`.
    fn made(&mut self, who: usize, key: usize, tags: &[usize], new: u64, found: u64) {
        if found == new {
            assert!(self.model.may_find_nothing(key), "{key} was made twice");
            self.model.make(who, key, new, tags);
        } else {
            assert!(self.model.may_find(who, key, found), "{key}: found {found}");
        }
    }

    fn invalidate(&mut self, who: usize, act: &Act) {
        let Process { cache, region } = &self.processes[who];
        match act {
            Act::Clear => {
                cache.clear().unwrap();
                if self.clears_late {
                    return self.model.clear_late(who);
                }
                KEYS.iter().enumerate().for_each(|(key, _)| self.model.write(key, None, &[]));
            }
            Act::Invalidate => {
                cache.invalidate().unwrap();
                self.model.believed[who].clear();
                self.model.invalidate(who, false, |_| true);
            }
            Act::InvalidateSoftly => {
                cache.invalidate_softly().unwrap();
                self.model.believed[who].clear();
                self.model.invalidate(who, true, |_| true);
            }
            Act::InvalidateTag(tag) => {
                cache.invalidate_tag(TAGS[*tag]).unwrap();
                self.model.invalidate(who, false, |slot| slot.tags.contains(tag));
            }
            Act::InvalidateRegion | Act::InvalidateRegionSoftly => {
                let Some(region) = region else { return };
                let is_soft = matches!(act, Act::InvalidateRegionSoftly);
                if is_soft { region.invalidate_softly() } else { region.invalidate() }.unwrap();
                self.model.believed[who].clear();
                self.model.invalidate(who, is_soft, |_| true);
            }
            act => unreachable!("{act:?} invalidates nothing"),
        }
    }

    /// What is being made is from before what is done meanwhile, and counts as such.
    fn make_during(&mut self, who: usize, key: usize, tags: &[usize], act: &Act) {
        let (new, other) = (self.new_value(), (who + 1) % self.processes.len());
        let cache = self.processes[who].cache.clone();
        let (mut is_made, before) = (false, self.model.believed.clone());
        let found = cache
            .get_or_create(KEYS[key], || {
                is_made = true;
                // A value that is under way counts as one that is there.
                let may_make = self.model.may_find_nothing(key);
                assert!(may_make, "{key} was made twice");
                self.model.make(who, key, new, tags);
                self.invalidate(other, act);
                made(new, tags)
            })
            .unwrap();
        if !is_made {
            assert!(self.model.may_find(who, key, found), "{key}: found {found}");
            return;
        }
        assert_eq!(found, new);
        let slot = self.model.slot(key).clone();
        if slot.value.is_none() {
            // It was made in vain, and perhaps not kept: then what was there before still is.
            for (believed, before) in self.model.believed.iter_mut().zip(before) {
                let before = before.get(&key).cloned().unwrap_or_default();
                believed.entry(key).or_default().extend(before);
            }
        }
        if slot.fresh() != Some(new) {
            self.model.believed[who].entry(key).or_default().insert(new);
        }
    }
}

fn made(value: u64, tags: &[usize]) -> CacheEntry<u64> {
    tags.iter().fold(CacheEntry::new(value), |made, tag| made.tag(TAGS[*tag]))
}

/// Random programs over caches that `open` opens anew, for a region of this name.
fn check(
    name: &str,
    cases: u32,
    length: usize,
    open: impl Fn(&str, &Arc<ManualClock>) -> Vec<Process>,
) {
    static REGIONS: AtomicU64 = AtomicU64::new(0);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let run = TestRunner::new(config).run(&acts(length), |acts| {
        let clock = Arc::new(ManualClock::default());
        let region = format!("r{}", REGIONS.fetch_add(1, Ordering::SeqCst));
        let processes = open(&region, &clock);
        let (begun, model) = (clock.now(), Model::default());
        let clears_late = name == "ext:memcached";
        let mut run = Run { processes, clock: &clock, begun, next: 0, model, clears_late };
        acts.iter().for_each(|(who, act)| run.act(*who, act));
        Ok(())
    });
    run.unwrap_or_else(|failure| panic!("{name}: {failure}"));
}

fn cases(of: u32) -> u32 {
    length(of, 2 * of, 8 * of)
}

fn process(world: World, backend: Backend, region: &str, clock: &Arc<ManualClock>) -> Process {
    process_of(world, RegionOptions::new(backend), region, clock)
}

fn process_of(
    world: World,
    options: RegionOptions,
    region: &str,
    clock: &Arc<ManualClock>,
) -> Process {
    let region = Region::named(region);
    region.configure(options.clock(clock.clone())).unwrap();
    let region = AnyRegion::new(world, region);
    Process { cache: region.cache("cache").unwrap(), region: Some(region) }
}

/// Two processes that share what is under these options: one of threads, and one of either kind.
///
/// A task gives the lock of a key back in the background, and for that moment the other process takes it that
/// the value is being made, and gives the old one. So beside a task the locks are those of this process, which
/// are given back at once: what is checked here has an order.
fn check_shared(name: &str, of: u32, options: &[(&str, &str)]) {
    for &world in WORLDS {
        check(name, cases(of).div_ceil(WORLDS.len() as u32), 30, |region, clock| {
            #[cfg(feature = "tokio")]
            let locks = LocalLocks::new();
            let backend = || {
                let backend = Backend::open(name, options).unwrap();
                match world {
                    World::Threads => backend,
                    #[cfg(feature = "tokio")]
                    World::Tasks => backend.with_locks(locks.clone()),
                }
            };
            let other = process(world, backend(), region, clock);
            vec![process(World::Threads, backend(), region, clock), other]
        });
    }
}

#[test]
fn objects() {
    for &world in WORLDS {
        check("objects", cases(250), 60, |_, clock| {
            let cache = AnyCache::of(world, Cache::in_memory(100).clock(clock.clone()));
            vec![Process { cache, region: None }]
        });
    }
}

#[test]
fn near() {
    for &world in WORLDS {
        check("near", cases(100), 60, |region, clock| {
            let mut process = process(world, Backend::memory(), region, clock);
            process.cache = process.cache.local_tier(100, SECOND);
            process.region = None;
            vec![process]
        });
    }
}

#[test]
fn memory() {
    for &world in WORLDS {
        check("memory", cases(150), 60, |region, clock| {
            let backend = Backend::memory();
            let other = process(world, backend.clone(), region, clock);
            vec![process(World::Threads, backend, region, clock), other]
        });
    }
}

#[test]
fn file() {
    let folder = tempfile::tempdir().unwrap();
    check_shared("file", 10, &[("data_dir", folder.path().to_str().unwrap())]);
}

#[cfg(feature = "dbm")]
#[test]
fn dbm() {
    let folder = tempfile::tempdir().unwrap();
    check_shared("dbm", 1, &[("data_dir", folder.path().to_str().unwrap())]);
}

#[cfg(feature = "sqlite")]
#[test]
fn sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cache.db");
    check_shared("ext:database", 10, &[("url", file.to_str().unwrap())]);
}

#[cfg(feature = "memcached")]
#[test]
fn memcached() {
    let server = servers::Memcached::for_programs().unwrap();
    check_shared("ext:memcached", 20, &[("url", &server.url())]);
}

#[cfg(feature = "redis")]
#[test]
fn redis() {
    let server = servers::Redis::for_programs().unwrap();
    check_shared("ext:redis", 20, &[("url", &server.url())]);
}

/// A program with threads, and one whose tasks share one connection.
#[cfg(feature = "redis-async")]
#[test]
fn redis_async() {
    let server = servers::Redis::for_programs().unwrap();
    let options = [("url", &*server.url()), ("deadline", "20000")];
    check("redis, asynchronous", cases(10), 30, |region, clock| {
        let locks = LocalLocks::new();
        let backend = Backend::open("ext:redis", &options).unwrap();
        let backend = backend.with_locks(locks.clone());
        let store = beaker::store::AsyncRedisStore::open(&server.url(), 20 * SECOND).unwrap();
        let tasks = RegionOptions::for_tasks(beaker::AsyncBackend::new(store, locks));
        let other = process_of(World::Tasks, tasks, region, clock);
        vec![process(World::Threads, backend, region, clock), other]
    });
}

#[cfg(feature = "postgres")]
#[servers::needs(postgresql)]
#[test]
fn postgres() {
    let server = servers::Postgres::for_tests().unwrap().expect("it is installed");
    check_shared("ext:database", 5, &[("url", &server.url())]);
}

/// A source that moves on and then invalidates; others that make from it what they have read there. Who
/// asks after an invalidation has returned gets nothing that is older.
#[test]
fn threads_that_race_see_nothing_from_before() {
    type Open = fn(World) -> AnyCache<u64>;
    type Do = fn(&AnyCache<u64>, u64);
    let opens: [Open; 3] = [
        |world| AnyCache::of(world, Cache::in_memory(10)),
        |world| AnyCache::new(world, Backend::memory(), "cache"),
        |world| AnyCache::new(world, Backend::memory(), "cache").local_tier(10, 60 * SECOND),
    ];
    let acts: [Do; 5] = [
        |cache, _| cache.clear().unwrap(),
        |cache, _| cache.invalidate().unwrap(),
        |cache, _| cache.invalidate_tag("t").unwrap(),
        |cache, _| assert!(cache.remove("k").is_ok()),
        |cache, now| cache.put("k", now).unwrap(),
    ];
    /// Lets the others end, also when this thread panics.
    struct Last<'a>(&'a AtomicU64);
    impl Drop for Last<'_> {
        fn drop(&mut self) {
            self.0.store(u64::MAX, Ordering::SeqCst);
        }
    }
    let rounds = 300;
    let all = opens.iter().enumerate();
    let all = all.flat_map(|open| WORLDS.iter().map(move |&world| (open, world)));
    for ((kind, open), world) in all {
        for (number, act) in acts.iter().enumerate() {
            let (cache, source, start) = (open(world), AtomicU64::new(0), Barrier::new(4));
            // The last round whose act has returned. A maker may have read what is newer.
            let seen_from = AtomicU64::new(0);
            let ask = || {
                let made = || CacheEntry::new(source.load(Ordering::SeqCst)).tag("t");
                cache.get_or_create("k", made).unwrap()
            };
            thread::scope(|scope| {
                for _ in 0..3 {
                    scope.spawn(|| {
                        start.wait();
                        while source.load(Ordering::SeqCst) < u64::MAX {
                            let (least, found) = (seen_from.load(Ordering::SeqCst), ask());
                            let what = format_args!("cache {kind}, act {number}, {world:?}");
                            assert!(found >= least, "{what}: {found} after {least}");
                        }
                    });
                }
                start.wait();
                let _last = Last(&source);
                for round in 1..=rounds {
                    source.store(round, Ordering::SeqCst);
                    act(&cache, round);
                    seen_from.store(round, Ordering::SeqCst);
                    assert_eq!(ask(), round);
                }
            });
        }
    }
}

/// The clock does not move between one call and the next, and nothing that is written is lost.
#[test]
fn what_is_written_after_an_invalidation_is_seen_in_the_same_tick() {
    type Do = fn(&AnyCache<u32>);
    let acts: [Do; 4] = [
        |cache| cache.clear().unwrap(),
        |cache| cache.invalidate().unwrap(),
        |cache| cache.invalidate_softly().unwrap(),
        |cache| cache.invalidate_tag("t").unwrap(),
    ];
    let clock = Arc::new(ManualClock::default());
    let caches = WORLDS.iter().flat_map(|&world| {
        let shared = AnyCache::new(world, Backend::memory(), "cache");
        [AnyCache::of(world, Cache::in_memory(10)), shared]
    });
    for cache in caches {
        let cache = cache.clock(clock.clone());
        for act in acts {
            act(&cache);
            cache.put("k", CacheEntry::new(7).tag("t")).unwrap();
            assert_eq!(cache.get("k").unwrap(), Some(7));
            act(&cache);
            let made = cache.get_or_create("k", || CacheEntry::new(8).tag("t")).unwrap();
            assert_eq!((made, cache.get("k").unwrap()), (8, Some(8)));
        }
    }
}

/// What a store keeps of invalidated tags goes when the values that it is about have gone, and not before.
#[test]
fn what_is_kept_of_a_tag_lives_as_long_as_its_values_and_no_longer() {
    const MINUTE: Duration = Duration::from_secs(60);
    let clock = Arc::new(ManualClock::default());
    let store = Arc::new(MemoryStore::with_clock(clock.clone()));
    let backend = Backend::new(store.clone(), LocalLocks::new());
    let cache = Cache::new(backend, "cache").clock(clock.clone()).ttl(MINUTE);

    for number in 0..20_000 {
        let tag = format!("user:{number}");
        cache.put("k", CacheEntry::new(number).tag(&tag)).unwrap();
        cache.invalidate_tag(&tag).unwrap();
    }
    assert!(store.len() > 20_000, "each is remembered");
    clock.advance(12 * MINUTE);
    store.sweep(usize::MAX).unwrap();
    assert_eq!(store.len(), 1, "the record of the cache is all that is left");

    // Begun before an invalidation, and to live much longer than whatever was there.
    let day = 24 * 60 * MINUTE;
    let long = cache.clone().ttl(day);
    let made = long.get_or_create("k", || {
        cache.invalidate_tag("t").unwrap();
        CacheEntry::new(1).tag("t")
    });
    assert_eq!((made.unwrap(), cache.get("k").unwrap()), (1, None));
    // The same with another tag: it is kept, and what is said of its tag from now on lives as long.
    let made = long.get_or_create("k", || {
        cache.invalidate_tag("t").unwrap();
        CacheEntry::new(2).tag("other")
    });
    assert_eq!((made.unwrap(), cache.get("k").unwrap()), (2, Some(2)));
    cache.invalidate_tag("other").unwrap();
    clock.advance(day - MINUTE);
    assert_eq!(long.get("k").unwrap(), None);
    clock.advance(12 * MINUTE);
    store.sweep(usize::MAX).unwrap();
    assert_eq!(store.len(), 1);
}

/// A making that outlives what is remembered of invalidations is kept only if there were none.
#[test]
fn a_making_of_hours_beside_an_invalidation_is_not_kept() {
    let clock = Arc::new(ManualClock::default());
    let hour = Duration::from_secs(3600);
    let cache: Cache<u32> = Cache::new(Backend::memory(), "cache").clock(clock.clone()).ttl(hour);
    for (tag, is_kept) in [(None, true), (Some("another"), false), (Some("t"), false)] {
        let make = || {
            tag.iter().for_each(|tag| cache.invalidate_tag(tag).unwrap());
            clock.advance(hour);
            CacheEntry::new(1).tag("t")
        };
        assert_eq!(cache.get_or_create("k", make).unwrap(), 1);
        assert_eq!(cache.contains("k").unwrap(), is_kept, "{tag:?}");
        cache.remove("k").unwrap();
    }
}

/// A store that has lost the record of a cache, and not its values, gives none of them.
#[test]
fn what_a_store_forgets_of_invalidations_brings_nothing_back() {
    let store = Arc::new(MemoryStore::new());
    let clock = Arc::new(ManualClock::default());
    let backend = Backend::new(store.clone(), LocalLocks::new());
    let cache = || Cache::new(backend.clone(), "cache").clock(clock.clone());
    for garbage in [None, Some(&b"garbage"[..])] {
        cache().put("k", 1).unwrap();
        cache().invalidate().unwrap();
        let record = Namespace::new("beaker.invalidations:cache").key("");
        match garbage {
            None => assert!(store.delete(&record, Precondition::Always).unwrap()),
            Some(bytes) => assert!(store.put(&record, bytes, None, Precondition::Always).is_ok()),
        }
        assert_eq!(cache().get("k").unwrap(), None);
        let fresh = cache();
        assert_eq!(fresh.get_or_create("k", || 2).unwrap(), 2);
        assert_eq!(cache().get("k").unwrap(), Some(2));
    }
}
