//! Caches of asynchronous programs, opened from the settings that blocking ones open.

use beaker::cache::{AsyncRegion, Regions};
use beaker::config::{CacheConfig, Settings};
use beaker::{AsyncCache, ErrorKind};
use tokio::runtime::{Builder, Runtime};

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Two regions in one backend, and a third one that caches nothing.
fn config(backend: &[(&str, &str)]) -> CacheConfig {
    let settings = backend.iter().map(|(option, value)| (format!("cache.{option}"), *value));
    let own = [
        ("cache.regions", "short, long, off"),
        ("cache.expire", "3600"),
        ("cache.short.expire", "60"),
        ("cache.off.enabled", "false"),
    ];
    let own = own.map(|(option, value)| (option.to_owned(), value));
    Settings::from_pairs(settings.chain(own)).read().unwrap().cache
}

/// Makes a value in each region, looks at it, and takes back those of one region.
#[track_caller]
fn check(backend: &[(&str, &str)], shown: &[&str]) -> (CacheConfig, Regions, Runtime) {
    let (config, runtime) = (config(backend), runtime());
    let _inside = runtime.enter();
    let regions = config.open_async().unwrap();
    let description = format!("{regions:?}");
    for part in shown {
        assert!(description.contains(part), "{part} is not in {description}");
    }
    runtime.block_on(async {
        for (name, second) in [("short", 100), ("long", 100), ("off", 101)] {
            let points: AsyncCache<u32> = regions.get_async(name).unwrap().cache("points").unwrap();
            assert_eq!(points.get_or_create("Kimi", || async { 100 }).await.unwrap(), 100);
            let again = points.get_or_create("Kimi", || async { 101 }).await.unwrap();
            assert_eq!(again, second, "in the region `{name}`");
        }
        let (short, long) =
            (regions.get_async("short").unwrap(), regions.get_async("long").unwrap());
        short.invalidate().await.unwrap();
        assert_eq!(short.cache::<u32>("points").unwrap().get("Kimi").await.unwrap(), None);
        assert_eq!(long.cache::<u32>("points").unwrap().get("Kimi").await.unwrap(), Some(100));
    });
    (config, regions, runtime)
}

/// What tasks have made is found by the threads of a program that has the same settings.
#[track_caller]
fn check_shared(backend: &[(&str, &str)], shown: &[&str]) {
    let (config, regions, runtime) = check(backend, shown);
    let blocking = config.open().unwrap();
    let points = blocking.get("long").unwrap().cache::<u32>("points").unwrap();
    assert_eq!(points.get("Kimi").unwrap(), Some(100));
    points.put("Valtteri", 87).unwrap();
    let points = regions.get_async("long").unwrap().cache::<u32>("points").unwrap();
    assert_eq!(runtime.block_on(points.get("Valtteri")).unwrap(), Some(87));
}

#[test]
fn memory() {
    let (_, regions, _) = check(&[("type", "memory")], &["Blocking(", "MemoryStore"]);
    let error = regions.get("short").unwrap().cache::<u32>("points").unwrap_err();
    assert!(error.to_string().contains("ask an `AsyncRegion`"), "{error}");
    let error = regions.get_async("shorts").unwrap_err();
    assert!(error.to_string().contains("did you mean `short`?"), "{error}");
}

#[test]
fn files_on_threads() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().to_str().unwrap();
    let options = [("type", "file"), ("data_dir", folder), ("max_in_flight", "3")];
    check_shared(&options, &["OnThreads", "max_in_flight: 3", "FileStore", "NullStore"]);
}

#[cfg(feature = "redis-async")]
#[test]
fn redis() {
    let server = servers::Redis::for_programs().unwrap();
    let url = server.url();
    check_shared(&[("type", "ext:redis"), ("url", &url)], &["AsyncRedisStore", "AsyncLeaseLocks"]);
}

#[cfg(feature = "redis-async")]
#[test]
fn regions_in_one_redis_share_its_connection() {
    let server = servers::Redis::for_programs().unwrap();
    let url = server.url();
    let (_, regions, runtime) = check(&[("type", "ext:redis"), ("url", &url)], &[]);
    let ours = {
        let client = redis::Client::open(&*url).unwrap();
        let mut connection = client.get_connection().unwrap();
        let clients: String = redis::cmd("CLIENT").arg("LIST").query(&mut connection).unwrap();
        clients.lines().filter(|line| !line.contains("cmd=client")).count()
    };
    assert_eq!(ours, 1, "both regions were asked");
    drop((regions, runtime));
}

#[cfg(feature = "postgres")]
#[servers::needs(postgresql)]
#[test]
fn postgresql() {
    let server = servers::Postgres::for_tests().unwrap().expect("it is installed");
    let options = [("type", "ext:database"), ("url", &server.url()), ("table_name", "cached")];
    check_shared(&options, &["AsyncPostgresStore", "the table `cached`"]);
}

#[test]
fn a_region_of_the_programs_own() {
    let config = Settings::from_pairs([("cache.type", "memory"), ("cache.expire", "60")]);
    let mut config = config.read().unwrap().cache.default;
    let region = AsyncRegion::named("own");
    region.configure(config.open_async().unwrap()).unwrap();
    let again = region.configure(config.open_async().unwrap()).unwrap_err();
    assert!(again.to_string().contains("configured already"), "another memory: {again}");
    let shown = format!("{region:?}");
    assert!(shown.contains("MemoryStore") && shown.contains("60s"), "{shown}");
    config.enabled = false;
    let off = AsyncRegion::named("off");
    off.configure(config.open_async().unwrap()).unwrap();
    assert!(format!("{off:?}").contains("NullStore"), "{off:?}");
}

#[test]
fn what_cannot_be_opened_is_the_error_of_blocking_caches() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "no folder").unwrap();
    let mut config = config(&[("type", "file"), ("data_dir", file.to_str().unwrap())]);
    let error = config.open_async().unwrap_err();
    assert_eq!(error.to_string(), config.open().unwrap_err().to_string());
    assert!(error.to_string().contains(file.to_str().unwrap()), "{error}");
    // Fields that were changed after they had been read.
    let short = config.regions.get_mut("short").unwrap();
    (short.enabled, short.key_length) = (false, 10);
    config.regions.retain(|name, _| name == "short");
    let error = config.open_async().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("`key_length` of 10"), "{error}");
}
