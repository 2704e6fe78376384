//! Keys of a store, a page at a time: what the suite does not see.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use beaker::key::{Key, Namespace};
use beaker::store::{FileStore, KeyCursor, MemoryStore, Precondition, Store, Stored, Version};
use beaker::{Backend, ErrorKind, Result, Sessions};

/// A store that says nothing of its keys.
#[derive(Debug, Default)]
struct Silent(MemoryStore);

impl Store for Silent {
    fn get(&self, key: &Key) -> Result<Option<Stored>> {
        self.0.get(key)
    }

    fn put(
        &self,
        key: &Key,
        bytes: &[u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>> {
        self.0.put(key, bytes, ttl, when)
    }

    fn delete(&self, key: &Key, when: Precondition) -> Result<bool> {
        self.0.delete(key, when)
    }

    fn clear(&self, namespace: &Namespace) -> Result<()> {
        self.0.clear(namespace)
    }
}

#[test]
fn a_store_without_a_list_says_so() {
    let error = Silent::default().keys(&Namespace::new("points"), None, 10).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("could not list the keys of \"points\""), "{error}");
}

#[cfg(feature = "tokio")]
#[test]
fn nor_does_it_have_one_for_tasks() {
    use beaker::store::{AsyncStore, OnThreads};
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let store = OnThreads::new(Silent::default());
    let points = Namespace::new("points");
    let error = runtime.block_on(AsyncStore::keys(&store, &points, None, 10)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    let store = OnThreads::new(MemoryStore::new());
    let key = points.key("Kimi");
    let listed = runtime.block_on(async {
        store.put(&key, b"100", None, Precondition::Always).await?;
        AsyncStore::keys(&store, &points, None, 10).await
    });
    assert_eq!(listed.unwrap().keys, [key]);
}

#[test]
fn ids_of_sessions_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(FileStore::open(folder.path()).unwrap());
    let sessions = Sessions::new(Backend::with_leases(Arc::clone(&store)));
    let mut ids = Vec::new();
    for _ in 0..20 {
        let mut session = sessions.create();
        session.set_user("kimi");
        session.save().unwrap();
        ids.push(session.id().as_str().as_bytes().to_vec());
    }
    ids.sort();
    let page = store.keys(&Namespace::default(), None, 1000).unwrap();
    let names: Vec<_> = page.keys.iter().map(|key| key.name().to_vec()).collect();
    assert_eq!((names, page.unnamed, page.next), (ids, 0, None));
}

#[test]
fn files_of_others_are_not_listed() {
    let folder = tempfile::tempdir().unwrap();
    let store = FileStore::open(folder.path()).unwrap();
    let points = Namespace::new("points");
    store.put(&points.key("kimi"), b"100", None, Precondition::Always).unwrap();
    let leaf = folder.path().join("container_file-points/k/ki");
    fs::write(leaf.join("pickled.cache"), b"\x80\x04\x95\x1a").unwrap();
    fs::write(leaf.join("notes.txt"), "mine").unwrap();
    fs::create_dir(leaf.join("folder.cache")).unwrap();
    let page = store.keys(&points, None, 1000).unwrap();
    assert_eq!((page.keys, page.unnamed), (vec![points.key("kimi")], 0));
    // A place that is none of its folders is none outside of them either.
    let from = KeyCursor::new("../../../etc");
    assert!(store.keys(&points, Some(&from), 10).is_ok());
    assert_eq!(store.keys(&Namespace::new("missing"), None, 10).unwrap().keys, []);
}

#[cfg(feature = "dbm")]
#[test]
fn dbm_knows_its_own_cursors() {
    let folder = tempfile::tempdir().unwrap();
    let store = beaker::store::DbmStore::open(folder.path()).unwrap();
    foreign(&store, "no hex");
}

#[cfg(feature = "redis")]
#[test]
fn redis_knows_its_own_cursors() {
    let server = servers::Redis::for_programs().unwrap();
    let store = beaker::store::RedisStore::open(&server.url(), Duration::from_secs(2)).unwrap();
    foreign(&store, "somewhere");
    foreign(&store, "127.0.0.1:1 soon");
    let gone = KeyCursor::new("127.0.0.1:1 17");
    let error = store.keys(&Namespace::new("points"), Some(&gone), 10).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("begin again"), "{error}");
}

#[cfg(feature = "redis")]
#[test]
fn a_server_that_is_gone_is_an_error_within_the_deadline() {
    let mut server = servers::BuiltIn::redis().unwrap();
    let store = beaker::store::RedisStore::open(&server.url(), Duration::from_millis(500)).unwrap();
    let points = Namespace::new("points");
    store.put(&points.key("kimi"), b"100", None, Precondition::Always).unwrap();
    server.stop();
    let error = store.keys(&points, None, 10).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("could not list \"points\" in redis"), "{error}");
    server.start_again().unwrap();
    store.keys(&points, None, 10).unwrap();
}

#[cfg(any(feature = "dbm", feature = "redis"))]
#[track_caller]
fn foreign(store: &dyn Store, cursor: &str) {
    let error = store.keys(&Namespace::new("points"), Some(&KeyCursor::new(cursor)), 10);
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains(&format!("`{cursor}` is no place")), "{error}");
}

/// Many keys beside many of others: a page does not grow with what it is not asked for.
#[test]
fn pages_of_a_large_namespace() {
    let folder = tempfile::tempdir().unwrap();
    let store = FileStore::open(folder.path()).unwrap();
    let points = Namespace::new("points");
    for number in 0..500_u32 {
        let name = format!("{:x}", number.wrapping_mul(2_654_435_769));
        store.put(&points.key(name), b"x", None, Precondition::Always).unwrap();
    }
    let (mut count, mut from) = (0, None);
    loop {
        let page = store.keys(&points, from.as_ref(), 50).unwrap();
        assert!(page.keys.len() < 100, "{} in one page", page.keys.len());
        count += page.keys.len();
        let Some(next) = page.next else { break };
        from = Some(next);
    }
    assert_eq!(count, 500);
}
