//! Backends of asynchronous programs, opened by the names and options of blocking ones.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use beaker::config::{Place, Settings};
use beaker::lock::LocalLocks;
use beaker::store::{MemoryStore, Precondition, Store, Stored, Version};
use beaker::{AsyncBackend, Backend, ErrorKind, Result};
use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Opens it directly and by the configuration, asks it for something, and looks what it is.
#[track_caller]
fn check(name: &str, options: &[(&str, &str)], parts: &[&str]) {
    let runtime = runtime();
    let _inside = runtime.enter();
    let settings = options.iter().map(|(option, value)| (format!("session.{option}"), *value));
    let settings = settings.chain([("session.type".to_owned(), name)]);
    let config = Settings::from_pairs(settings).read().unwrap();
    let Place::Backend(config) = &config.session.place else { panic!("{config:?}") };
    for backend in [AsyncBackend::open(name, options).unwrap(), config.open_async().unwrap()] {
        runtime.block_on(backend.ping()).unwrap();
        let shown = format!("{backend:?}");
        for part in parts {
            assert!(shown.contains(part), "{part} is not in {shown}");
        }
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn what_is_on_threads() {
    let folder = tempfile::tempdir().unwrap();
    let folder = text(folder.path());
    check("memory", &[("max_entries", "10")], &["Blocking(", "MemoryStore", "LocalLocks"]);
    check("null", &[], &["Blocking(NullStore)"]);
    let options = [("data_dir", folder), ("max_in_flight", "3"), ("queue_timeout", "100")];
    check("file", &options, &["OnThreads", "max_in_flight: 3", "FileStore", "LocksOnThreads"]);
    #[cfg(feature = "dbm")]
    check("dbm", &options, &["OnThreads", "max_in_flight: 3", "DbmStore"]);
    #[cfg(feature = "sqlite")]
    {
        let file = format!("{folder}/file.db");
        let options = [("url", &*file), ("max_in_flight", "5")];
        check("ext:database", &options, &["OnThreads", "max_in_flight: 5", "DatabaseStore"]);
    }
    #[cfg(feature = "memcached")]
    {
        let server = servers::BuiltIn::memcached().unwrap();
        let url = server.address().to_string();
        check("ext:memcached", &[("url", &url)], &["OnThreads", "MemcachedStore"]);
    }
}

#[cfg(feature = "redis-async")]
#[test]
fn redis_is_shared_by_tasks() {
    let server = servers::Redis::for_programs().unwrap();
    let (url, folder) = (server.url(), tempfile::tempdir().unwrap());
    let options = [("url", &*url), ("max_in_flight", "3")];
    check("ext:redis", &options, &["AsyncRedisStore", "AsyncLeaseLocks"]);
    let options = [("url", &*url), ("lock_dir", text(folder.path()))];
    check("ext:redis", &options, &["AsyncRedisStore", "LocksOnThreads", "FileLocks"]);
}

#[cfg(feature = "redis-async")]
#[servers::needs(redis)]
#[test]
fn a_cluster_of_redis_is_shared_by_tasks() {
    let cluster = servers::redis::RedisCluster::start().unwrap().expect("redis is installed");
    let options = [("urls", &*cluster.url())];
    check("ext:rediscluster", &options, &["AsyncRedisStore", "AsyncLeaseLocks"]);
}

#[cfg(feature = "redis-async")]
#[servers::needs(redis)]
#[test]
fn the_master_of_sentinels_is_shared_by_tasks() {
    let three = servers::redis::RedisSentinel::start().unwrap().expect("redis is installed");
    let (url, master) = (three.sentinel().to_string(), servers::redis::RedisSentinel::MASTER);
    let options = [("urls", &*url), ("master", master)];
    check("ext:redissentinel", &options, &["AsyncRedisStore", "AsyncLeaseLocks"]);
}

#[cfg(feature = "postgres")]
#[servers::needs(postgresql)]
#[test]
fn postgresql_is_shared_by_tasks() {
    let server = servers::Postgres::for_tests().unwrap().expect("it is installed");
    let (url, folder) = (server.url(), tempfile::tempdir().unwrap());
    let table = "the table `own`";
    let options = [("url", &*url), ("table_name", "own")];
    check("ext:database", &options, &["AsyncPostgresStore", table, "AsyncLeaseLocks"]);
    let options = [("url", &*url), ("lock_dir", text(folder.path()))];
    check("ext:database", &options, &["AsyncPostgresStore", "LocksOnThreads", "FileLocks"]);
}

#[test]
fn mistakes_are_those_of_blocking_ones() {
    for (name, options) in [
        ("disk", &[][..]),
        ("file", &[]),
        ("memory", &[("max_in_flight", "3")]),
        ("memory", &[("max_entries", "1"), ("max_bytes", "1000")]),
        ("file", &[("data_dir", "x"), ("max_in_flight", "0")]),
        ("file", &[("data_dir", "x"), ("queue_timeout", "soon")]),
        ("ext:redis", &[("url", "http://user:secret@h")]),
        ("ext:database", &[("url", "mysql://user:secret@h")]),
        ("ext:database", &[("url", "postgres://user:secret@h/d"), ("table_name", "a b")]),
    ] {
        let error = AsyncBackend::open(name, options).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{error:?}");
        assert_eq!(error.to_string(), Backend::open(name, options).unwrap_err().to_string());
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    }
}

/// A store whose reads wait at a gate.
#[derive(Debug, Default)]
struct Gated {
    is_open: std::sync::Mutex<bool>,
    changed: std::sync::Condvar,
    store: MemoryStore,
}

impl Store for Gated {
    fn get(&self, key: &beaker::key::Key) -> Result<Option<Stored>> {
        let is_open = self.is_open.lock().unwrap();
        drop(self.changed.wait_while(is_open, |is_open| !*is_open).unwrap());
        self.store.get(key)
    }

    fn put(
        &self,
        key: &beaker::key::Key,
        bytes: &[u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>> {
        self.store.put(key, bytes, ttl, when)
    }

    fn delete(&self, key: &beaker::key::Key, when: Precondition) -> Result<bool> {
        self.store.delete(key, when)
    }

    fn clear(&self, namespace: &beaker::key::Namespace) -> Result<()> {
        self.store.clear(namespace)
    }
}

#[test]
fn calls_are_bounded_and_counted() {
    let store = Arc::new(Gated::default());
    let backend = AsyncBackend::from(Backend::new(Arc::clone(&store), LocalLocks::new()));
    let backend = backend.max_in_flight(2).queue_timeout(Duration::MAX);
    runtime().block_on(async {
        let call = |backend: AsyncBackend| tokio::spawn(async move { backend.ping().await });
        let calls: Vec<_> = (0..10).map(|_| call(backend.clone())).collect();
        while backend.queued() < 8 {
            yield_now().await;
        }
        // A clone is the same backend, and one with another limit is not.
        let (in_flight, others) = (backend.clone().in_flight(), backend.clone().max_in_flight(2));
        let of_others = (others.queued(), others.in_flight());
        // What waits for ever would hide what is asserted.
        *store.is_open.lock().unwrap() = true;
        store.changed.notify_all();
        for call in calls {
            call.await.unwrap().unwrap();
        }
        assert_eq!((in_flight, of_others), (2, (0, 0)));
        assert_eq!((backend.queued(), backend.in_flight()), (0, 0));
    });
}

/// A backend that a blocking program has opened needs no threads, where its server can be waited for.
#[test]
fn the_servers_of_a_blocking_back_end_are_waited_for_by_tasks() {
    let runtime = runtime();
    let _inside = runtime.enter();
    let shown = |name: &str, url: &str| {
        // Nobody is asked for anything.
        format!("{:?}", AsyncBackend::from(Backend::open(name, &[("url", url)]).unwrap()))
    };
    #[cfg(feature = "redis-async")]
    {
        let redis = shown("ext:redis", "redis://127.0.0.1:1");
        assert!(redis.contains("AsyncRedisStore") && redis.contains("AsyncLeaseLocks"), "{redis}");
    }
    #[cfg(feature = "postgres")]
    {
        let postgres = shown("ext:database", "postgres://kimi:secret@127.0.0.1:1/d");
        assert!(postgres.contains("AsyncPostgresStore"), "{postgres}");
        assert!(postgres.contains("AsyncLeaseLocks") && !postgres.contains("secret"), "{postgres}");
    }
    #[cfg(feature = "sqlite")]
    {
        let folder = tempfile::tempdir().unwrap();
        let sqlite = shown("ext:database", text(&folder.path().join("values.db")));
        assert!(sqlite.contains("OnThreads"), "{sqlite}");
    }
}
