//! Promises 4 to 6: conditions, races, removal.

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::{Subject, key};
use crate::store::{Precondition, Version};

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
