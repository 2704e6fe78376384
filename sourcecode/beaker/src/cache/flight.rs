//! Single-flight: among all threads and tasks that want the value of a key, one leads and computes it, and
//! the others wait for its result.
//!
//! Threads and tasks share a flight: either may lead, and either may wait. A task that waits does not block
//! a thread, and may be dropped at any time.
//!
//! This file uses only what `sync.rs` names, so that a test can go through all interleavings of its threads
//! and tasks.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::sync::{
    Arc, AtomicU64, Event, EventListener, Listener, Mutex, MutexGuard, Ordering, PoisonError,
};

/// The bytes of a key, shared by everything that refers to it.
pub(super) type FlightKey = std::sync::Arc<[u8]>;

/// The flights of a cache. `V` is their result, and `F` the reason why there is none. A clone is the same
/// flights.
pub(super) struct Flights<V, F>(Arc<Shared<V, F>>);

struct Shared<V, F> {
    /// Held only for short operations.
    running: Mutex<HashMap<FlightKey, Arc<Flight<V, F>>>>,
    completions: AtomicU64,
}

struct Flight<V, F> {
    state: Mutex<State<V, F>>,
    /// Notified once, when the flight can no longer be joined.
    ended: Event,
}

struct State<V, F> {
    outcome: Option<Outcome<V, F>>,
    /// The result must not be kept, because the key was removed or written meanwhile.
    is_cancelled: bool,
    /// The value that is being computed may have been invalidated meanwhile.
    is_outdated: bool,
    /// The flight can no longer be joined. Waiters wait for this: a waiter that has to look again must not
    /// find the same flight.
    has_ended: bool,
}

#[derive(Clone)]
enum Outcome<V, F> {
    Done(Result<V, F>),
    /// The leader has panicked or given up.
    Abandoned,
}

/// What a call that wants a value has to do.
pub(super) enum Role<V, F> {
    /// Compute the value.
    Leader(Leader<V, F>),
    /// Wait for the leader.
    Waiter(Waiter<V, F>),
}

impl<V, F> Clone for Flights<V, F> {
    fn clone(&self) -> Flights<V, F> {
        Flights(Arc::clone(&self.0))
    }
}

impl<V: Clone, F: Clone> Flights<V, F> {
    pub(super) fn new() -> Flights<V, F> {
        let (running, completions) = (Mutex::new(HashMap::new()), AtomicU64::new(0));
        Flights(Arc::new(Shared { running, completions }))
    }

    /// Returns an id that distinguishes them from the flights of any other cache that exists now.
    pub(super) fn id(&self) -> usize {
        &raw const *self.0 as usize
    }

    /// Returns how many flights were completed. If the number has changed since a lookup, the result of
    /// that lookup may be old.
    pub(super) fn completions(&self) -> u64 {
        self.0.completions.load(Ordering::Acquire)
    }

    /// Begins a flight, or joins the one that is running.
    pub(super) fn join_or_lead(&self, key: &[u8]) -> Role<V, F> {
        let mut running = lock(&self.0.running);
        match running.get(key) {
            Some(flight) => Role::Waiter(Waiter(Arc::clone(flight))),
            None => {
                let (key, flight) = (FlightKey::from(key), Arc::new(Flight::begun()));
                running.insert(FlightKey::clone(&key), Arc::clone(&flight));
                Role::Leader(Leader { flights: self.clone(), key, flight })
            }
        }
    }

    /// Returns whether a flight is running.
    pub(super) fn is_running(&self, key: &[u8]) -> bool {
        lock(&self.0.running).contains_key(key)
    }

    /// Begins a flight, if none is running.
    pub(super) fn try_lead(&self, key: &[u8]) -> Option<Leader<V, F>> {
        match self.join_or_lead(key) {
            Role::Leader(leader) => Some(leader),
            Role::Waiter(_) => None,
        }
    }

    /// Cancels the flight: its result is not kept, and later calls do not wait for it.
    ///
    /// A lookup between this and the operation that follows may still be passed on: see
    /// [`cancel_while`](Flights::cancel_while).
    pub(super) fn cancel(&self, key: &[u8]) {
        // A state may be locked for as long as a store takes to store a value.
        let flight = lock(&self.0.running).remove(key);
        flight.iter().for_each(|flight| flight.cancel());
    }

    /// Does the same for all keys.
    pub(super) fn cancel_all(&self) {
        let flights = std::mem::take(&mut *lock(&self.0.running));
        flights.values().for_each(|flight| flight.cancel());
    }

    /// Cancels the flight and performs the operation while no flight can begin. So no flight sees the value
    /// from before and returns it to a later call. Use it for values in memory, where the operation is
    /// short.
    pub(super) fn cancel_while<T>(&self, key: &[u8], act: impl FnOnce() -> T) -> T {
        let mut running = lock(&self.0.running);
        running.remove(key).iter().for_each(|flight| flight.cancel());
        act()
    }

    /// Does the same for all keys.
    pub(super) fn cancel_all_while<T>(&self, act: impl FnOnce() -> T) -> T {
        let mut running = lock(&self.0.running);
        running.drain().for_each(|(_, flight)| flight.cancel());
        act()
    }

    /// Marks all flights as outdated, because the tags of a value are known only when it is computed. Calls
    /// that join a flight from now on wait for it and then look again.
    pub(super) fn outdate_all(&self) {
        let flights: Vec<_> = lock(&self.0.running).values().cloned().collect();
        for flight in flights {
            lock(&flight.state).is_outdated = true;
        }
    }
}

impl<V, F> Flight<V, F> {
    fn cancel(&self) {
        lock(&self.state).is_cancelled = true;
    }

    fn begun() -> Flight<V, F> {
        let state =
            State { outcome: None, is_cancelled: false, is_outdated: false, has_ended: false };
        Flight { state: Mutex::new(state), ended: Event::new() }
    }
}

/// The right and the duty to compute the value.
pub(super) struct Leader<V, F> {
    flights: Flights<V, F>,
    key: FlightKey,
    flight: Arc<Flight<V, F>>,
}

impl<V: Clone, F: Clone> Leader<V, F> {
    pub(super) fn key(&self) -> &FlightKey {
        &self.key
    }

    /// Returns whether the flight was cancelled, so that its result is not kept.
    pub(super) fn is_cancelled(&self) -> bool {
        lock(&self.flight.state).is_cancelled
    }

    /// Performs the operation unless the flight was cancelled, and returns whether it did. The flight
    /// cannot be cancelled meanwhile.
    pub(super) fn unless_cancelled(&self, act: impl FnOnce()) -> bool {
        let state = self::lock(&self.flight.state);
        let is_cancelled = state.is_cancelled;
        if !is_cancelled {
            act();
        }
        !is_cancelled
    }

    /// Keeps the result, unless the flight was cancelled, and passes it to all waiters.
    ///
    /// The flight cannot be cancelled while `keep` runs. A cancelling call therefore comes either before
    /// it, and nothing is kept, or after it, and removes what was kept. This is for values in memory,
    /// because keeping them is short. A store has its own order, so its values are stored before this call.
    ///
    /// The lock of the backend is released before the waiters are notified, because some of them may need
    /// it.
    pub(super) fn complete(self, made: Result<V, F>, lock: impl Sized, keep: impl FnOnce(&V)) {
        let mut state = self::lock(&self.flight.state);
        if let Ok(value) = &made
            && !state.is_cancelled
        {
            keep(value);
        }
        drop(lock);
        state.outcome = Some(Outcome::Done(made));
        self.flights.0.completions.fetch_add(1, Ordering::Release);
    }
}

/// Also after a panic, and when its task is dropped, so that the waiters never wait forever.
impl<V, F> Drop for Leader<V, F> {
    fn drop(&mut self) {
        let mut running = lock(&self.flights.0.running);
        // After a `cancel`, there may be another flight.
        if running.get(&self.key).is_some_and(|flight| Arc::ptr_eq(flight, &self.flight)) {
            running.remove(&self.key);
        }
        drop(running);
        let mut state = lock(&self.flight.state);
        state.outcome.get_or_insert(Outcome::Abandoned);
        state.has_ended = true;
        drop(state);
        self.flight.ended.notify(usize::MAX);
    }
}

/// How a wait ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Completion<V, F> {
    Done(Result<V, F>),
    /// The leader has given up: ask again.
    Abandoned,
    /// The wait timeout has passed.
    TimedOut,
}

/// A caller that waits for the result of another thread or task.
pub(super) struct Waiter<V, F>(Arc<Flight<V, F>>);

impl<V: Clone, F: Clone> Waiter<V, F> {
    /// Returns whether the flight began before an invalidation that may affect its value.
    pub(super) fn is_outdated(&self) -> bool {
        lock(&self.0.state).is_outdated
    }

    /// Blocks the thread until the flight ends, for `max` at most.
    pub(super) fn wait(self, max: Option<Duration>) -> Completion<V, F> {
        loop {
            match (self.completion_or_listener(), max) {
                (Ok(completion), _) => return completion,
                (Err(ended), None) => ended.wait(),
                (Err(ended), Some(max)) => {
                    if ended.wait_timeout(max).is_none() {
                        return self.completion().unwrap_or(Completion::TimedOut);
                    }
                }
            }
        }
    }

    /// Waits in a task.
    #[cfg_attr(not(feature = "tokio"), allow(dead_code))]
    pub(super) async fn ended(self) -> Completion<V, F> {
        loop {
            match self.completion_or_listener() {
                Ok(completion) => return completion,
                Err(ended) => ended.await,
            }
        }
    }

    fn completion_or_listener(&self) -> Result<Completion<V, F>, EventListener> {
        if let Some(completion) = self.completion() {
            return Ok(completion);
        }
        let ended = self.0.ended.listen();
        // It may have ended between the check and this.
        self.completion().ok_or(ended)
    }

    fn completion(&self) -> Option<Completion<V, F>> {
        let state = lock(&self.0.state);
        state.has_ended.then(|| match state.outcome.clone() {
            Some(Outcome::Done(made)) => Completion::Done(made),
            Some(Outcome::Abandoned) | None => Completion::Abandoned,
        })
    }
}

/// The keys that are being recomputed in the background without waiters. A clone is the same set.
#[derive(Clone)]
pub(super) struct Refreshes(Arc<Mutex<HashSet<FlightKey>>>);

impl Refreshes {
    pub(super) fn new() -> Refreshes {
        Refreshes(Arc::new(Mutex::new(HashSet::new())))
    }

    /// Adds a key. Returns `None` if the key is in the set, or if `max` others are.
    pub(super) fn begin(&self, key: &[u8], max: usize) -> Option<Refresh> {
        let mut all = lock(&self.0);
        if all.len() >= max {
            return None;
        }
        let key = FlightKey::from(key);
        all.insert(FlightKey::clone(&key)).then(|| Refresh { all: Arc::clone(&self.0), key })
    }
}

/// A key of the set, until this is dropped, even if the work has not been done.
pub(super) struct Refresh {
    all: Arc<Mutex<HashSet<FlightKey>>>,
    pub(super) key: FlightKey,
}

impl Drop for Refresh {
    fn drop(&mut self) {
        lock(&self.all).remove(&self.key);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
