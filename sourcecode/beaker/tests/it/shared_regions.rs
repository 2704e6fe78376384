//! Regions whose entries a program in Python shares, over a store in memory: what is refused, and what the entries
//! decide. `python::caches` has the same beside the real ones.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use beaker::cache::{
    BeakerCacheFormat, Cache, CacheEntry, DogpileFormat, OnTimeout, Op, Region, RegionOptions,
};
use beaker::clock::ManualClock;
use beaker::config::{CacheFormat, Settings};
use beaker::key::Namespace;
use beaker::lock::LocalLocks;
use beaker::store::{MemoryStore, NullStore, Precondition, Store};
use beaker::{Backend, ErrorKind, Value};

const MINUTE: Duration = Duration::from_secs(60);

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A place that several regions share, and its clock.
struct Place {
    store: Arc<MemoryStore>,
    clock: Arc<ManualClock>,
}

impl Place {
    fn new() -> Place {
        let clock = Arc::new(ManualClock::default());
        Place { store: Arc::new(MemoryStore::with_clock(clock.clone())), clock }
    }

    fn region(&self, options: impl FnOnce(RegionOptions) -> RegionOptions) -> Region {
        let region = Region::named("short_term");
        let backend = Backend::new(Arc::clone(&self.store), LocalLocks::new());
        let all = RegionOptions::new(backend).ttl(MINUTE).clock(self.clock.clone());
        region.configure(options(all)).unwrap();
        region
    }

    fn dogpile(&self) -> Cache<Value> {
        self.region(|all| all.shared_with_dogpile(DogpileFormat::json())).cache("points").unwrap()
    }

    fn beaker(&self) -> Cache<Value> {
        let region = self.region(|all| all.shared_with_beaker(BeakerCacheFormat::new()));
        region.cache("points").unwrap()
    }

    fn bytes(&self, namespace: &str, key: &str) -> Option<Vec<u8>> {
        let stored = self.store.get(&Namespace::new(namespace).key(key)).unwrap();
        stored.map(|stored| stored.bytes.to_vec())
    }
}

#[test]
fn an_entry_is_in_its_place() {
    let place = Place::new();
    place.dogpile().put("Kimi", Value::from(110)).unwrap();
    let found = place.bytes("", "Kimi").unwrap();
    assert_eq!(found, br#"{"ct": 1234567890.0, "v": 2}|110"#);
    place.beaker().put("Kimi", Value::from(110)).unwrap();
    assert!(place.bytes("beaker_cache:points:", "Kimi").unwrap().starts_with(b"\x80\x04"));
}

#[test]
fn all_caches_of_a_dogpile_region_have_the_same_keys() {
    let place = Place::new();
    let region = place.region(|all| all.shared_with_dogpile(DogpileFormat::json()));
    region.cache("one").unwrap().put("Kimi", 110_u32).unwrap();
    assert_eq!(region.cache::<u32>("other").unwrap().get("Kimi").unwrap(), Some(110));
}

#[test]
fn the_reader_of_a_dogpile_entry_says_when_it_expires() {
    let place = Place::new();
    let format = DogpileFormat::json().stored_for(seconds(1000));
    let region = place.region(|all| all.shared_with_dogpile(format));
    let cache = region.cache::<u32>("points").unwrap();
    cache.put("Kimi", 110).unwrap();
    place.clock.advance(seconds(100));
    assert_eq!(cache.get("Kimi").unwrap(), None);
    assert_eq!(cache.clone().ttl(seconds(101)).get("Kimi").unwrap(), Some(110));
    assert_eq!(cache.clone().ttl(seconds(101)).get_many(&["Kimi"]).unwrap(), [Some(110)]);
    assert!(cache.clone().stale_for(seconds(50)).peek("Kimi").unwrap().is_some());
    assert_eq!(cache.get_or_create("Kimi", || 100_u32).unwrap(), 100);
    assert_eq!(cache.get("Kimi").unwrap(), Some(100));
    place.clock.advance(seconds(1001));
    assert_eq!(place.bytes("", "Kimi"), None);
}

#[test]
fn the_store_keeps_what_may_be_returned() {
    let place = Place::new();
    let format = DogpileFormat::json();
    let region = place.region(|all| all.shared_with_dogpile(format).stale_for(seconds(40)));
    region.cache("points").unwrap().put("Kimi", 110_u32).unwrap();
    place.clock.advance(seconds(99));
    assert!(place.bytes("", "Kimi").is_some());
    place.clock.advance(seconds(2));
    assert!(place.bytes("", "Kimi").is_none());
}

#[test]
fn an_entry_of_beaker_says_itself_when_it_expires() {
    let place = Place::new();
    let cache = place.beaker();
    cache.put("Kimi", CacheEntry::new(Value::from(110)).ttl(seconds(10))).unwrap();
    cache.put("Jyrki", Value::from(1)).unwrap();
    let longer = cache.clone().ttl(seconds(1000));
    place.clock.advance(seconds(10));
    assert_eq!((longer.get("Kimi").unwrap(), longer.get("Jyrki").unwrap()), (None, Some(1.into())));
    place.clock.advance(seconds(50));
    assert_eq!(longer.get("Jyrki").unwrap(), None);
    let forever = place.region(|_| {
        let backend = Backend::new(Arc::clone(&place.store), LocalLocks::new());
        RegionOptions::new(backend).shared_with_beaker(BeakerCacheFormat::new())
    });
    let cache = forever.cache::<Value>("points").unwrap();
    cache.put("Mika", Value::from(2)).unwrap();
    place.clock.advance(seconds(1_000_000));
    assert_eq!(cache.get("Mika").unwrap(), Some(2.into()));
}

#[test]
fn an_invalidation_is_by_the_time() {
    let place = Place::new();
    let region =
        place.region(|all| all.shared_with_dogpile(DogpileFormat::json()).stale_for(MINUTE));
    let cache = region.cache::<u32>("points").unwrap();
    let others = place.dogpile();
    cache.put("Kimi", 110).unwrap();
    region.invalidate_softly().unwrap();
    assert_eq!(cache.get("Kimi").unwrap(), None);
    assert_eq!(cache.peek("Kimi").unwrap().unwrap().0, 110);
    // A softer one later does not bring it back.
    cache.invalidate().unwrap();
    cache.invalidate_softly().unwrap();
    assert_eq!(cache.peek("Kimi").unwrap(), None);
    assert_eq!(others.get("Kimi").unwrap(), Some(110.into()), "it is of one process");
    // A cache that is opened later is of the region as well.
    region.invalidate().unwrap();
    assert_eq!(region.cache::<u32>("more").unwrap().get("Kimi").unwrap(), None);
    place.clock.advance(Duration::from_micros(1));
    cache.put("Kimi", 111).unwrap();
    assert_eq!(cache.get("Kimi").unwrap(), Some(111));
}

#[test]
fn what_runs_during_an_invalidation_is_not_kept() {
    let place = Place::new();
    let region = place.region(|all| all.shared_with_dogpile(DogpileFormat::json()));
    let cache = region.cache::<u32>("points").unwrap();
    for invalidate in [true, false] {
        let made = cache.get_or_create("Kimi", || {
            match invalidate {
                true => region.invalidate().unwrap(),
                false => drop(cache.remove("Kimi").unwrap()),
            }
            place.clock.advance(seconds(1));
            110_u32
        });
        assert_eq!((made.unwrap(), place.bytes("", "Kimi")), (110, None));
    }
}

#[test]
fn what_an_entry_has_no_place_for_is_refused() {
    let place = Place::new();
    for cache in [place.dogpile(), place.beaker()] {
        let tagged = || CacheEntry::new(Value::from(1)).tag("drivers");
        let error = cache.put("a", tagged()).unwrap_err();
        assert!(error.kind() == ErrorKind::Config && error.to_string().contains("no tags"));
        assert_eq!(cache.put_many([("a", tagged())]).unwrap_err().kind(), ErrorKind::Config);
        assert_eq!(cache.invalidate_tag("drivers").unwrap_err().kind(), ErrorKind::Config);
        // The value is returned nevertheless.
        assert_eq!(cache.get_or_create("a", tagged).unwrap(), 1.into());
        assert_eq!(cache.get("a").unwrap(), None);
        assert_eq!(cache.stats().unstored, 1);
        assert_eq!(cache.get((1, "a")).unwrap_err().kind(), ErrorKind::Config);
    }
    let error = place.dogpile().clear().unwrap_err().to_string();
    assert!(error.contains("no common beginning"), "{error}");
    let cache = place.beaker();
    cache.put("a", Value::from(1)).unwrap();
    cache.clear().unwrap();
    assert_eq!(place.bytes("beaker_cache:points:", "a"), None);
}

#[test]
fn options_that_do_not_go_together_are_all_named() {
    let refused = |options: RegionOptions, names: &[&str]| {
        let error = Region::named("short_term").configure(options).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        let error = error.to_string();
        assert!(names.iter().all(|name| error.contains(name)), "{error}");
    };
    let all = || {
        RegionOptions::new(Backend::memory())
            .local_tier(10, MINUTE)
            .key_length(100)
            .refresh_early(1.0)
            .jitter(0.1)
    };
    let names = ["`local_tier`", "`key_length`", "`refresh_early`"];
    refused(all().shared_with_beaker(BeakerCacheFormat::new()), &names);
    let format = DogpileFormat::json().lock_prefix("a b").distributed_lock(Duration::ZERO);
    let names = [&names[..], &["`jitter`", "`lock_prefix`", "`distributed_lock`"]].concat();
    refused(all().shared_with_dogpile(format), &names);
    let objects = RegionOptions::in_memory(10).shared_with_dogpile(DogpileFormat::json());
    refused(objects, &["`in_memory`"]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let files = RegionOptions::new(Backend::open("file", &[("data_dir", path)]).unwrap());
    refused(files.shared_with_dogpile(DogpileFormat::json()), &["take redis or memcached,"]);
    let layered = Backend::memory().wrap_store(beaker::layer::Layers::counted);
    let layered = RegionOptions::new(layered).shared_with_beaker(BeakerCacheFormat::new());
    refused(layered, &["without a layer"]);
}

#[test]
fn a_region_is_configured_once() {
    let region = Region::named("short_term");
    let backend = Backend::memory();
    let options = |format| RegionOptions::new(backend.clone()).shared_with_dogpile(format);
    region.configure(options(DogpileFormat::json())).unwrap();
    region.configure(options(DogpileFormat::json())).unwrap();
    assert!(region.configure(options(DogpileFormat::pickle())).is_err());
    assert!(region.configure(RegionOptions::new(backend.clone())).is_err());
    let pickled = Region::named("pickled");
    pickled.configure(options(DogpileFormat::pickle())).unwrap();
    let error = pickled.cache_with_codec::<u32>("a", beaker::codec::Json).unwrap_err();
    assert!(error.to_string().contains("take no codec"), "{error}");
    let json = region.cache_with_codec::<u32>("a", beaker::codec::Json).unwrap();
    json.put("a", 1_u32).unwrap();
    assert_eq!(json.get("a").unwrap(), Some(1));
}

#[test]
fn one_side_computes_under_the_lock_of_the_store() {
    for (is_dogpile, lock) in [(true, "_lockKimi"), (false, "beaker_lock:beaker_cache:points:Kimi")]
    {
        let place = Place::new();
        let region = place.region(|all| match is_dogpile {
            true => all.shared_with_dogpile(DogpileFormat::json().distributed_lock(MINUTE)),
            false => all.shared_with_beaker(BeakerCacheFormat::new()),
        });
        let cache = region.cache::<u32>("points").unwrap();
        let lock = Namespace::default().key(lock);
        // The other side computes.
        place.store.put(&lock, b"token", Some(MINUTE), Precondition::Absent).unwrap();
        let never = || -> u32 { panic!("the other side computes it") };
        let impatient = cache.clone().wait_timeout(Duration::ZERO, OnTimeout::Fail);
        let error = impatient.get_or_create("Kimi", never).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        // It was killed.
        place.clock.advance(MINUTE * 20);
        let made = cache.get_or_create("Kimi", || {
            assert!(place.store.get(&lock).unwrap().is_some());
            110_u32
        });
        assert_eq!(made.unwrap(), 110);
        assert!(place.store.get(&lock).unwrap().is_none());
    }
}

#[test]
fn a_lock_that_was_lost_is_left_to_its_next_holder() {
    let place = Place::new();
    let region =
        place.region(|all| all.shared_with_dogpile(DogpileFormat::json().distributed_lock(MINUTE)));
    let cache = region.cache::<u32>("points").unwrap();
    let lock = Namespace::default().key("_lockKimi");
    cache
        .get_or_create("Kimi", || {
            place.clock.advance(MINUTE * 2);
            let other = place.store.put(&lock, b"other", None, Precondition::Absent).unwrap();
            assert!(other.is_some());
            110_u32
        })
        .unwrap();
    assert_eq!(&*place.store.get(&lock).unwrap().unwrap().bytes, b"other");
}

/// Two regions are two programs here.
#[test]
fn two_programs_compute_once() {
    let store = Arc::new(MemoryStore::new());
    let open = || {
        let format = DogpileFormat::json().distributed_lock(MINUTE);
        let backend = Backend::new(Arc::clone(&store), LocalLocks::new());
        let region = Region::named("short_term");
        region.configure(RegionOptions::new(backend).shared_with_dogpile(format)).unwrap();
        region.cache::<u32>("points").unwrap()
    };
    let (one, other) = (open(), open());
    thread::scope(|threads| {
        // Dropped by a panic, so that the loader does not wait for ever.
        let ((began, begun), (end, ended)) = (channel(), channel());
        let first = threads.spawn(|| {
            one.get_or_create("Kimi", move || {
                began.send(()).unwrap();
                ended.recv().unwrap();
                110_u32
            })
        });
        begun.recv().unwrap();
        let second = threads.spawn(|| {
            other.get_or_create("Kimi", || -> u32 { panic!("the other one computes it") })
        });
        while other.stats().misses == 0 {
            thread::yield_now();
        }
        end.send(()).unwrap();
        assert_eq!((first.join().unwrap().unwrap(), second.join().unwrap().unwrap()), (110, 110));
    });
}

/// The other side has stored a value after this one found the stale one, and before it got the lock.
#[test]
fn a_stale_value_that_was_renewed_is_not_computed_again() {
    let place = Place::new();
    let format = DogpileFormat::json().distributed_lock(MINUTE).stored_for(MINUTE * 60);
    let region = place.region(|all| all.shared_with_dogpile(format).stale_for(MINUTE * 60));
    let cache = region.cache::<u32>("points").unwrap();
    cache.put("Kimi", 100).unwrap();
    place.clock.advance(MINUTE * 2);
    let lock = Namespace::default().key("_lockKimi");
    place.store.put(&lock, b"token", Some(MINUTE), Precondition::Absent).unwrap();
    let never = || -> u32 { panic!("the other side computes it") };
    assert_eq!(cache.get_or_create("Kimi", never).unwrap(), 100);
    place.dogpile().put("Kimi", Value::from(110)).unwrap();
    place.store.delete(&lock, Precondition::Always).unwrap();
    assert_eq!(cache.get_or_create("Kimi", never).unwrap(), 110);
}

#[test]
fn upserts_compare_what_is_there() {
    let place = Place::new();
    for cache in [place.dogpile(), place.beaker()] {
        let add = |old: Option<&Value>| {
            let number = old.and_then(Value::as_int).unwrap_or(0);
            Op::Put(Value::from(number + 1).into())
        };
        for expected in 1..=3 {
            let step = cache.compute("count", add).unwrap();
            assert_eq!(step, Some(expected.into()));
        }
        cache.compute("count", |_| Op::Remove).unwrap();
        assert_eq!(cache.get("count").unwrap(), None);
    }
}

#[test]
fn the_configuration_says_the_same() {
    let read = |pairs: &[(&str, &str)]| Settings::from_pairs(pairs.iter().copied()).read();
    let config = read(&[
        ("cache.regions", "short, long"),
        ("cache.expire", "60"),
        ("cache.short.format", "Dogpile-JSON"),
        ("cache.short.distributed_lock", "30"),
        ("cache.short.stored_for", "3600"),
        ("cache.short.sha1_keys_from", "200"),
        ("cache.long.format", "beaker"),
    ])
    .unwrap();
    let printed = config.to_string();
    for line in ["cache.short.format = dogpile-json", "cache.short.distributed_lock = 30"] {
        assert!(printed.contains(line), "{printed}");
    }
    let short = &config.cache.regions["short"];
    assert_eq!(
        (short.format, short.distributed_lock),
        (CacheFormat::DogpileJson, Some(seconds(30)))
    );
    assert_eq!((short.stored_for, short.sha1_keys_from), (Some(seconds(3600)), Some(200)));
    let regions = config.cache.open().unwrap();
    let points = regions.get("short").unwrap().cache::<u32>("points").unwrap();
    assert_eq!(points.get_or_create("Kimi", || 110_u32).unwrap(), 110);
    assert_eq!(points.clear().unwrap_err().kind(), ErrorKind::Config);
    assert!(regions.get("long").unwrap().cache::<u32>("points").unwrap().clear().is_ok());

    let refused = |pairs: &[(&str, &str)], problems: &[&str]| {
        let error = read(pairs).unwrap_err().to_string();
        assert!(problems.iter().all(|problem| error.contains(problem)), "{error}");
    };
    refused(&[("cache.format", "pickle")], &["`dogpile-pickle`, `beaker`"]);
    refused(&[("cache.stored_for", "60")], &["it is for `format = dogpile-json`"]);
    refused(&[("cache.format", "beaker"), ("cache.distributed_lock", "9")], &["it is for `format"]);
    refused(
        &[
            ("cache.format", "dogpile-pickle"),
            ("cache.type", "file"),
            ("cache.data_dir", "/tmp/x"),
            ("cache.local_tier", "10"),
            ("cache.key_length", "100"),
            ("cache.jitter", "5"),
            ("cache.refresh_early", "true"),
            ("cache.distributed_lock", "0"),
        ],
        &[
            "`type`",
            "cache.local_tier",
            "cache.key_length",
            "cache.jitter",
            "cache.refresh_early",
            "1 to",
        ],
    );
    let off = read(&[("cache.format", "beaker"), ("cache.enabled", "false")]).unwrap();
    let region = Region::named("off");
    region.configure(off.cache.default.open().unwrap()).unwrap();
    assert_eq!(region.cache::<u32>("a").unwrap().get_or_create("a", || 1_u32).unwrap(), 1);
}

#[cfg(feature = "tokio")]
#[test]
fn tasks_have_the_same_entries() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let place = Place::new();
    let region = place.region(|all| {
        all.shared_with_dogpile(DogpileFormat::json().distributed_lock(MINUTE)).stale_for(MINUTE)
    });
    runtime.block_on(async {
        let tasks = beaker::cache::AsyncRegion::new(region.clone());
        let cache = tasks.cache::<u32>("points").unwrap();
        assert_eq!(cache.get_or_create("Kimi", || async { 110_u32 }).await.unwrap(), 110);
        assert_eq!(region.cache::<u32>("points").unwrap().get("Kimi").unwrap(), Some(110));
        tasks.invalidate_softly().await.unwrap();
        assert_eq!(cache.get("Kimi").await.unwrap(), None);
        assert!(cache.peek("Kimi").await.unwrap().is_some());
        tasks.invalidate().await.unwrap();
        assert!(cache.peek("Kimi").await.unwrap().is_none());
        let lock = Namespace::default().key("_lockJyrki");
        place.store.put(&lock, b"token", Some(MINUTE), Precondition::Absent).unwrap();
        let impatient = cache.clone().wait_timeout(Duration::ZERO, OnTimeout::Fail);
        let error = impatient.get_or_create("Jyrki", || async { 1_u32 }).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        place.store.delete(&lock, Precondition::Always).unwrap();
        assert_eq!(impatient.get_or_create("Jyrki", || async { 1_u32 }).await.unwrap(), 1);
        // It is given back in the background.
        while place.store.get(&lock).unwrap().is_some() {
            tokio::task::yield_now().await;
        }
        let of_tasks = beaker::AsyncBackend::memory();
        let own = beaker::cache::AsyncRegion::named("own");
        let options = RegionOptions::for_tasks(of_tasks);
        own.configure(options.shared_with_beaker(BeakerCacheFormat::new())).unwrap();
        let cache = own.cache::<u32>("points").unwrap();
        assert_eq!(cache.get_or_create("Kimi", || async { 110_u32 }).await.unwrap(), 110);
        assert_eq!(cache.get("Kimi").await.unwrap(), Some(110));
    });
}

#[test]
fn nothing_is_kept_where_nothing_is_stored() {
    let region = Region::named("off");
    let backend = Backend::new(NullStore, LocalLocks::new());
    let options = RegionOptions::new(backend).shared_with_dogpile(DogpileFormat::pickle());
    region.configure(options).unwrap();
    let cache = region.cache::<u32>("a").unwrap();
    assert_eq!(cache.get_or_create("a", || 1_u32).unwrap(), 1);
    assert_eq!(cache.get("a").unwrap(), None);
}
