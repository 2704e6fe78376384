//! [`Passenger`]: waits for what another one makes, as a thread or as a task.

use std::time::Duration;

use super::super::sync::{Arc, Waker, wait_while};
use super::{Flight, Outcome, State, lock};

/// How a wait ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Arrival<V, F> {
    Landed(Result<V, F>),
    /// Nobody makes it any more: ask again.
    Lost,
    /// It took too long.
    Late,
}

/// Somebody who waits for what another thread makes.
pub(in super::super) struct Passenger<V, F>(pub(super) Arc<Flight<V, F>>);

impl<V: Clone, F: Clone> Passenger<V, F> {
    /// Whether the flight began before something was invalidated that may be its value.
    pub(in super::super) fn is_outdated(&self) -> bool {
        lock(&self.0.state).is_outdated
    }

    pub(in super::super) fn wait(self, most: Option<Duration>) -> Arrival<V, F> {
        let flight = &self.0;
        let state = lock(&flight.state);
        if !wait_while(&flight.ended, state, most, |state| !state.has_ended) {
            return Arrival::Late;
        }
        lock(&flight.state).arrival()
    }

    /// How it ended, or `None`, and then the waker is woken when it has.
    #[cfg_attr(not(feature = "tokio"), allow(dead_code))]
    pub(in super::super) fn poll(&self, waker: &Waker) -> Option<Arrival<V, F>> {
        let mut state = lock(&self.0.state);
        if state.has_ended {
            return Some(state.arrival());
        }
        if !state.wakers.iter().any(|known| known.will_wake(waker)) {
            state.wakers.push(waker.clone());
        }
        None
    }
}

impl<V: Clone, F: Clone> State<V, F> {
    fn arrival(&self) -> Arrival<V, F> {
        match self.outcome.clone() {
            Some(Outcome::Landed(made)) => Arrival::Landed(made),
            Some(Outcome::Lost) | None => Arrival::Lost,
        }
    }
}
