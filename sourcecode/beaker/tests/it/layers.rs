//! Layers keep the contract of the store below, count what they cannot read, and let nothing past.

use std::sync::Arc;

use beaker::key::{Key, Namespace};
use beaker::layer::{Layered, Layers, Transform};
use beaker::store::{MemoryStore, Precondition, Put, Store};
use beaker::{Backend, ErrorKind, ManualClock, Result};

fn key(name: &str) -> Key {
    Namespace::new("layers").key(name)
}

fn get(store: &impl Store, name: &str) -> Option<Vec<u8>> {
    store.get(&key(name)).unwrap().map(|stored| stored.bytes.to_vec())
}

fn put(store: &impl Store, name: &str, bytes: &[u8]) {
    store.put(&key(name), bytes, None, Precondition::Always).unwrap().unwrap();
}

/// A reader's own: reversed, and with its key before it.
#[derive(Debug)]
struct Reversed;

impl Transform for Reversed {
    fn pack(&self, key: &Key, bytes: &[u8]) -> Result<Vec<u8>> {
        let reversed: Vec<u8> = bytes.iter().rev().copied().collect();
        Ok([key.name(), &reversed].concat())
    }

    fn unpack(&self, key: &Key, stored: &[u8]) -> Option<Vec<u8>> {
        Some(stored.strip_prefix(key.name())?.iter().rev().copied().collect())
    }
}

fn reversed() -> (Arc<MemoryStore>, Layered<Arc<MemoryStore>, Reversed>) {
    let below = Arc::new(MemoryStore::new());
    (Arc::clone(&below), below.layer(Reversed))
}

#[test]
fn every_way_goes_through() {
    let (below, store) = reversed();
    put(&store, "a", b"Kimi");
    let puts = ["b", "c"].map(|name| (key(name), name.repeat(3)));
    let puts = puts.iter().map(|(key, text)| Put { key, bytes: text.as_bytes(), ttl: None });
    store.put_many(&puts.collect::<Vec<_>>()).unwrap();
    assert_eq!(get(&below, "a").unwrap(), b"aimiK");
    assert_eq!(get(&below, "b").unwrap(), b"bbbb");
    let found = store.get_many(&["b", "x", "a"].map(key)).unwrap();
    let found = found.into_iter().map(|stored| stored.map(|stored| stored.bytes.to_vec()));
    assert_eq!(found.collect::<Vec<_>>(), [Some(b"bbb".into()), None, Some(b"Kimi".into())]);
    store.delete_many(&["a", "b"].map(key)).unwrap();
    store.clear(&Namespace::new("layers")).unwrap();
    assert_eq!((get(&store, "a"), below.len(), store.damaged()), (None, 0, 0));
}

#[test]
fn what_is_damaged_counts_as_nothing_and_makes_room() {
    let (below, store) = reversed();
    let damage = || put(&below, "a", b"not made by the layer");
    damage();
    assert_eq!(get(&store, "a"), None);
    assert_eq!(store.get_many(&[key("a")]).unwrap(), [None]);
    assert_eq!(store.damaged(), 2);
    let absent = |text: &[u8]| store.put(&key("a"), text, None, Precondition::Absent).unwrap();
    assert!(absent(b"new").is_some(), "what cannot be read is in the way");
    assert_eq!(get(&store, "a").unwrap(), b"new");
    assert!(absent(b"newer").is_none());
    damage();
    assert!(store.delete(&key("a"), Precondition::Always).unwrap());
    assert!(below.is_empty());
}

#[test]
fn a_back_end_is_wrapped_in_one_call() {
    let below = Arc::new(MemoryStore::new());
    let locks = beaker::lock::LocalLocks::new();
    let backend = Backend::new(Arc::clone(&below), locks).wrap_store(|store| store.layer(Reversed));
    let cache = beaker::Cache::new(backend, "layers");
    cache.put("a", "Kimi".to_owned()).unwrap();
    assert_eq!(cache.get("a").unwrap().as_deref(), Some("Kimi"));
    assert!(get(&below, "a").unwrap().starts_with(b"a"));
}

#[test]
fn counted() {
    let clock = Arc::new(ManualClock::default());
    let store = MemoryStore::with_clock(clock.clone()).counted().with_clock(clock);
    put(&store, "a", b"Kimi");
    assert!(store.put(&key("a"), b"x", None, Precondition::Absent).unwrap().is_none());
    get(&store, "a");
    get(&store, "b");
    store.get_many(&["a", "b", "a"].map(key)).unwrap();
    let two = ["b", "c"].map(key);
    let puts = two.each_ref().map(|key| Put { key, bytes: b"123", ttl: None });
    store.put_many(&puts).unwrap();
    store.delete_many(&two).unwrap();
    store.delete(&key("a"), Precondition::Always).unwrap();
    assert_eq!(
        store.numbers().to_string(),
        "8 calls in 0.0ns, 0 errors: 5 gets, 3 hits, 12 bytes; 3 puts, 1 refused, 10 bytes; 3 deletes"
    );
    // Only where there are any.
    store.increment(&key("count"), 1, None).unwrap();
    assert!(store.increment(&key("count"), u64::MAX, None).is_err());
    let told = store.numbers().to_string();
    assert!(told.starts_with("10 calls") && told.ends_with("; 1 increments"), "{told}");
    let small =
        Backend::open("memory", &[("max_bytes", "2000")]).unwrap().store().clone().counted();
    let error = small.put(&key("a"), &[0; 10_000], None, Precondition::Always).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert_eq!((small.numbers().errors, small.numbers().puts), (1, 0));
}

#[cfg(feature = "layers")]
mod of_ours {
    use beaker::layer::{Compress, Encrypt};

    use super::*;

    const OLD: &str = "0123456789abcdef0123456789abcdef";
    const NEW: &str = "fedcba9876543210fedcba9876543210";

    fn on<T: Transform>(transform: T) -> (Arc<MemoryStore>, Layered<Arc<MemoryStore>, T>) {
        let below = Arc::new(MemoryStore::new());
        (Arc::clone(&below), below.layer(transform))
    }

    #[test]
    fn what_is_long_is_compressed() {
        let (below, store) = on(Compress::default().from_bytes(100).level(9));
        let length = |name| get(&below, name).unwrap().len();
        put(&store, "short", &[7; 99]);
        assert_eq!(length("short"), 100);
        put(&store, "long", &[7; 100_000]);
        assert!(length("long") < 300, "{}", length("long"));
        assert_eq!(get(&store, "long").unwrap(), [7; 100_000]);
        let mut random = 1_u64;
        let random: Vec<u8> = std::iter::repeat_with(|| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (random >> 56) as u8
        })
        .take(1000)
        .collect();
        put(&store, "random", &random);
        assert_eq!(length("random"), 1001, "it would have become longer");
        assert_eq!(get(&store, "random").unwrap(), random);
    }

    #[test]
    fn few_bytes_never_become_more_than_is_allowed() {
        let (below, generous) = on(Compress::default());
        put(&generous, "a", &[0; 10_000_000]);
        assert!(get(&below, "a").unwrap().len() < 20_000);
        let store = Arc::clone(&below).layer(Compress::default().at_most(1_000_000));
        assert_eq!((get(&store, "a"), store.damaged()), (None, 1));
        let error = store.put(&key("a"), &[0; 1_000_001], None, Precondition::Always).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
        put(&store, "a", &[0; 1_000_000]);
        assert_eq!(get(&store, "a").unwrap().len(), 1_000_000);
    }

    /// Every cut and every flipped bit. A few bits of zlib mean nothing.
    #[test]
    fn damage_is_found() {
        let compress = Compress::default().from_bytes(10);
        let encrypt = Encrypt::new([OLD]).unwrap();
        let value = b"Kimi Raikkonen, Kimi Raikkonen, Kimi Raikkonen";
        let layers: [&dyn Transform; 2] = [&compress, &encrypt];
        for layer in layers {
            let packed = layer.pack(&key("a"), value).unwrap();
            assert_eq!(layer.unpack(&key("a"), &packed).unwrap(), value);
            for length in 0..packed.len() {
                assert_eq!(layer.unpack(&key("a"), &packed[..length]), None, "cut at {length}");
            }
            assert_eq!(layer.unpack(&key("a"), b"left from before there was a layer"), None);
            for bit in 0..packed.len() * 8 {
                let mut damaged = packed.clone();
                damaged[bit / 8] ^= 1 << (bit % 8);
                let unpacked = layer.unpack(&key("a"), &damaged);
                assert!(unpacked.is_none_or(|bytes| bytes == value), "bit {bit} of {layer:?}");
            }
        }
    }

    #[test]
    fn a_value_fits_its_own_key_alone() {
        let (below, store) = on(Encrypt::new([OLD]).unwrap());
        put(&store, "a", b"Kimi");
        let packed = get(&below, "a").unwrap();
        assert_eq!(packed.len(), 4 + 41);
        assert!(!packed.windows(4).any(|part| part == b"Kimi"));
        put(&below, "b", &packed);
        assert_eq!(get(&store, "b"), None, "moved to another name");
        let elsewhere = Namespace::new("layersa").key("");
        below.put(&elsewhere, &packed, None, Precondition::Always).unwrap();
        assert_eq!(store.get(&elsewhere).unwrap(), None, "moved to another namespace");
        assert_eq!(store.damaged(), 2);
        put(&store, "a", b"Kimi");
        assert_ne!(get(&below, "a").unwrap(), packed, "the same value twice looks different");
    }

    #[test]
    fn keys_are_replaced() {
        let (below, old) = on(Encrypt::new([OLD]).unwrap());
        put(&old, "a", b"Kimi");
        let both = Arc::clone(&below).layer(Encrypt::new([NEW, OLD]).unwrap());
        assert_eq!(get(&both, "a").unwrap(), b"Kimi");
        let new = below.layer(Encrypt::new([NEW]).unwrap());
        assert_eq!(get(&new, "a"), None, "the key was dropped");
        put(&both, "a", b"Kimi");
        assert_eq!(get(&new, "a").unwrap(), b"Kimi", "written with the new one");
        assert_eq!(get(&old, "a"), None);
        for short in [vec!["short"], vec![]] {
            assert_eq!(Encrypt::new(short).unwrap_err().kind(), ErrorKind::Config);
        }
        assert!(!format!("{both:?}").contains(OLD));
    }

    #[test]
    fn a_cache_makes_anew_what_it_cannot_read_any_more() {
        let memory = Backend::memory();
        let with = |secret| {
            let layer = Encrypt::new([secret]).unwrap();
            let backend = memory.clone().wrap_store(|store| store.layer(layer));
            beaker::Cache::<u32>::new(backend, "points")
        };
        with(OLD).put("Kimi", 100).unwrap();
        let cache = with(NEW);
        assert_eq!(cache.get_or_create("Kimi", || 110_u32).unwrap(), 110);
        assert_eq!(cache.get("Kimi").unwrap(), Some(110), "it is kept");
        assert_eq!(cache.stats().unstored, 0);
    }

    #[test]
    fn sessions_live_in_layers() {
        let encrypt = Encrypt::new([NEW]).unwrap();
        let backend = Backend::memory();
        let layered = |store: Arc<dyn Store>| store.layer(encrypt).layer(Compress::default());
        let sessions = beaker::Sessions::new(backend.clone().wrap_store(layered));
        let mut session = sessions.create();
        session.set("Suomi", "Kimi");
        session.save().unwrap();
        let opened = sessions.open(session.id()).unwrap();
        assert_eq!(opened.require("Suomi").unwrap().as_str(), Some("Kimi"));
        assert!(beaker::Sessions::new(backend).open(session.id()).is_err(), "it is encrypted");
    }

    #[cfg(feature = "conformance")]
    mod conformance {
        use beaker::store::FileStore;
        use beaker::store::conformance::{Subject, check};

        use super::*;

        #[test]
        fn of_the_transforms() {
            let transforms: [&dyn Transform; 4] = [
                &Reversed,
                &Compress::default(),
                &Compress::default().from_bytes(0),
                &Encrypt::new([NEW, OLD]).unwrap(),
            ];
            transforms.into_iter().for_each(beaker::layer::conformance::check);
        }

        /// Over a store in memory and one in files.
        fn over_each<S: Store>(wrap: impl Fn(Arc<dyn Store>) -> S) {
            let clock = Arc::new(ManualClock::default());
            let folder = tempfile::tempdir().unwrap();
            let file = FileStore::open(folder.path()).unwrap().with_clock(clock.clone());
            let memory = MemoryStore::with_clock(clock.clone());
            for store in [Arc::new(memory) as Arc<dyn Store>, Arc::new(file)] {
                let blocks = store.blocks();
                let store = wrap(store);
                check(&Subject::new(&store, |time: std::time::Duration| clock.advance(time)));
                assert_eq!((store.damaged(), store.blocks()), (0, blocks));
            }
        }

        #[test]
        fn counting() {
            over_each(beaker::layer::Layers::counted);
        }

        #[test]
        fn own() {
            over_each(|store| store.layer(Reversed));
        }

        #[test]
        fn compress() {
            over_each(|store| store.layer(Compress::default().from_bytes(1).level(1)));
        }

        #[test]
        fn encrypt() {
            over_each(|store| store.layer(Encrypt::new([NEW, OLD]).unwrap()));
        }

        #[test]
        fn all_of_them() {
            let encrypt = Encrypt::new([NEW]).unwrap();
            over_each(|store| {
                store.layer(encrypt.clone()).layer(Compress::default().level(1)).counted()
            });
        }
    }
}

#[cfg(feature = "tokio")]
mod for_tasks {
    use super::*;
    use beaker::AsyncBackend;
    use beaker::layer::Counting;
    use beaker::store::{AsyncStore, OnThreads};

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
    }

    #[cfg(feature = "conformance")]
    #[test]
    fn the_contract() {
        use beaker::store::conformance::{Subject, check};
        let (clock, runtime) = (Arc::new(ManualClock::default()), runtime());
        let below = MemoryStore::with_clock(clock.clone());
        let store = Counting::new(Layered::new(OnThreads::new(below), Reversed));
        type Flow<'a> = std::pin::Pin<Box<dyn Future<Output = ()> + Send + 'a>>;
        let block_on = |flow: Flow<'_>| runtime.block_on(flow);
        check(&Subject::of_async(&store, block_on, |time| clock.advance(time)));
        assert!(store.numbers().calls > 100);
    }

    #[test]
    fn they_do_what_those_of_threads_do() {
        let below = Arc::new(MemoryStore::new());
        let counting = Counting::new(Layered::new(OnThreads::new(Arc::clone(&below)), Reversed));
        let store: Arc<dyn AsyncStore> = Arc::new(counting);
        let blocking = Arc::clone(&below).layer(Reversed);
        runtime().block_on(async {
            let name = key("a");
            store.put(&name, b"Kimi", None, Precondition::Absent).await.unwrap().unwrap();
            assert_eq!(get(&below, "a").unwrap(), b"aimiK");
            assert_eq!(get(&blocking, "a").unwrap(), b"Kimi");
            put(&below, "a", b"damaged");
            assert_eq!(store.get(&name).await.unwrap(), None);
            assert_eq!(store.damaged(), 1);
            store.put(&name, b"Kimi", None, Precondition::Absent).await.unwrap().unwrap();
            let keys = [name, key("b")];
            let puts = keys.each_ref().map(|key| Put { key, bytes: b"both", ttl: None });
            store.put_many(&puts).await.unwrap();
            let found = store.get_many(&keys).await.unwrap();
            assert!(found.iter().all(|found| *found.as_ref().unwrap().bytes == *b"both"));
            store.delete_many(&keys).await.unwrap();
            assert!(below.is_empty());
        });
    }

    #[test]
    fn a_back_end_is_wrapped_with_its_limits() {
        let folder = tempfile::tempdir().unwrap();
        let store = beaker::store::FileStore::open(folder.path()).unwrap();
        let backend = Backend::new(store, beaker::lock::LocalLocks::new());
        let backend = AsyncBackend::from(backend).max_in_flight(3);
        let backend = backend.wrap_store(|store| Layered::new(store, Reversed));
        runtime().block_on(backend.ping()).unwrap();
        let shown = format!("{:?}", backend.clone().max_in_flight(9));
        assert!(shown.contains("Layered") && shown.contains("max_in_flight: 3"), "{shown}");
        assert_eq!((backend.queued(), backend.in_flight()), (0, 0));
    }
}
