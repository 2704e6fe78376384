//! The marks of cleared namespaces, as far as this process knows them.
//!
//! Reading the mark with every value would cost a second command. So what was read is believed for
//! a moment, and a `clear` by another process is seen that much later. One by this process is seen
//! at once.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::key::Namespace;

/// How long a mark is believed.
const BELIEVED: Duration = Duration::from_secs(1);

/// The marks of one server.
#[derive(Default)]
pub(super) struct Marks(Mutex<State>);

/// Guarded by the mutex; no command is sent while it is held.
#[derive(Default)]
struct State {
    known: HashMap<Namespace, Known>,
    /// How often everything was forgotten.
    epoch: Epoch,
}

struct Known {
    mark: Mark,
    /// On a clock that no step of the time of day moves.
    read_at: Duration,
}

/// The `cas` number of a namespace's last `clear`; everything written before has a smaller one.
pub(super) type Mark = Option<u64>;

/// What was known when a command was sent. Its answer is worth nothing if all was forgotten since.
pub(super) type Epoch = u64;

impl Marks {
    /// The mark, if it was read lately.
    pub(super) fn get(&self, namespace: &Namespace, now: Duration) -> Option<Mark> {
        let state = self.state();
        let known = state.known.get(namespace)?;
        (now.saturating_sub(known.read_at) < BELIEVED).then_some(known.mark)
    }

    pub(super) fn epoch(&self) -> Epoch {
        self.state().epoch
    }

    /// Notes a mark that was read by a command sent at this time, in this epoch.
    pub(super) fn note(&self, namespace: &Namespace, mark: Mark, read_at: Duration, epoch: Epoch) {
        let mut state = self.state();
        if state.epoch == epoch {
            state.known.insert(namespace.clone(), Known { mark, read_at });
        }
    }

    /// After a `clear`, and after an error: the server may have been started anew, and count from
    /// the beginning.
    pub(super) fn forget(&self) {
        let mut state = self.state();
        state.known.clear();
        state.epoch += 1;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_believed_for_a_moment_and_not_across_a_clear() {
        let (marks, namespace) = (Marks::default(), Namespace::new("n"));
        let at = Duration::from_micros;
        assert_eq!(marks.get(&namespace, at(0)), None);
        let before = marks.epoch();
        marks.note(&namespace, Some(7), at(0), before);
        assert_eq!(marks.get(&namespace, at(999_999)), Some(Some(7)));
        assert_eq!(marks.get(&namespace, at(1_000_000)), None);
        assert_eq!(marks.get(&Namespace::default(), at(0)), None);
        marks.forget();
        assert_eq!(marks.get(&namespace, at(0)), None);
        // An answer that was on its way during the clear comes too late.
        marks.note(&namespace, Some(7), at(0), before);
        assert_eq!(marks.get(&namespace, at(0)), None);
    }
}
