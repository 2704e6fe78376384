//! Regions whose values are kept as they are, and keys that are made of keys.

use std::sync::Arc;
use std::time::Duration;

use beaker::cache::{Cache, KeyMangler, Region, RegionOptions};
use beaker::key::Namespace;
use beaker::store::{MemoryStore, Store};
use beaker::{Backend, ErrorKind, ManualClock};

/// No codec knows it.
#[derive(Debug, PartialEq)]
struct Standings(&'static str);

fn region(options: RegionOptions) -> Region {
    let region = Region::named("short_term");
    region.configure(options).unwrap();
    region
}

fn standings(cache: &Cache<Arc<Standings>>) -> Arc<Standings> {
    cache.get_or_create(2007_u16, || Arc::new(Standings("Kimi"))).unwrap()
}

#[test]
fn values_are_shared_as_they_are() {
    let region = region(RegionOptions::in_memory(100));
    let cache = region.objects::<Arc<Standings>>("standings").unwrap();
    let made = standings(&cache);
    assert!(Arc::ptr_eq(&made, &standings(&region.objects("standings").unwrap())));
    assert_eq!(cache.entry_count().unwrap(), 1);
    let error = region.objects::<Arc<str>>("standings").unwrap_err();
    assert!(error.to_string().contains("Standings"), "{error}");

    // What a codec knows is not encoded either.
    let names = region.cache::<String>("names").unwrap();
    names.put(6_u8, "Kimi".to_owned()).unwrap();
    assert_eq!(region.objects::<String>("names").unwrap().get(6_u8).unwrap().unwrap(), "Kimi");
    assert_eq!(names.entry_count().unwrap(), 1);
}

#[test]
fn the_rules_of_the_region_hold() {
    let clock = Arc::new(ManualClock::default());
    let minute = Duration::from_secs(60);
    let options = RegionOptions::in_memory(2).ttl(minute).clock(clock.clone());
    let region = region(options.clone());
    region.configure(options).unwrap();
    assert!(region.configure(RegionOptions::in_memory(3).ttl(minute)).is_err(), "another one");
    assert!(region.configure(RegionOptions::new(Backend::memory()).ttl(minute)).is_err());
    let cache = region.objects::<Arc<Standings>>("standings").unwrap();
    for season in 0..10_u16 {
        cache.put(season, Arc::new(Standings("Kimi"))).unwrap();
    }
    assert_eq!(cache.entry_count().unwrap(), 2);
    standings(&cache);
    clock.advance(minute);
    assert_eq!(cache.get(2007_u16).unwrap(), None);
}

#[test]
fn all_caches_are_invalidated_together() {
    let region = region(RegionOptions::in_memory(100));
    let one = region.objects::<Arc<Standings>>("one").unwrap();
    let two = region.objects::<Arc<str>>("two").unwrap();
    let fill = || {
        standings(&one);
        two.put("a", Arc::<str>::from("b")).unwrap();
    };
    fill();
    region.invalidate().unwrap();
    assert_eq!((one.get(2007_u16).unwrap(), two.get("a").unwrap()), (None, None));
    assert!(two.peek("a").unwrap().is_none());
    fill();
    region.invalidate_softly().unwrap();
    assert_eq!(two.get("a").unwrap(), None);
    assert!(two.peek("a").unwrap().is_some());
}

#[cfg(feature = "tokio")]
#[test]
fn tasks_have_the_same_values() {
    use beaker::cache::AsyncRegion;

    let region = region(RegionOptions::in_memory(100));
    let made = standings(&region.objects("standings").unwrap());
    crate::any_cache::runtime().block_on(async {
        let region = AsyncRegion::new(region);
        let cache = region.objects::<Arc<Standings>>("standings").unwrap();
        assert!(Arc::ptr_eq(&made, &cache.get(2007_u16).await.unwrap().unwrap()));
        region.invalidate().await.unwrap();
        assert_eq!(cache.get(2007_u16).await.unwrap(), None);
        cache.put(1_u16, made).await.unwrap();
        region.invalidate_softly().await.unwrap();
        assert!(cache.get(1_u16).await.unwrap().is_none());
        assert!(cache.peek(1_u16).await.unwrap().is_some());
    });
}

#[test]
fn what_is_in_a_store_is_encoded() {
    let region = region(RegionOptions::new(Backend::memory()));
    let error = region.objects::<Arc<Standings>>("standings").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("RegionOptions::in_memory"), "{error}");
    let names = region.cache::<String>("names").unwrap();
    names.put("a", "b".to_owned()).unwrap();
    assert_eq!(region.objects::<String>("names").unwrap().get("a").unwrap().unwrap(), "b");
}

#[test]
fn keys_are_made_of_keys() {
    let store = Arc::new(MemoryStore::new());
    let backend = || Backend::new(Arc::clone(&store), beaker::lock::LocalLocks::new());
    let versioned: KeyMangler = Arc::new(|key| [b"v2.", key].concat());
    let options = RegionOptions::new(backend()).key_mangler(Arc::clone(&versioned)).key_length(80);
    let region = region(options.clone());
    region.configure(options.clone()).unwrap();
    let other: KeyMangler = Arc::new(<[u8]>::to_vec);
    assert!(region.configure(options.clone().key_mangler(other)).is_err());
    let cache = region.cache::<u32>("points").unwrap();
    cache.put("Kimi", 110_u32).unwrap();
    cache.put_many([("Felipe", 94_u32)]).unwrap();
    let long = "x".repeat(200);
    assert_eq!(cache.get_or_create(&long, || 7_u32).unwrap(), 7);
    let names = Namespace::new("short_term.points");
    for name in ["v2.Kimi", "v2.Felipe"] {
        assert!(store.get(&names.key(name)).unwrap().is_some(), "{name}");
    }
    assert!(store.get(&names.key("Kimi")).unwrap().is_none());
    assert_eq!(cache.get_many(&["Kimi", "Felipe", &long]).unwrap(), [Some(110), Some(94), Some(7)]);
    assert_eq!(cache.remove_many(&["Kimi", &long]).unwrap(), 2);
    assert_eq!(cache.get("Kimi").unwrap(), None);
}
