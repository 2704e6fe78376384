//! What the settings say of waiting, of failures and of a tier in memory, in both worlds.

use std::sync::Arc;
use std::time::Duration;

use beaker::cache::{OnTimeout, Region, RegionOptions};
use beaker::config::{CacheConfig, Settings};
use beaker::layer::Counting;
use beaker::lock::LocalLocks;
use beaker::store::MemoryStore;
use beaker::{Backend, ErrorKind, ManualClock, Result};

fn read(pairs: &[(&str, &str)]) -> Result<CacheConfig> {
    Settings::from_pairs(pairs.to_vec()).read().map(|config| config.cache)
}

#[track_caller]
fn refused(pairs: &[(&str, &str)], part: &str) {
    let message = read(pairs).unwrap_err().to_string();
    assert!(message.contains(part), "{message}");
    assert!(message.contains("has an error"), "one and no more: {message}");
}

#[test]
fn settings_of_waits_are_typed_taken_over_and_printed() {
    let config = read(&[
        ("cache.regions", "short, long"),
        ("cache.error_ttl", "0"),
        ("cache.wait_timeout", "200"),
        ("cache.on_timeout", "Create"),
        ("cache.local_ttl", "500"),
        ("cache.short.local_tier", "1000"),
        ("cache.short.error_ttl", "5000"),
        ("cache.long.stale_on_failure", "no"),
    ])
    .unwrap();
    let (short, long) = (&config.regions["short"], &config.regions["long"]);
    let ms = |number| Some(Duration::from_millis(number));
    assert_eq!((short.error_ttl, long.error_ttl), (ms(5000), ms(0)));
    assert_eq!((short.wait_timeout, short.on_timeout), (ms(200), Some(OnTimeout::Create)));
    assert_eq!((short.local_tier, short.local_ttl, long.local_tier), (Some(1000), ms(500), None));
    assert_eq!((short.stale_on_failure, long.stale_on_failure), (None, Some(false)));
    let printed = config.to_string();
    for line in [
        "cache.error_ttl = 0\n",
        "cache.short.error_ttl = 5000\n",
        "cache.long.on_timeout = create  # as cache.on_timeout\n",
        "cache.long.stale_on_failure = false\n",
    ] {
        assert!(printed.contains(line), "{line} is not in {printed}");
    }
    let again = printed.parse::<Settings>().unwrap().read().unwrap().cache;
    assert_eq!(again, config);
}

#[test]
fn mistakes_in_waits() {
    refused(&[("cache.error_ttl", "-1")], "whole milliseconds, 0 to");
    refused(&[("cache.wait_timeout", "0")], "whole milliseconds, 1 to");
    refused(&[("cache.wait_timeout", "1"), ("cache.on_timeout", "wait")], "`fail`, `create`");
    refused(&[("cache.on_timeout", "fail")], "it is for `wait_timeout`, which is missing");
    refused(&[("cache.local_tier", "0")], "allowed is a whole number, 1 or more");
    refused(&[("cache.local_ttl", "5")], "it is for `local_tier`, which is missing");
    let regions = ("cache.regions", "short");
    refused(&[regions, ("cache.short.local_ttl", "5")], "it is for `local_tier`");
    refused(&[("cache.wait_timout", "5")], "did you mean `cache.wait_timeout`?");
    read(&[regions, ("cache.local_ttl", "5"), ("cache.short.local_tier", "9")]).unwrap();
}

#[test]
fn a_region_remembers_failures_for_its_time() {
    let clock = Arc::new(ManualClock::default());
    let region = Region::named("short");
    let options = RegionOptions::new(Backend::memory()).clock(clock.clone());
    region.configure(options.error_ttl(Duration::from_secs(5)).stale_on_failure(false)).unwrap();
    let points = region.cache::<u32>("points").unwrap();
    let fails = || Err::<u32, Box<dyn std::error::Error>>("the source is down".into());
    points.try_get_or_create("Kimi", fails).unwrap_err();
    assert!(points.get_or_create("Kimi", || 110_u32).is_err(), "it is not called");
    clock.advance(Duration::from_secs(5));
    assert_eq!(points.get_or_create("Kimi", || 110_u32).unwrap(), 110);
}

#[test]
fn other_waits_are_another_configuration() {
    let (region, backend) = (Region::named("short"), Backend::memory());
    let options = || RegionOptions::new(backend.clone());
    let tier = || options().local_tier(10, Duration::from_secs(1));
    region.configure(tier()).unwrap();
    region.configure(tier()).unwrap();
    for other in [options(), tier().error_ttl(Duration::ZERO), tier().stale_on_failure(false)] {
        assert_eq!(region.configure(other).unwrap_err().kind(), ErrorKind::Config);
    }
}

#[test]
fn a_tier_in_memory_spares_the_store() {
    let store = Arc::new(Counting::new(MemoryStore::new()));
    let region = Region::named("short");
    let backend = Backend::new(Arc::clone(&store), LocalLocks::new());
    region.configure(RegionOptions::new(backend).local_tier(10, Duration::from_secs(60))).unwrap();
    let points = region.cache::<u32>("points").unwrap();
    points.put("Kimi", 110).unwrap();
    let asked = || store.numbers().calls;
    points.get("Kimi").unwrap();
    let before = asked();
    for _ in 0..10 {
        assert_eq!(points.get("Kimi").unwrap(), Some(110));
    }
    assert_eq!(asked(), before, "it is in memory");
}

#[cfg(feature = "tokio")]
#[test]
fn a_task_waits_no_longer_than_the_settings_say() {
    let config = read(&[("cache.regions", "short"), ("cache.wait_timeout", "50")]).unwrap();
    let builder = &mut tokio::runtime::Builder::new_current_thread();
    builder.enable_time().start_paused(true).build().unwrap().block_on(async {
        let regions = config.open_async().unwrap();
        let points = regions.get_async("short").unwrap().cache::<u32>("points").unwrap();
        let (sender, made) = tokio::sync::oneshot::channel::<u32>();
        let first = points.clone();
        let first = tokio::spawn(async move {
            first.get_or_create("Kimi", || async { made.await.unwrap_or_default() }).await
        });
        tokio::task::yield_now().await;
        let waited = points.get_or_create("Kimi", || async { 1 }).await.unwrap_err();
        assert_eq!(waited.kind(), ErrorKind::Unavailable);
        sender.send(110).unwrap();
        assert_eq!(first.await.unwrap().unwrap(), 110);
    });
}
