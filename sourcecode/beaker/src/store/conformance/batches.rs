//! Promise 12: many keys at once.

use std::time::Duration;

use super::Subject;
use crate::key::{Key, Namespace};

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
