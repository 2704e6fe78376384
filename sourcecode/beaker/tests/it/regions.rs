//! Regions: named before they are configured, apart from one another, invalidated as a whole.

use std::sync::{Arc, LazyLock, mpsc};
use std::thread;
use std::time::Duration;

use beaker::cache::{Cache, Region, RegionOptions, Regions};
use beaker::config::Settings;
use beaker::key::Namespace;
use beaker::layer::{Counting, Layers};
use beaker::lock::LocalLocks;
use beaker::store::{MemoryStore, Store};
use beaker::{Backend, ErrorKind, ManualClock};

const SECOND: Duration = Duration::from_secs(1);

fn never() -> u32 {
    panic!("it is not to be made")
}

fn from(pairs: &[(&str, &str)]) -> Regions {
    Settings::from_pairs(pairs.iter().copied()).read().unwrap().cache.open().unwrap()
}

#[track_caller]
fn refused<T>(result: beaker::Result<T>, message: &str) {
    let error = result.err().expect("it is refused");
    assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Config, message));
}

/// A backend whose store is at hand, and a clock that can be moved.
fn counted() -> (Arc<Counting<MemoryStore>>, Backend, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::default());
    let store = Arc::new(MemoryStore::with_clock(clock.clone()).counted());
    (Arc::clone(&store), Backend::new(store, LocalLocks::new()), clock)
}

/// As another process would have it: nothing is shared but the backend.
fn another(backend: &Backend, clock: &Arc<ManualClock>, name: &str) -> Region {
    let region = Region::named(name);
    let options = RegionOptions::new(backend.clone()).ttl(10 * SECOND);
    region.configure(options.clock(clock.clone())).unwrap();
    region
}

#[test]
fn a_region_is_named_in_code_before_it_is_configured() {
    static SHORT_TERM: LazyLock<Region> = LazyLock::new(|| Region::named("short_term"));
    refused(
        SHORT_TERM.cache::<u32>("points"),
        "the region `short_term` is not configured yet; call `configure` or `configure_from` when \
         the program starts",
    );
    assert!(SHORT_TERM.invalidate().is_err() && !SHORT_TERM.is_configured());
    let passed_on = SHORT_TERM.clone();
    let regions = from(&[("cache.regions", "short_term, long_term")]);
    SHORT_TERM.configure_from(&regions).unwrap();
    SHORT_TERM.configure_from(&regions).unwrap();
    SHORT_TERM.cache("points").unwrap().put("Kimi", 100_u32).unwrap();
    for region in [passed_on, regions.get("short_term").unwrap()] {
        assert_eq!(region.cache::<u32>("points").unwrap().get("Kimi").unwrap(), Some(100));
    }
    refused(
        SHORT_TERM.configure_from(&from(&[("cache.regions", "short_term")])),
        "the region `short_term` is configured already, with something else; configure it once, \
         and pass it on",
    );
}

#[test]
fn mistakes_are_named() {
    let regions = from(&[("cache.regions", "short_term, long_term")]);
    refused(
        regions.get("shortterm"),
        "there is no region `shortterm`; did you mean `short_term`? there are `long_term`, \
         `short_term`",
    );
    refused(
        Region::named("eternal").configure_from(&regions),
        "there is no region `eternal`; there are `long_term`, `short_term`",
    );
    refused(
        from(&[]).get("short"),
        "there is no region `short`; there are none: name it in `cache.regions`",
    );
    let region = regions.get("short_term").unwrap();
    drop(region.cache::<u32>("points").unwrap());
    refused(
        region.cache::<String>("points"),
        "the cache `points` of the region `short_term` holds `u32` in this program, and not \
         `alloc::string::String`; give it another name",
    );
    let options = || RegionOptions::new(Backend::memory());
    refused(
        Region::named("a:b").configure(options()),
        "the region `a:b` cannot be configured: its name goes into keys; it has letters, digits, \
         `_` and `-`",
    );
    refused(
        Region::named("a").configure(options().key_length(79)),
        "the region `a` has a `key_length` of 79 bytes, and needs 80 at least",
    );
    refused(Regions::new([("a", options()), ("a", options())]), "the region `a` is there twice");
}

#[test]
fn configured_again_with_the_same_is_no_mistake() {
    let region = Region::named("a");
    let minute = RegionOptions::new(Backend::memory()).ttl(60 * SECOND);
    region.configure(minute.clone()).unwrap();
    region.configure(minute.clone()).unwrap();
    assert!(region.configure(minute.ttl(SECOND)).is_err());
    assert!(region.configure(RegionOptions::new(Backend::memory()).ttl(60 * SECOND)).is_err());
}

#[test]
fn what_a_region_does_not_say_it_takes_over() {
    let folder = tempfile::tempdir().unwrap();
    let config = Settings::from_pairs([
        ("cache.regions", "short, long, off, here"),
        ("cache.type", "file"),
        ("cache.data_dir", folder.path().to_str().unwrap()),
        ("cache.expire", "3600"),
        ("cache.short.expire", "60"),
        ("cache.off.enabled", "false"),
        ("cache.here.type", "memory"),
    ])
    .read()
    .unwrap();
    let regions = config.cache.open().unwrap();
    let names: Vec<&str> = regions.iter().map(Region::name).collect();
    assert_eq!(names, ["here", "long", "off", "short"]);
    assert_eq!((&regions).into_iter().count(), 4);
    let cache =
        |regions: &Regions, name| regions.get(name).unwrap().cache::<u32>("points").unwrap();
    for region in &regions {
        let cache = region.cache::<u32>("points").unwrap();
        let made = region.name().len() as u32;
        assert_eq!(cache.get_or_create("Kimi", || made).unwrap(), made, "apart from the others");
    }
    assert_eq!(cache(&regions, "off").get("Kimi").unwrap(), None);
    assert_eq!(cache(&regions, "off").get_or_create("Kimi", || 4_u32).unwrap(), 4, "each time");
    regions.get("off").unwrap().invalidate().unwrap();
    let restarted = config.cache.open().unwrap();
    let left = ["short", "long", "here"].map(|name| cache(&restarted, name).get("Kimi").unwrap());
    assert_eq!(left, [Some(5), Some(4), None], "files are there, memory is not");
    let text = format!("{:?}", cache(&regions, "short"));
    assert!(text.contains("60s"), "{text}");

    let own = Region::named("own");
    own.configure(config.cache.default.open().unwrap()).unwrap();
    assert!(format!("{own:?}").contains("3600s"));
}

#[test]
fn who_asks_for_one_name_shares_what_is_being_made() {
    let regions = from(&[("cache.regions", "short")]);
    let open = || regions.get("short").unwrap().cache::<u32>("points").unwrap();
    let (begun, is_begun) = mpsc::channel();
    let (end, ends) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let maker = scope.spawn(|| {
            open().get_or_create("Kimi", move || {
                begun.send(()).unwrap();
                ends.recv().unwrap();
                100
            })
        });
        is_begun.recv().unwrap();
        let waits = scope.spawn(|| open().get_or_create("Kimi", never).unwrap());
        while open().stats().waits == 0 {
            thread::yield_now();
        }
        end.send(()).unwrap();
        assert_eq!((maker.join().unwrap().unwrap(), waits.join().unwrap()), (100, 100));
    });
    assert_eq!(open().stats().creations, 1);
}

#[test]
fn a_region_is_invalidated_as_a_whole_for_all_processes() {
    let (store, backend, clock) = counted();
    let [here, there] = [(); 2].map(|()| another(&backend, &clock, "short"));
    let other = another(&backend, &clock, "other");
    let open = |region: &Region, name| region.cache::<u32>(name).unwrap();
    for region in [&there, &other] {
        open(region, "points").put("Kimi", 100).unwrap();
        open(region, "wins").put("Kimi", 21).unwrap();
    }
    clock.advance(Duration::from_micros(1));
    let begun = store.numbers().calls;
    here.invalidate().unwrap();
    assert_eq!(store.numbers().calls - begun, 2, "here no cache of it was ever opened");
    assert_eq!(open(&here, "points").get("Kimi").unwrap(), None, "here at once");
    clock.advance(SECOND);
    for name in ["points", "wins"] {
        assert_eq!(open(&there, name).get("Kimi").unwrap(), None, "within a second");
        assert!(open(&other, name).contains("Kimi").unwrap(), "another region");
    }
    open(&there, "points").put("Kimi", 110).unwrap();
    assert_eq!(open(&here, "points").get("Kimi").unwrap(), Some(110), "made after that");

    clock.advance(Duration::from_micros(1));
    there.invalidate_softly().unwrap();
    let points = open(&there, "points").stale_for(60 * SECOND);
    assert_eq!(points.get("Kimi").unwrap(), None);
    assert_eq!(points.peek("Kimi").unwrap().unwrap().0, 110, "stale");
    there.invalidate().unwrap();
    assert_eq!(points.peek("Kimi").unwrap(), None);
}

#[test]
fn a_creation_during_an_invalidation_is_not_kept_nor_joined() {
    let (_, backend, clock) = counted();
    let region = another(&backend, &clock, "short");
    let cache = region.cache::<u32>("points").unwrap();
    let made = cache.get_or_create("Kimi", || {
        clock.advance(Duration::from_micros(1));
        region.invalidate().unwrap();
        // Whoever asks from now on does not get what was begun before.
        thread::scope(|scope| {
            let asks = scope.spawn(|| cache.clone().ttl(SECOND).get("Kimi").unwrap());
            assert_eq!(asks.join().unwrap(), None);
        });
        100
    });
    assert_eq!((made.unwrap(), cache.get("Kimi").unwrap()), (100, None));
}

#[test]
fn what_a_region_invalidates_costs_no_round_trip() {
    let (store, backend, clock) = counted();
    let region = another(&backend, &clock, "short");
    let cache: Cache<u32> = region.cache("points").unwrap();
    cache.put("Kimi", 100).unwrap();
    // Who writes reads what was invalidated, and so knows it for a second.
    for (advanced, read) in [(Duration::ZERO, 1), (SECOND, 3), (Duration::ZERO, 1)] {
        clock.advance(advanced);
        let before = store.numbers();
        assert_eq!(cache.get("Kimi").unwrap(), Some(100));
        let after = store.numbers();
        assert_eq!((after.calls - before.calls, after.gets - before.gets), (1, read));
    }
    let before = store.numbers().calls;
    cache.get_many(&["Kimi", "Felipe"]).unwrap();
    assert_eq!(store.numbers().calls - before, 1);
}

#[test]
fn a_near_part_believes_what_it_has_for_its_time() {
    let (_, backend, clock) = counted();
    let region = another(&backend, &clock, "short");
    let near = region.cache::<u32>("points").unwrap().local_tier(10, SECOND);
    near.put("Kimi", 100).unwrap();
    clock.advance(Duration::from_micros(1));
    region.invalidate().unwrap();
    assert_eq!(near.get("Kimi").unwrap(), Some(100));
    clock.advance(SECOND);
    assert_eq!(near.get("Kimi").unwrap(), None);
}

#[test]
fn long_keys_are_shortened() {
    let clock = Arc::new(ManualClock::default());
    let store = Arc::new(MemoryStore::with_clock(clock));
    let region = Region::named("short");
    let backend = Backend::new(Arc::clone(&store), LocalLocks::new());
    region.configure(RegionOptions::new(backend).key_length(100)).unwrap();
    let cache = region.cache::<u32>("points").unwrap();
    let keys = [100, 101, 102].map(|length| "x".repeat(length));
    for (key, points) in keys.iter().zip(0_u32..) {
        assert_eq!(cache.get_or_create(key, || points).unwrap(), points);
    }
    let found = cache.get_many(&keys).unwrap();
    assert_eq!(found, [Some(0), Some(1), Some(2)]);
    assert!(cache.remove(&keys[2]).unwrap() && !cache.contains(&keys[2]).unwrap());
    let namespace = Namespace::new("short.points");
    assert!(store.get(&namespace.key(&keys[0])).unwrap().is_some(), "as it is");
    assert!(store.get(&namespace.key(&keys[1])).unwrap().is_none(), "shortened");
}

#[test]
fn the_rules_of_a_region_hold_for_its_caches() {
    let (_, backend, clock) = counted();
    let region = Region::named("rules");
    let options = RegionOptions::new(backend.clone()).ttl(10 * SECOND).clock(clock.clone());
    region.configure(options.clone().stale_for(20 * SECOND).jitter(0.5)).unwrap();
    let other = region.configure(options.clone().stale_for(5 * SECOND)).unwrap_err();
    assert_eq!(other.kind(), ErrorKind::Config, "{other}");

    let cache: Cache<u32> = region.cache("points").unwrap();
    for driver in 0..100_u32 {
        cache.put(driver.to_string(), driver).unwrap();
    }
    clock.advance(8 * SECOND);
    let is_fresh = |driver: &u32| cache.contains(driver.to_string()).unwrap();
    let fresh = (0..100).filter(is_fresh).count();
    assert!((1..100).contains(&fresh), "{fresh} of 100 are fresh");

    clock.advance(3 * SECOND);
    assert_eq!((0..100).filter(is_fresh).count(), 0);
    let fails = || Err::<u32, _>(beaker::Error::new(ErrorKind::Application, "no"));
    assert_eq!(cache.try_get_or_create("7", fails).unwrap(), 7, "stale");
}

/// 1 is what the theory says, and the closer the end the likelier: within the last thousandth of the
/// time that the making took, almost nobody is that lucky.
#[test]
fn a_region_may_make_its_values_anew_before_they_expire() {
    let (_, backend, clock) = counted();
    let region = Region::named("early");
    let options = RegionOptions::new(backend).ttl(10 * SECOND).clock(clock.clone());
    region.configure(options.refresh_early(1.0)).unwrap();
    let cache: Cache<u32> = region.cache("points").unwrap();
    let make = |value: u32| {
        let clock = &clock;
        move || {
            clock.advance(9 * SECOND);
            value
        }
    };
    cache.get_or_create("Kimi", make(1)).unwrap();
    clock.advance(10 * SECOND - Duration::from_micros(1));
    let value = cache.get_or_create("Kimi", make(2)).unwrap();
    assert_eq!((value, cache.stats().creations), (2, 2));
}
