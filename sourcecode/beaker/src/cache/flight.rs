//! One flight a key: of all threads and tasks that want a value, one leads and makes it, and the others
//! wait for that one.
//!
//! Threads and tasks share a flight: either may lead, and either may wait. A task that waits holds no
//! thread, and one that is dropped while it waits leaves nothing behind.
//!
//! This file uses nothing but what `sync.rs` names, so that a test can go through all interleavings of
//! its threads and tasks.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::sync::{
    Arc, AtomicU64, Event, EventListener, Listener, Mutex, MutexGuard, Ordering, PoisonError,
};

/// A key in its bytes, shared by all that speak of it.
pub(super) type FlightKey = std::sync::Arc<[u8]>;

/// The flights of a cache. `V` is what they bring, `F` why they brought nothing. A clone is the same
/// flights.
pub(super) struct Flights<V, F>(Arc<Shared<V, F>>);

struct Shared<V, F> {
    /// Nothing slow is done while this is locked.
    running: Mutex<HashMap<FlightKey, Arc<Flight<V, F>>>>,
    completions: AtomicU64,
}

struct Flight<V, F> {
    state: Mutex<State<V, F>>,
    /// Notified once, when nobody can join any more.
    ended: Event,
}

struct State<V, F> {
    outcome: Option<Outcome<V, F>>,
    /// What was made must not be kept: the key was removed or written meanwhile.
    is_cancelled: bool,
    /// What is being made may have been invalidated meanwhile.
    is_outdated: bool,
    /// Nobody can join any more. Who waits, waits for this: who is to look again and came before it
    /// would find the same flight.
    has_ended: bool,
}

#[derive(Clone)]
enum Outcome<V, F> {
    Done(Result<V, F>),
    /// Who made it has panicked or given up.
    Abandoned,
}

/// What a call that wants a value is to do.
pub(super) enum Role<V, F> {
    /// Make it.
    Leader(Leader<V, F>),
    /// Wait for the one who makes it.
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

    /// Tells them from the flights of any other cache, as long as these are there.
    pub(super) fn id(&self) -> usize {
        &raw const *self.0 as usize
    }

    /// How many flights were completed. Who finds another number than at its look knows that what it saw
    /// may be old.
    pub(super) fn completions(&self) -> u64 {
        self.0.completions.load(Ordering::Acquire)
    }

    /// Begins a flight, or joins the one that is under way.
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

    /// Whether one is under way.
    pub(super) fn is_running(&self, key: &[u8]) -> bool {
        lock(&self.0.running).contains_key(key)
    }

    /// Begins a flight, if none is under way.
    pub(super) fn try_lead(&self, key: &[u8]) -> Option<Leader<V, F>> {
        match self.join_or_lead(key) {
            Role::Leader(leader) => Some(leader),
            Role::Waiter(_) => None,
        }
    }

    /// What is being made is not to be kept, and whoever asks from now on does not get it.
    ///
    /// A look that came between this and what it is done for may still be passed on: see
    /// [`cancel_while`](Flights::cancel_while).
    pub(super) fn cancel(&self, key: &[u8]) {
        // A state may be locked for as long as a store takes to keep something.
        let flight = lock(&self.0.running).remove(key);
        flight.iter().for_each(|flight| flight.cancel());
    }

    /// The same for all keys.
    pub(super) fn cancel_all(&self) {
        let flights = std::mem::take(&mut *lock(&self.0.running));
        flights.values().for_each(|flight| flight.cancel());
    }

    /// The same, and nobody begins a flight while this is done, so none sees what was there before, and
    /// gives it to somebody who asks after it. For values in memory, which are kept in no time.
    pub(super) fn cancel_while<T>(&self, key: &[u8], act: impl FnOnce() -> T) -> T {
        let mut running = lock(&self.0.running);
        running.remove(key).iter().for_each(|flight| flight.cancel());
        act()
    }

    /// The same for all keys.
    pub(super) fn cancel_all_while<T>(&self, act: impl FnOnce() -> T) -> T {
        let mut running = lock(&self.0.running);
        running.drain().for_each(|(_, flight)| flight.cancel());
        act()
    }

    /// Some of what is being made was invalidated, and what has a tag is known when it is made. So who
    /// asks from now on waits for it, and then looks again.
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

/// The right, and the duty, to make the value.
pub(super) struct Leader<V, F> {
    flights: Flights<V, F>,
    key: FlightKey,
    flight: Arc<Flight<V, F>>,
}

impl<V: Clone, F: Clone> Leader<V, F> {
    pub(super) fn key(&self) -> &FlightKey {
        &self.key
    }

    /// Whether what is being made is not to be kept.
    pub(super) fn is_cancelled(&self) -> bool {
        lock(&self.flight.state).is_cancelled
    }

    /// Does something, unless the flight was cancelled, and tells whether it did. Nobody can cancel
    /// meanwhile.
    pub(super) fn unless_cancelled(&self, act: impl FnOnce()) -> bool {
        let state = self::lock(&self.flight.state);
        let is_cancelled = state.is_cancelled;
        if !is_cancelled {
            act();
        }
        !is_cancelled
    }

    /// Keeps what was made, unless the flight was cancelled, and gives it to all who wait.
    ///
    /// It is kept while nobody can cancel. So whoever cancels comes before that, and nothing is kept,
    /// or after it, and removes what was kept. That is for what is kept in no time, in memory. A store
    /// has an order of its own: what is to be kept there is kept before this is called.
    ///
    /// The lock of the backend is given back before the others are told: some of them may want it.
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

/// Also on the way out of a panic, and when its task is dropped: whoever waits is never left alone.
impl<V, F> Drop for Leader<V, F> {
    fn drop(&mut self) {
        let mut running = lock(&self.flights.0.running);
        // After a `cancel` there may be another flight.
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
    /// Nobody makes it any more: ask again.
    Abandoned,
    /// It took too long.
    TimedOut,
}

/// Somebody who waits for what another thread or task makes.
pub(super) struct Waiter<V, F>(Arc<Flight<V, F>>);

impl<V: Clone, F: Clone> Waiter<V, F> {
    /// Whether the flight began before something was invalidated that may be its value.
    pub(super) fn is_outdated(&self) -> bool {
        lock(&self.0.state).is_outdated
    }

    /// Waits, as a thread, and for `max` at most.
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

    /// Waits, as a task.
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
        // It may have ended between the look and this.
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

/// The keys that are on their way to be made anew in the background, where nobody waits for them.
///
/// A clone is the same keys.
#[derive(Clone)]
pub(super) struct Refreshes(Arc<Mutex<HashSet<FlightKey>>>);

impl Refreshes {
    pub(super) fn new() -> Refreshes {
        Refreshes(Arc::new(Mutex::new(HashSet::new())))
    }

    /// Notes that a key is on its way; `None` if it is already, or `max` others are.
    pub(super) fn begin(&self, key: &[u8], max: usize) -> Option<Refresh> {
        let mut all = lock(&self.0);
        if all.len() >= max {
            return None;
        }
        let key = FlightKey::from(key);
        all.insert(FlightKey::clone(&key)).then(|| Refresh { all: Arc::clone(&self.0), key })
    }
}

/// One of them, until this is dropped: also if the work is dropped undone.
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
