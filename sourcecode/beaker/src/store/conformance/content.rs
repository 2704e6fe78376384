//! Promises 1 to 3 and 7 to 9: what is stored, for how long, under which keys.

use std::thread;
use std::time::Duration;

use super::{Subject, key};
use crate::key::{Key, Namespace};
use crate::store::Precondition;

pub(super) fn a_put_is_seen(subject: &Subject<'_>) {
    let key = key("seen");
    subject.put(&key, b"one");
    assert_eq!(subject.get(&key).as_deref(), Some(b"one".as_slice()));
    subject.put(&key, b"two");
    thread::scope(|scope| {
        let other = scope.spawn(|| subject.get(&key));
        assert_eq!(other.join().expect("no panic").as_deref(), Some(b"two".as_slice()));
    });
}

pub(super) fn missing_and_expired(subject: &Subject<'_>) {
    assert_eq!(subject.get(&key("never put")), None);
    let put = |name: &str, ms| {
        let ttl = Some(Duration::from_millis(ms));
        subject
            .store
            .put(&key(name), b"x", ttl, Precondition::Always)
            .expect("put")
            .expect("written");
    };
    put("short", 300);
    put("long", 60_000);
    assert!(subject.get(&key("short")).is_some(), "gone before its time");
    (subject.pass)(Duration::from_millis(400));
    assert_eq!(subject.get(&key("short")), None, "still there after its time");
    assert!(subject.get(&key("long")).is_some(), "gone before its time");
    assert!(
        !subject.store.delete(&key("short"), Precondition::Always).expect("delete"),
        "it had expired"
    );
    put("short", 300);
    (subject.pass)(Duration::from_millis(400));
    let written = subject.put_when(&key("short"), b"new", Precondition::Absent);
    assert!(written.is_some(), "what has expired is in the way");
    assert_eq!(subject.get(&key("short")).as_deref(), Some(b"new".as_slice()));
}

pub(super) fn versions_differ(subject: &Subject<'_>) {
    let key = key("versions");
    let first = subject.put(&key, b"same");
    let second = subject.put(&key, b"same");
    assert_ne!(first, second);
    let stored = subject.store.get(&key).expect("get").expect("it is there");
    assert_eq!(stored.version, second);
}

pub(super) fn clear(subject: &Subject<'_>) {
    let long = "x".repeat(5000);
    let names = ["", "a", "ab", "a*", "a:b", "a b", "A", "Кэш", "..", "a/b", "%2a", long.as_str()];
    let keys: Vec<Key> = names.iter().map(|name| Namespace::new(name).key("k")).collect();
    for (number, name) in names.iter().enumerate() {
        for key in &keys {
            subject.put(key, b"x");
        }
        subject.store.clear(&Namespace::new(name)).expect("clear");
        for (other, key) in keys.iter().enumerate() {
            assert_eq!(
                subject.get(key).is_none(),
                other == number,
                "clearing {name:?} and {key:?}"
            );
        }
        subject.store.clear(&Namespace::new(name)).expect("clear again");
    }
}

pub(super) fn clear_wins(subject: &Subject<'_>) {
    let key = Namespace::new("cleared").key("k");
    let version = subject.put(&key, b"x");
    subject.store.clear(key.namespace()).expect("clear");
    assert!(subject.put_when(&key, b"y", Precondition::Unchanged(version)).is_none());
    assert_eq!(subject.get(&key), None);
    assert!(!subject.store.delete(&key, Precondition::Always).expect("delete"));
    assert!(subject.put_when(&key, b"z", Precondition::Absent).is_some());
    assert_eq!(subject.get(&key).as_deref(), Some(b"z".as_slice()));
}

pub(super) fn keys(subject: &Subject<'_>) {
    let long = vec![b'k'; 5000];
    let longer = vec![b'k'; 5001];
    let names: &[&[u8]] = &[
        b"",
        b" ",
        b"a",
        b"A",
        b"a b",
        b"a:b",
        b"a/b",
        b"..",
        b"../../a",
        b"a\0b",
        b"a\r\nb",
        b"*",
        b"%",
        b"%20",
        b"~",
        "España".as_bytes(),
        &[0xff, 0xfe],
        &long,
        &longer,
    ];
    let namespaces = ["keys", "keys:a", ""];
    let all = || namespaces.iter().flat_map(|ns| names.iter().map(|n| Namespace::new(ns).key(*n)));
    for (number, key) in all().enumerate() {
        subject.put(&key, number.to_string().as_bytes());
    }
    for (number, key) in all().enumerate() {
        assert_eq!(subject.get(&key), Some(number.to_string().into_bytes()), "{key:?}");
    }
}

pub(super) fn sizes(subject: &Subject<'_>) {
    for size in [0, 1, 4096, 65_537, 900_000] {
        let (key, value) = (key("size"), vec![0xa5; size]);
        subject.put(&key, &value);
        assert!(subject.get(&key) == Some(value), "{size} bytes");
    }
}

pub(super) fn long_times_to_live(subject: &Subject<'_>) {
    const DAY: u64 = 24 * 3600;
    for days in [1, 30, 31, 400, 100_000] {
        let key = key(&format!("{days} days"));
        let ttl = Some(Duration::from_secs(days * DAY));
        subject.store.put(&key, b"x", ttl, Precondition::Always).expect("put").expect("written");
        assert!(subject.get(&key).is_some(), "{days} days");
    }
    let key = key("as long as can be");
    subject.store.put(&key, b"x", Some(Duration::MAX), Precondition::Always).expect("put");
    assert!(subject.get(&key).is_some());
}

pub(super) fn sweep(subject: &Subject<'_>) {
    let keys = |kind: &str| (0..30).map(|n| key(&format!("sweep {kind} {n}"))).collect::<Vec<_>>();
    let (short, long, forever) = (keys("short"), keys("long"), keys("forever"));
    let put = |keys: &[Key], ttl| {
        for key in keys {
            subject.store.put(key, b"x", ttl, Precondition::Always).expect("put").expect("written");
        }
    };
    put(&short, Some(Duration::from_millis(300)));
    put(&long, Some(Duration::from_secs(3600)));
    put(&forever, None);
    (subject.pass)(Duration::from_millis(400));
    put(&short[..1], None);
    let mut steps = 0;
    while !subject.store.sweep(10).expect("sweep").is_done {
        steps += 1;
        assert!(steps < 100_000, "it never ends");
    }
    let lives = |key: &Key| subject.get(key).is_some();
    assert!(lives(&short[0]), "it was written anew");
    assert!(!short[1..].iter().any(lives));
    assert!(long.iter().chain(&forever).all(lives), "something that lives was removed");
}
