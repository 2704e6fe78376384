//! The cases of the suite, in the order of the promises.

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::{Subject, key};
use crate::key::{Key, Namespace};
use crate::store::{Precondition, Version};

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

pub(super) fn absent(subject: &Subject<'_>) {
    let key = key("absent");
    assert!(subject.put_when(&key, b"first", Precondition::Absent).is_some());
    assert!(subject.put_when(&key, b"second", Precondition::Absent).is_none());
    assert_eq!(subject.get(&key).as_deref(), Some(b"first".as_slice()));
    assert!(!subject.store.delete(&key, Precondition::Absent).expect("delete"));
    subject.store.delete(&key, Precondition::Always).expect("delete");
    assert!(subject.put_when(&key, b"third", Precondition::Absent).is_some());
}

pub(super) fn unchanged(subject: &Subject<'_>) {
    let key = key("unchanged");
    let nothing = Version::new(u64::MAX - 1);
    assert!(subject.put_when(&key, b"x", Precondition::Unchanged(nothing)).is_none());
    let first = subject.put(&key, b"first");
    let second =
        subject.put_when(&key, b"second", Precondition::Unchanged(first)).expect("unchanged");
    assert!(subject.put_when(&key, b"third", Precondition::Unchanged(first)).is_none());
    assert!(!subject.store.delete(&key, Precondition::Unchanged(first)).expect("delete"));
    assert_eq!(subject.get(&key).as_deref(), Some(b"second".as_slice()));
    assert!(subject.store.delete(&key, Precondition::Unchanged(second)).expect("delete"));
    assert_eq!(subject.get(&key), None);
    assert!(subject.put_when(&key, b"fourth", Precondition::Unchanged(second)).is_none());
}

pub(super) fn unchanged_and_expired(subject: &Subject<'_>) {
    let key = key("unchanged and expired");
    let ttl = Some(Duration::from_millis(300));
    let put = |when| subject.store.put(&key, b"x", ttl, when).expect("put");
    let version = put(Precondition::Always).expect("written");
    let version = put(Precondition::Unchanged(version)).expect("it lives");
    (subject.pass)(Duration::from_millis(400));
    assert!(put(Precondition::Unchanged(version)).is_none(), "it had expired");
    assert_eq!(subject.get(&key), None);
    assert!(!subject.store.delete(&key, Precondition::Unchanged(version)).expect("delete"));
    assert!(put(Precondition::Absent).is_some());
}

pub(super) fn absent_at_once(subject: &Subject<'_>) {
    for round in 0..20 {
        let key = key(&format!("absent at once {round}"));
        one_of_16(|name| subject.put_when(&key, name, Precondition::Absent).is_some());
    }
}

pub(super) fn unchanged_at_once(subject: &Subject<'_>) {
    let key = key("unchanged at once");
    for _ in 0..20 {
        let version = subject.put(&key, b"before");
        one_of_16(|name| subject.put_when(&key, name, Precondition::Unchanged(version)).is_some());
    }
}

fn one_of_16(write: impl Fn(&[u8]) -> bool + Sync) {
    let (start, written) = (Barrier::new(16), AtomicUsize::new(0));
    thread::scope(|scope| {
        for number in 0..16_u8 {
            let (start, written, write) = (&start, &written, &write);
            scope.spawn(move || {
                start.wait();
                written.fetch_add(usize::from(write(&[number])), Ordering::Relaxed);
            });
        }
    });
    assert_eq!(written.into_inner(), 1, "of 16 at once");
}

pub(super) fn delete(subject: &Subject<'_>) {
    let key = key("delete");
    subject.put(&key, b"x");
    assert!(subject.store.delete(&key, Precondition::Always).expect("delete"));
    assert_eq!(subject.get(&key), None);
    assert!(!subject.store.delete(&key, Precondition::Always).expect("delete"));
}

pub(super) fn in_order(subject: &Subject<'_>) {
    let key = |namespace: &str, name: &str| Namespace::new(namespace).key(name);
    let (a, b, other) = (key("batch", "a"), key("batch", "b"), key("batch 2", "a"));
    let missing = key("batch", "never put");
    subject.put_many(
        &[
            (a.clone(), b"first".to_vec()),
            (other.clone(), b"other".to_vec()),
            (b.clone(), Vec::new()),
            (a.clone(), b"last".to_vec()),
        ],
        None,
    );
    let keys = [b.clone(), missing.clone(), a.clone(), other.clone(), a.clone()];
    let some = |text: &str| Some(text.as_bytes().to_vec());
    let expected = [some(""), None, some("last"), some("other"), some("last")];
    assert_eq!(subject.get_many(&keys), expected);
    assert_eq!(subject.get(&a), some("last"), "get sees it too");
    let stored = subject.store.get_many(&keys).expect("get_many");
    let single = subject.store.get(&a).expect("get");
    assert_eq!(stored[2], single, "of one version");

    subject.store.delete_many(&[a.clone(), missing, b.clone()]).expect("delete_many");
    assert_eq!(subject.get_many(&[a.clone(), b, other.clone()]), [None, None, some("other")]);

    subject.put_many(&[(a.clone(), b"x".to_vec())], Some(Duration::from_millis(300)));
    assert_eq!(subject.get_many(std::slice::from_ref(&a)), [some("x")]);
    (subject.pass)(Duration::from_millis(400));
    assert_eq!(subject.get_many(std::slice::from_ref(&a)), [None], "there after its time");
    subject.store.clear(other.namespace()).expect("clear");
    assert_eq!(subject.get_many(&[other]), [None]);
}

pub(super) fn large_and_empty(subject: &Subject<'_>) {
    subject.put_many(&[], None);
    assert!(subject.get_many(&[]).is_empty());
    subject.store.delete_many(&[]).expect("delete_many");

    let keys: Vec<Key> =
        (0..1100).map(|number| Namespace::new("batches").key(number.to_string())).collect();
    let value = |number: usize| number.to_string().into_bytes();
    let all: Vec<_> = keys.iter().cloned().enumerate().map(|(n, key)| (key, value(n))).collect();
    subject.put_many(&all, None);
    let found = subject.get_many(&keys);
    assert!(found.into_iter().enumerate().all(|(n, bytes)| bytes == Some(value(n))));
    subject.store.delete_many(&keys[1..]).expect("delete_many");
    let left: Vec<_> = subject.get_many(&keys).into_iter().flatten().collect();
    assert_eq!(left, [value(0)]);
}
