//! Keys of any type, over every kind of storage, for threads and for tasks.

use std::net::Ipv4Addr;
use std::sync::Arc;

use beaker::Error;
use beaker::cache::{ArgumentKey, KeyPart};

use crate::any_cache::AnyCache;
use crate::caches::each;

fn puts(cache: &AnyCache<String>, key: impl KeyPart, value: &str) {
    cache.put(&key, value.to_owned()).unwrap();
}

fn has(cache: &AnyCache<String>, key: impl KeyPart) -> Option<String> {
    cache.get(key).unwrap()
}

#[test]
fn what_looks_alike_is_not_one_key() {
    each(|cache, _| {
        puts(&cache, "7", "text");
        puts(&cache, 7_u32, "u32");
        puts(&cache, 7_i64, "i64");
        puts(&cache, ("7",), "tuple");
        puts(&cache, ("a b", "c"), "a b, c");
        puts(&cache, ("a", "b c"), "a, b c");
        puts(&cache, Some(7_u32), "some");
        puts(&cache, Ipv4Addr::LOCALHOST, "localhost");
        puts(&cache, "", "nothing");
        for (found, wanted) in [
            (has(&cache, "7"), "text"),
            (has(&cache, 7_u32), "u32"),
            (has(&cache, 7_i64), "i64"),
            (has(&cache, ("7",)), "tuple"),
            (has(&cache, ("a b", "c")), "a b, c"),
            (has(&cache, ("a", "b c")), "a, b c"),
            (has(&cache, Some(7_u32)), "some"),
            (has(&cache, [127, 0, 0, 1]), ""),
            (has(&cache, Ipv4Addr::LOCALHOST), "localhost"),
            (has(&cache, ""), "nothing"),
        ] {
            assert_eq!(found.unwrap_or_default(), wanted);
        }
        assert_eq!(has(&cache, 7_u16), None);
    });
}

#[test]
fn borrowed_and_owned_are_one_key() {
    each(|cache, _| {
        puts(&cache, "Kimi", "1");
        for found in [
            has(&cache, "Kimi".to_owned()),
            has(&cache, Arc::<str>::from("Kimi")),
            has(&cache, b"Kimi"),
            has(&cache, b"Kimi".to_vec()),
            has(&cache, Box::<str>::from("Kimi")),
            has(&cache, ArgumentKey::from(&b"Kimi"[..])),
        ] {
            assert_eq!(found.as_deref(), Some("1"));
        }
        puts(&cache, ("Kimi".to_owned(), vec![1_u8]), "2");
        assert_eq!(has(&cache, ("Kimi", &[1_u8][..])).as_deref(), Some("2"));
    });
}

/// A long key is on the heap, and one of more than 250 bytes is shortened by some stores.
#[test]
fn long_keys_are_keys() {
    each(|cache, _| {
        let long = "x".repeat(1000);
        puts(&cache, (long.as_str(), 1_u8), "1");
        puts(&cache, (long.as_str(), 2_u8), "2");
        assert_eq!(has(&cache, (long.clone(), 1_u8)).as_deref(), Some("1"));
        assert!(cache.remove((long.as_str(), 1_u8)).unwrap());
        assert_eq!(has(&cache, (&long, 1_u8)), None);
        assert_eq!(has(&cache, (&long, 2_u8)).as_deref(), Some("2"));
    });
}

#[test]
fn every_operation_takes_them() {
    each(|cache, _| {
        let key = ("season", 2007_u16);
        assert_eq!(cache.get_or_create(key, || "1".to_owned()).unwrap(), "1");
        assert!(cache.contains(key).unwrap() && cache.peek(key).unwrap().is_some());
        let never = || -> Result<String, Error> { unreachable!("it is there") };
        assert_eq!(cache.try_get_or_create(key, never).unwrap(), "1");
        assert_eq!(cache.get_or_refresh(key, never).unwrap(), "1");
        assert_eq!(cache.get_many(&[key, ("season", 2008)]).unwrap(), [Some("1".to_owned()), None]);
        assert_eq!(cache.take(key).unwrap().as_deref(), Some("1"));
        assert!(!cache.remove(key).unwrap());
    });
}
