//! One flight a key: of all threads and tasks that want a value, one leads and makes it, and the others
//! wait for that one.
//!
//! This file uses nothing but what `sync.rs` names, so that a test can go through all interleavings of
//! its threads.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::sync::{
    Arc, AtomicU64, Condvar, Mutex, MutexGuard, Ordering, PoisonError, ThreadId, Waker,
    current_thread, wait_while,
};

/// A key in its bytes.
pub(super) type FlightKey = Box<[u8]>;

/// The flights of a cache. `V` is what they bring, `F` why they brought nothing.
pub(super) struct Flights<V, F> {
    /// Nothing slow is done while this is locked.
    running: Mutex<HashMap<FlightKey, Arc<Flight<V, F>>>>,
    completions: AtomicU64,
}

struct Flight<V, F> {
    leader: ThreadId,
    state: Mutex<State<V, F>>,
    ended: Condvar,
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
    /// Tasks that wait, beside the threads.
    wakers: Vec<Waker>,
}

#[derive(Clone)]
enum Outcome<V, F> {
    Done(Result<V, F>),
    /// Who made it has panicked or given up.
    Abandoned,
}

/// What a thread that wants a value is to do.
pub(super) enum Role<'a, V, F> {
    /// Make it.
    Leader(Leader<'a, V, F>),
    /// Wait for the one who makes it.
    Waiter(Waiter<V, F>),
    /// It is this thread that makes it: it asks for what it is about to give.
    Reentrant,
}

impl<V: Clone, F: Clone> Flights<V, F> {
    pub(super) fn new() -> Flights<V, F> {
        Flights { running: Mutex::new(HashMap::new()), completions: AtomicU64::new(0) }
    }

    /// How many flights were completed. Who finds another number than at its look knows that what it saw
    /// may be old.
    pub(super) fn completions(&self) -> u64 {
        self.completions.load(Ordering::Acquire)
    }

    /// Begins a flight, or joins the one that is under way.
    pub(super) fn join_or_lead(&self, key: &[u8]) -> Role<'_, V, F> {
        let mut running = lock(&self.running);
        match running.get(key) {
            Some(flight) if flight.leader == current_thread().id() => Role::Reentrant,
            Some(flight) => Role::Waiter(Waiter(Arc::clone(flight))),
            None => {
                let flight = Arc::new(Flight::begun_here());
                running.insert(key.into(), Arc::clone(&flight));
                Role::Leader(Leader { flights: self, key: key.into(), flight })
            }
        }
    }

    /// Joins the flight that is under way, if there is one.
    #[cfg_attr(not(feature = "tokio"), allow(dead_code))]
    pub(super) fn join(&self, key: &[u8]) -> Option<Role<'_, V, F>> {
        let flight = lock(&self.running).get(key).cloned()?;
        let is_itself = flight.leader == current_thread().id();
        Some(if is_itself { Role::Reentrant } else { Role::Waiter(Waiter(flight)) })
    }

    /// Begins a flight, if none is under way.
    pub(super) fn try_lead(&self, key: &[u8]) -> Option<Leader<'_, V, F>> {
        match self.join_or_lead(key) {
            Role::Leader(leader) => Some(leader),
            Role::Waiter(_) | Role::Reentrant => None,
        }
    }

    /// What is being made is not to be kept, and whoever asks from now on does not get it.
    ///
    /// A look that came between this and what it is done for may still be passed on: see
    /// [`cancel_while`](Flights::cancel_while).
    pub(super) fn cancel(&self, key: &[u8]) {
        // A state may be locked for as long as a store takes to keep something.
        let flight = lock(&self.running).remove(key);
        flight.iter().for_each(|flight| flight.cancel());
    }

    /// The same for all keys.
    pub(super) fn cancel_all(&self) {
        let flights = std::mem::take(&mut *lock(&self.running));
        flights.values().for_each(|flight| flight.cancel());
    }

    /// The same, and nobody begins a flight while this is done, so none sees what was there before, and
    /// gives it to somebody who asks after it. For values in memory, which are kept in no time.
    pub(super) fn cancel_while<T>(&self, key: &[u8], act: impl FnOnce() -> T) -> T {
        let mut running = lock(&self.running);
        running.remove(key).iter().for_each(|flight| flight.cancel());
        act()
    }

    /// The same for all keys.
    pub(super) fn cancel_all_while<T>(&self, act: impl FnOnce() -> T) -> T {
        let mut running = lock(&self.running);
        running.drain().for_each(|(_, flight)| flight.cancel());
        act()
    }

    /// Some of what is being made was invalidated, and what has a tag is known when it is made. So who
    /// asks from now on waits for it, and then looks again.
    pub(super) fn outdate_all(&self) {
        let flights: Vec<_> = lock(&self.running).values().cloned().collect();
        for flight in flights {
            lock(&flight.state).is_outdated = true;
        }
    }
}

impl<V, F> Flight<V, F> {
    fn cancel(&self) {
        lock(&self.state).is_cancelled = true;
    }

    fn begun_here() -> Flight<V, F> {
        let state = State {
            outcome: None,
            is_cancelled: false,
            is_outdated: false,
            has_ended: false,
            wakers: Vec::new(),
        };
        Flight { leader: current_thread().id(), state: Mutex::new(state), ended: Condvar::new() }
    }
}

/// The right, and the duty, to make the value.
pub(super) struct Leader<'a, V, F> {
    flights: &'a Flights<V, F>,
    key: FlightKey,
    flight: Arc<Flight<V, F>>,
}

impl<V: Clone, F: Clone> Leader<'_, V, F> {
    /// Keeps what was made, unless the flight was cancelled, and gives it to all who wait.
    ///
    /// It is kept while nobody can cancel. So whoever cancels comes before that, and nothing is kept,
    /// or after it, and removes what was kept.
    ///
    /// The lock of the back end is given back before the others are told: some of them may want it.
    pub(super) fn complete(self, made: Result<V, F>, lock: impl Sized, keep: impl FnOnce(&V)) {
        let mut state = self::lock(&self.flight.state);
        if let Ok(value) = &made
            && !state.is_cancelled
        {
            keep(value);
        }
        drop(lock);
        state.outcome = Some(Outcome::Done(made));
        self.flights.completions.fetch_add(1, Ordering::Release);
    }
}

/// Also on the way out of a panic: whoever waits is never left alone.
impl<V, F> Drop for Leader<'_, V, F> {
    fn drop(&mut self) {
        let mut running = lock(&self.flights.running);
        // After a `cancel` there may be another flight.
        if running.get(&self.key).is_some_and(|flight| Arc::ptr_eq(flight, &self.flight)) {
            running.remove(&self.key);
        }
        drop(running);
        let mut state = lock(&self.flight.state);
        state.outcome.get_or_insert(Outcome::Abandoned);
        state.has_ended = true;
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        self.flight.ended.notify_all();
        wakers.into_iter().for_each(Waker::wake);
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

/// Somebody who waits for what another thread makes.
pub(super) struct Waiter<V, F>(Arc<Flight<V, F>>);

impl<V: Clone, F: Clone> Waiter<V, F> {
    /// Whether the flight began before something was invalidated that may be its value.
    pub(super) fn is_outdated(&self) -> bool {
        lock(&self.0.state).is_outdated
    }

    pub(super) fn wait(self, max: Option<Duration>) -> Completion<V, F> {
        let flight = &self.0;
        let state = lock(&flight.state);
        if !wait_while(&flight.ended, state, max, |state| !state.has_ended) {
            return Completion::TimedOut;
        }
        lock(&flight.state).completion()
    }

    /// How it ended, or `None`, and then the waker is woken when it has.
    #[cfg_attr(not(feature = "tokio"), allow(dead_code))]
    pub(super) fn poll(&self, waker: &Waker) -> Option<Completion<V, F>> {
        let mut state = lock(&self.0.state);
        if state.has_ended {
            return Some(state.completion());
        }
        if !state.wakers.iter().any(|known| known.will_wake(waker)) {
            state.wakers.push(waker.clone());
        }
        None
    }
}

impl<V: Clone, F: Clone> State<V, F> {
    fn completion(&self) -> Completion<V, F> {
        match self.outcome.clone() {
            Some(Outcome::Done(made)) => Completion::Done(made),
            Some(Outcome::Abandoned) | None => Completion::Abandoned,
        }
    }
}

/// The keys that are on their way to be made anew in the background, where nobody waits for them.
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
        all.insert(key.into()).then(|| Refresh { all: Arc::clone(&self.0), key: key.into() })
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
