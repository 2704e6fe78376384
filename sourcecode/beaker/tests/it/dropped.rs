//! Futures that are dropped after each of their polls: a write is done or not, and never half, and the
//! store goes on.

use std::future::poll_fn;
use std::task::Poll;

use beaker::key::{Key, Namespace};
use beaker::store::{AsyncStore, Precondition, Put, StoreFuture};

/// Polls a future so many times, each time when it was woken, and drops it. Returns whether it ended.
async fn poll_times<T>(mut future: StoreFuture<'_, T>, times: usize) -> bool {
    let mut left = times;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(false);
        }
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(done.map(|_| true).expect("the server is well")),
            Poll::Pending if left == 0 => Poll::Ready(false),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// An operation on two keys, dropped.
type Act = for<'a> fn(&'a dyn AsyncStore, &'a [Key; 2], usize) -> StoreFuture<'a, bool>;

/// What it leaves under the first key, besides what was there: `None` for nothing.
type Leaves = Option<&'static [u8]>;

const ACTS: [(&str, Act, Leaves); 10] = [
    (
        "get",
        |store, [key, _], times| {
            Box::pin(async move { Ok(poll_times(store.get(key), times).await) })
        },
        Some(b"old"),
    ),
    (
        "get_many",
        |store, keys, times| {
            Box::pin(async move { Ok(poll_times(store.get_many(keys), times).await) })
        },
        Some(b"old"),
    ),
    (
        "put",
        |store, [key, _], times| {
            Box::pin(async move {
                Ok(poll_times(store.put(key, b"new", None, Precondition::Always), times).await)
            })
        },
        Some(b"new"),
    ),
    (
        "put, absent",
        |store, [_, key], times| {
            Box::pin(async move {
                Ok(poll_times(store.put(key, b"new", None, Precondition::Absent), times).await)
            })
        },
        Some(b"old"),
    ),
    (
        "put, unchanged",
        |store, [key, _], times| {
            Box::pin(async move {
                let version = store.get(key).await?.expect("it is there").version;
                Ok(poll_times(
                    store.put(key, b"new", None, Precondition::Unchanged(version)),
                    times,
                )
                .await)
            })
        },
        Some(b"new"),
    ),
    (
        "delete",
        |store, [key, _], times| {
            Box::pin(
                async move { Ok(poll_times(store.delete(key, Precondition::Always), times).await) },
            )
        },
        None,
    ),
    (
        "put_many",
        |store, [key, other], times| {
            Box::pin(async move {
                let puts = [key, other].map(|key| Put { key, bytes: b"new", ttl: None });
                Ok(poll_times(store.put_many(&puts), times).await)
            })
        },
        Some(b"new"),
    ),
    (
        "delete_many",
        |store, keys, times| {
            Box::pin(async move { Ok(poll_times(store.delete_many(keys), times).await) })
        },
        None,
    ),
    (
        "increment",
        |store, [_, key], times| {
            Box::pin(async move { Ok(poll_times(store.increment(key, 1, None), times).await) })
        },
        Some(b"old"),
    ),
    (
        "clear",
        |store, [key, _], times| {
            Box::pin(async move { Ok(poll_times(store.clear(key.namespace()), times).await) })
        },
        None,
    ),
];

/// Each operation, dropped after each of its polls: by a store that is not connected yet, and by one
/// that is.
pub fn check<S: AsyncStore>(open: impl Fn() -> S) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let keys = ["k", "other"].map(|name| Namespace::new("dropped").key(name));
    let (first, second) = (&keys[0], &keys[1]);
    let witness = open();
    runtime.block_on(async {
        for (name, act, leaves) in ACTS {
            for is_warm in [false, true] {
                let mut polls = 0;
                loop {
                    witness.put(first, b"old", None, Precondition::Always).await.unwrap().unwrap();
                    witness.delete(second, Precondition::Always).await.unwrap();
                    let store = open();
                    if is_warm {
                        store.get(first).await.unwrap();
                    }
                    let ended = act(&store, &keys, polls).await.unwrap();
                    let context = format!("{name}, polled {polls} times, connected: {is_warm}");
                    // What was sent comes before what is asked now.
                    let found = store.get(first).await.unwrap().map(|stored| stored.bytes);
                    let (is_old, is_new) =
                        (found.as_deref() == Some(b"old"), found.as_deref() == leaves);
                    assert!(if ended { is_new } else { is_new || is_old }, "{context}: {found:?}");
                    assert!(polls > 0 || is_old, "{context}: it was not polled");
                    let other = store.get(second).await.unwrap().map(|stored| stored.bytes);
                    let is_whole = |other: &[u8]| [&b"new"[..], b"1"].contains(&other);
                    assert!(other.is_none_or(|other| is_whole(&other)), "{context}");
                    let written =
                        store.put(first, b"works", None, Precondition::Always).await.unwrap();
                    let stored = store.get(first).await.unwrap().unwrap();
                    assert_eq!((&*stored.bytes, Some(stored.version)), (&b"works"[..], written));
                    if ended {
                        break;
                    }
                    polls += 1;
                    assert!(polls < 100, "{context}");
                }
                println!("{name}: {polls} polls, connected: {is_warm}");
                assert!(polls > 1, "{name}: nothing was awaited");
            }
        }
    });
}
