//! What the stores of Rails' cache are tested for, over every kind of storage and in both worlds.

use std::time::Duration;

use beaker::cache::{Cache, CacheEntry, OnStoreFailure};
use beaker::lock::LocalLocks;
use beaker::store::NullStore;
use beaker::{Backend, Error, ErrorKind, Value};

use crate::any_cache::{AnyCache, WORLDS};
use crate::cache_bypass::Server;
use crate::caches::{SECOND, each, failing, never};

#[test]
fn what_was_written_is_read_and_may_be_overwritten() {
    each(|cache, _| {
        cache.put("foo", "bar".to_owned()).unwrap();
        cache.put("foo", "baz".to_owned()).unwrap();
        assert_eq!(cache.get("foo").unwrap().as_deref(), Some("baz"));
    });
}

#[test]
fn a_hit_does_not_call_the_loader() {
    each(|cache, _| {
        cache.put("foo", "bar".to_owned()).unwrap();
        assert_eq!(cache.get_or_create("foo", never).unwrap(), "bar");
        assert_eq!(cache.get_or_create("fu", || "baz".to_owned()).unwrap(), "baz");
        assert_eq!(cache.get("fu").unwrap().as_deref(), Some("baz"));
    });
}

/// There is no flag on a read that forces a new value: the program says that it has one.
#[test]
fn a_new_value_is_forced_by_putting_it() {
    each(|cache, _| {
        cache.put("foo", "bar".to_owned()).unwrap();
        cache.remove("foo").unwrap();
        assert_eq!(cache.get_or_create("foo", || "foo_bar".to_owned()).unwrap(), "foo_bar");
        assert_eq!(cache.get("foo").unwrap().as_deref(), Some("foo_bar"));
    });
}

#[test]
fn nothing_and_false_are_values() {
    let nothing: Cache<Option<u8>> = Cache::new(Backend::memory(), "nothing");
    nothing.put("foo", None).unwrap();
    assert!(nothing.contains("foo").unwrap());
    assert_eq!(nothing.get_or_create("foo", || Some(1)).unwrap(), None);
    let truth: Cache<bool> = Cache::new(Backend::memory(), "truth");
    truth.put("foo", false).unwrap();
    assert!(!truth.get_or_create("foo", || true).unwrap());
}

#[test]
fn what_the_loader_does_not_want_kept_is_not() {
    each(|cache, _| {
        let made = cache.get_or_create("foo", || CacheEntry::new(String::new()).not_kept());
        assert_eq!(made.unwrap(), "");
        assert!(!cache.contains("foo").unwrap());
    });
}

#[test]
fn values_of_many_kinds_come_back() {
    let cache: Cache<Value> = Cache::new(Backend::memory(), "kinds");
    let map = Value::Map([("a".to_owned(), Value::from("b"))].into());
    for value in
        [map, 1.into(), Value::Null, false.into(), "bar".into(), Value::from([Value::from(1)])]
    {
        cache.put("foo", value.clone()).unwrap();
        assert_eq!(cache.get("foo").unwrap(), Some(value));
    }
}

#[test]
fn many_are_read_at_once_but_those_that_have_expired() {
    each(|cache, clock| {
        cache.put("foo", "bar".to_owned()).unwrap();
        cache.put("fu", CacheEntry::new("baz".to_owned()).ttl(60 * SECOND)).unwrap();
        cache.put("fud", "biz".to_owned()).unwrap();
        let read = || cache.get_many(&["foo", "fu"]).unwrap();
        assert_eq!(read(), [Some("bar".to_owned()), Some("baz".to_owned())]);
        clock.advance(11 * SECOND);
        assert_eq!(read(), [None, Some("baz".to_owned())]);
        assert!(cache.get_many::<&str>(&[]).unwrap().is_empty());
    });
}

#[test]
fn of_many_only_what_is_missing_is_made_and_the_order_stays() {
    each(|cache, _| {
        cache.put("foo", "bar".to_owned()).unwrap();
        cache.put("fud", "biz".to_owned()).unwrap();
        let twice = |keys: &[&&str]| {
            let text = keys.iter().map(|key| key.repeat(2));
            Ok::<_, Error>(text.collect::<Vec<_>>())
        };
        let values = cache.try_get_or_create_many(&["foo", "fu", "fud"], twice).unwrap();
        assert_eq!(values, ["bar", "fufu", "biz"]);
        assert_eq!(cache.get("fu").unwrap().as_deref(), Some("fufu"));
    });
}

#[test]
fn keys_differ_by_case_and_may_have_any_characters() {
    each(|cache, _| {
        cache.put("foo", "bar".to_owned()).unwrap();
        assert_eq!(cache.get("FOO").unwrap(), None);
        let odd = ["#/:*(<+=> )&$%@?;'\"'`~-", "", " ", "a\r\nb\0", "é\u{1F36A}", "..", "foo "];
        for (at, key) in odd.iter().enumerate() {
            cache.put(key, at.to_string()).unwrap();
        }
        for (at, key) in odd.iter().enumerate() {
            assert_eq!(cache.get(key).unwrap(), Some(at.to_string()), "{key:?}");
            assert!(cache.remove(key).unwrap());
        }
        assert_eq!(cache.get("foo").unwrap().as_deref(), Some("bar"));
        cache.put([0xff, 0xfe], "no text".to_owned()).unwrap();
        assert!(cache.contains([0xff, 0xfe]).unwrap());
    });
}

#[test]
fn very_long_keys_differ_to_the_last_byte() {
    each(|cache, _| {
        let key = "x".repeat(2048);
        let longer = format!("{key}x");
        cache.put(&key, "bar".to_owned()).unwrap();
        assert_eq!(cache.get(&longer).unwrap(), None);
        assert_eq!(cache.get_or_create(&key, never).unwrap(), "bar");
        assert_eq!(cache.get_many(&[&key, &longer]).unwrap(), [Some("bar".to_owned()), None]);
        assert!(!cache.remove(&longer).unwrap() && cache.remove(&key).unwrap());
    });
}

#[test]
fn a_removal_says_whether_there_was_anything() {
    each(|cache, _| {
        cache.put("foo", "bar".to_owned()).unwrap();
        assert!(cache.contains("foo").unwrap() && !cache.contains("bar").unwrap());
        assert!(cache.remove("foo").unwrap());
        assert!(!cache.contains("foo").unwrap() && !cache.remove("foo").unwrap());
    });
}

#[test]
fn each_value_expires_at_its_own_time() {
    each(|cache, clock| {
        cache.put("foo", CacheEntry::new("bar".to_owned()).ttl(60 * SECOND)).unwrap();
        cache.put("egg", CacheEntry::new("spam".to_owned()).ttl(120 * SECOND)).unwrap();
        let is_there = || ["foo", "egg"].map(|key| cache.contains(key).unwrap());
        clock.advance(30 * SECOND);
        assert_eq!(is_there(), [true, true]);
        clock.advance(31 * SECOND);
        assert_eq!(is_there(), [false, true]);
        clock.advance(60 * SECOND);
        assert_eq!(is_there(), [false, false]);
    });
}

/// `race_condition_ttl` is [`Cache::stale_for`].
#[test]
fn while_one_makes_a_new_value_the_others_get_the_old_one() {
    each(|cache, clock| {
        let cache = cache.stale_for(10 * SECOND);
        cache.put("foo", "bar".to_owned()).unwrap();
        clock.advance(11 * SECOND);
        let inside = cache.clone();
        let made = cache.get_or_create("foo", move || {
            std::thread::scope(|scope| {
                let other = scope.spawn(|| inside.get_or_create("foo", never).unwrap());
                assert_eq!(other.join().unwrap(), "bar");
            });
            "baz".to_owned()
        });
        assert_eq!(made.unwrap(), "baz");
    });
}

#[test]
fn an_old_value_is_given_for_its_time_and_not_longer() {
    each(|cache, clock| {
        let cache = cache.stale_for(10 * SECOND);
        cache.put("foo", "bar".to_owned()).unwrap();
        clock.advance(21 * SECOND);
        assert_eq!(cache.peek("foo").unwrap(), None);
        let error = cache.try_get_or_create("foo", failing).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Application);
    });
}

/// Rails raises the loader's error to the one who called it; ours gives the old value to that one too,
/// unless it is told not to.
#[test]
fn a_loader_that_fails_does_not_take_the_old_value_away() {
    each(|cache, clock| {
        let cache = cache.stale_for(10 * SECOND);
        cache.put("foo", "bar".to_owned()).unwrap();
        clock.advance(11 * SECOND);
        assert_eq!(cache.try_get_or_create("foo", failing).unwrap(), "bar");
        let strict = cache.clone().stale_on_failure(false);
        clock.advance(SECOND);
        assert!(strict.try_get_or_create("foo", failing).is_err());
        assert_eq!(cache.peek("foo").unwrap().unwrap().0, "bar");
        clock.advance(10 * SECOND);
        assert_eq!(cache.peek("foo").unwrap(), None);
    });
}

#[test]
fn what_a_program_does_with_its_value_is_its_own_affair() {
    let cache: Cache<Vec<u8>> = Cache::in_memory(10);
    let mut own = vec![1];
    cache.put("foo", own.clone()).unwrap();
    own.push(2);
    let mut read = cache.get("foo").unwrap().unwrap();
    read.push(3);
    assert_eq!(cache.get("foo").unwrap(), Some(vec![1]));
}

#[test]
fn caches_of_other_names_are_not_touched() {
    for &world in WORLDS {
        let backend = Backend::memory();
        let open = |name| AnyCache::<String>::new(world, backend.clone(), name);
        let (one, other, longer) = (open("tester"), open("foo"), open("tester2"));
        for cache in [&one, &other, &longer] {
            cache.put("foo", "bar".to_owned()).unwrap();
        }
        one.clear().unwrap();
        assert!(!one.contains("foo").unwrap());
        assert!(other.contains("foo").unwrap() && longer.contains("foo").unwrap());
        assert!(open("foo").contains("foo").unwrap(), "the same name has the same values");
    }
}

/// Rails' stores never raise: a server that is down is a miss, and a write into nothing. Ours says so, unless
/// the program asks for the other.
#[test]
fn a_store_that_is_down_is_an_error_or_a_miss_as_the_program_says() {
    for &world in WORLDS {
        let server = Server::default();
        let strict = AnyCache::<String>::new(world, server.backend(), "cache");
        let lenient = strict.clone().on_store_failure(OnStoreFailure::Bypass);
        strict.put("foo", "bar".to_owned()).unwrap();
        server.stop(true);
        assert_eq!(strict.get("foo").unwrap_err().kind(), ErrorKind::Unavailable);
        assert!(strict.try_get_or_create("foo", || Ok::<_, Error>("new".to_owned())).is_err());
        assert_eq!(lenient.get("foo").unwrap(), None);
        assert_eq!(lenient.get_or_create("foo", || "new".to_owned()).unwrap(), "new");
        server.stop(false);
        assert_eq!(lenient.get("foo").unwrap().as_deref(), Some("bar"));
    }
}

#[test]
fn a_store_of_nothing_keeps_nothing() {
    for &world in WORLDS {
        let null = Backend::new(NullStore, LocalLocks::new());
        let cache = AnyCache::<String>::new(world, null, "cache");
        cache.put("name", "value".to_owned()).unwrap();
        assert_eq!(cache.get("name").unwrap(), None);
        assert!(!cache.contains("name").unwrap() && !cache.remove("name").unwrap());
        cache.clear().unwrap();
        assert_eq!(cache.get_or_create("name", || "made".to_owned()).unwrap(), "made");
    }
}

#[test]
fn hits_and_misses_are_counted() {
    each(|cache, _| {
        cache.get("foo").unwrap();
        cache.put("foo", "bar".to_owned()).unwrap();
        cache.get_or_create("foo", never).unwrap();
        let stats = cache.stats();
        assert_eq!((stats.hits, stats.misses, stats.creations), (1, 1, 0), "{stats}");
    });
}

/// `LocalCache`, which remembers reads for one request, is [`Cache::local_tier`]: for a time.
#[test]
fn a_local_copy_is_read_for_its_time_and_follows_own_writes() {
    for &world in WORLDS {
        let clock = std::sync::Arc::new(beaker::ManualClock::default());
        let far = AnyCache::<String>::new(world, Backend::memory(), "cache").clock(clock.clone());
        let near = far.clone().local_tier(10, SECOND);
        near.put("foo", "bar".to_owned()).unwrap();
        far.put("foo", "baz".to_owned()).unwrap();
        assert_eq!(near.get("foo").unwrap().as_deref(), Some("bar"));
        clock.advance(SECOND + Duration::from_micros(1));
        assert_eq!(near.get("foo").unwrap().as_deref(), Some("baz"));
        near.put("foo", "own".to_owned()).unwrap();
        assert_eq!(near.get("foo").unwrap().as_deref(), Some("own"));
        near.remove("foo").unwrap();
        assert_eq!(near.get("foo").unwrap(), None);
    }
}

#[cfg(feature = "layers")]
#[test]
fn what_is_long_and_can_be_packed_is_packed() {
    use beaker::key::Namespace;
    use beaker::layer::{Compress, Transform};

    let key = Namespace::new("n").key("k");
    let packed = |bytes: &[u8], compress: Compress| compress.pack(&key, bytes).unwrap().len();
    let (small, large) = ([b'0'; 100], [b'0'; 2048]);
    assert!(packed(&small, Compress::default()) >= 100);
    assert!(packed(&small, Compress::default().from_bytes(1)) < 50);
    assert!(packed(&large, Compress::default()) < 100);
    assert!(packed(&large, Compress::default().from_bytes(1 << 20)) >= 2048);
    // What cannot be packed is kept as it is, with a mark before it.
    let noise = beaker::Signer::random().unwrap();
    let noise: String = (0..40).map(|at| noise.sign("noise", &at.to_string())).collect();
    let noise = noise.into_bytes();
    let kept = packed(&noise, Compress::default().from_bytes(1));
    assert!(kept <= noise.len() + 8, "{kept} of {}", noise.len());
}
