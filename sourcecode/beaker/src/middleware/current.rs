//! The request that a thread is at: an extractor that fails has no other way to name it.

use std::cell::RefCell;

#[cfg(feature = "axum")]
use super::asked::Asked;
use super::lazy::LazySession;

thread_local! {
    /// The request that this thread is at.
    static CURRENT: RefCell<Option<LazySession>> = const { RefCell::new(None) };
}

/// Works on this request: what has no other way to know it asks [`current`].
pub(super) fn during<T>(request: &LazySession, work: impl FnOnce() -> T) -> T {
    struct Restore(Option<LazySession>);
    impl Drop for Restore {
        fn drop(&mut self) {
            let before = self.0.take();
            CURRENT.with_borrow_mut(|current| *current = before);
        }
    }
    let _restore = Restore(CURRENT.with_borrow_mut(|current| current.replace(request.clone())));
    work()
}

/// The request that this thread is at, if it is at one.
#[cfg(feature = "axum")]
pub(super) fn current() -> Option<Asked> {
    CURRENT.with_borrow(|current| current.as_ref().and_then(|request| request.asked().cloned()))
}
