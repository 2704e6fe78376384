//! Detects a loader that asks for the value which it is computing, so that it gets an error instead of
//! waiting for itself.
//!
//! A loader may move from thread to thread, and thousands may share one thread, so the thread does not
//! identify a loader. Instead, each loader has a [`Loading`], which is in a thread-local variable only
//! while the loader runs. A loader that is started by the code of another one refers to that one:
//!
//! ```text
//! loader of a  ->  asks for b, and waits
//!                  loader of b (inside a)  ->  asks for a, which waits for b: it would wait forever
//! ```

use std::cell::RefCell;
#[cfg(feature = "tokio")]
use std::future::poll_fn;
use std::mem;
#[cfg(feature = "tokio")]
use std::pin::pin;
use std::sync::Arc;

use smallvec::SmallVec;

use super::flight::FlightKey;

thread_local! {
    /// What the code that runs on this thread now is computing.
    static CURRENT: RefCell<Option<Arc<Loading>>> = const { RefCell::new(None) };
}

/// A call of a loader, and the call in which it was started.
pub(super) struct Loading {
    /// The cache, identified by its flights.
    flights: usize,
    /// One key, or many that are computed by one call.
    keys: SmallVec<[FlightKey; 1]>,
    within: Option<Arc<Loading>>,
}

impl Loading {
    /// Creates a call for these keys, within the current one.
    pub(super) fn new(flights: usize, keys: impl IntoIterator<Item = FlightKey>) -> Arc<Loading> {
        Arc::new(Loading { flights, keys: keys.into_iter().collect(), within: current() })
    }

    fn makes(&self, flights: usize, key: &[u8]) -> bool {
        self.flights == flights && self.keys.iter().any(|own| **own == *key)
    }
}

/// Dropped one after the other, because thousands of loaders may be nested.
impl Drop for Loading {
    fn drop(&mut self) {
        let mut next = self.within.take();
        while let Some(mut last) = next.and_then(Arc::into_inner) {
            next = last.within.take();
        }
    }
}

/// Returns what the running code is computing.
pub(super) fn current() -> Option<Arc<Loading>> {
    CURRENT.with_borrow(Option::clone)
}

/// Returns whether the running code computes the value of this key.
pub(super) fn is_being_made_here(flights: usize, key: &[u8]) -> bool {
    CURRENT.with_borrow(|current| {
        let mut next = current.as_deref();
        while let Some(loading) = next {
            if loading.makes(flights, key) {
                return true;
            }
            next = loading.within.as_deref();
        }
        false
    })
}

/// Runs code that computes this.
pub(super) fn run_within<T>(loading: Option<&Arc<Loading>>, code: impl FnOnce() -> T) -> T {
    let before = CURRENT.replace(loading.cloned());
    let _restored = Restored(before);
    code()
}

/// Wraps a future that will run as a task of its own, so that its requests count as those of the running
/// code.
#[cfg(feature = "tokio")]
pub(super) fn inherited<F: Future>(future: F) -> impl Future<Output = F::Output> {
    let within = current();
    async move {
        let mut future = pin!(future);
        poll_fn(|context| run_within(within.as_ref(), || future.as_mut().poll(context))).await
    }
}

/// Also after a panic.
struct Restored(Option<Arc<Loading>>);

impl Drop for Restored {
    fn drop(&mut self) {
        // The previous content is dropped when the variable is not borrowed any more.
        drop(CURRENT.with_borrow_mut(|current| mem::replace(current, self.0.take())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_within_is_known() {
        let key = |name: &str| FlightKey::from(name.as_bytes());
        assert!(!is_being_made_here(1, b"a"));
        run_within(Some(&Loading::new(1, [key("a")])), || {
            run_within(Some(&Loading::new(2, [key("b"), key("c")])), || {
                for (flights, name) in [(1, "a"), (2, "b"), (2, "c")] {
                    assert!(is_being_made_here(flights, name.as_bytes()), "{name}");
                }
                assert!(!is_being_made_here(1, b"b") && !is_being_made_here(2, b"a"));
                run_within(None, || assert!(!is_being_made_here(1, b"a")));
            });
            assert!(!is_being_made_here(2, b"b"));
        });
        assert!(current().is_none());
    }

    #[test]
    fn a_panic_leaves_nothing() {
        let loading = Loading::new(1, [FlightKey::from(&b"a"[..])]);
        let panics = || run_within(Some(&loading), || panic!("on purpose"));
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(panics)).unwrap_err();
        assert!(current().is_none());
    }

    #[test]
    fn a_hundred_thousand_within_each_other_are_dropped_one_after_the_other() {
        let mut inner = None;
        for _ in 0..100_000 {
            inner = run_within(inner.as_ref(), || Some(Loading::new(1, [])));
        }
        drop(inner);
    }
}
