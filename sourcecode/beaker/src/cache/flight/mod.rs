//! One flight a key: of all threads that want a value made, one makes it, and the others wait for that
//! one.
//!
//! These files use nothing but what `sync.rs` names, so that a test can go through all interleavings of
//! its threads.

mod passenger;

use std::collections::HashMap;

pub(super) use passenger::{Arrival, Passenger};

use super::sync::{
    Arc, AtomicU64, Condvar, Mutex, MutexGuard, Ordering, PoisonError, ThreadId, Waker,
    current_thread,
};

/// A key in its bytes.
pub(super) type FlightKey = Box<[u8]>;

/// The flights of a cache. `V` is what they bring, `F` why they brought nothing.
pub(super) struct Flights<V, F> {
    /// Nothing slow is done while this is locked.
    running: Mutex<HashMap<FlightKey, Arc<Flight<V, F>>>>,
    landings: AtomicU64,
}

struct Flight<V, F> {
    pilot: ThreadId,
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
    Landed(Result<V, F>),
    /// Who made it has panicked or given up.
    Lost,
}

/// What a thread that wants a value is to do.
pub(super) enum Boarding<'a, V, F> {
    /// Make it.
    Pilot(Pilot<'a, V, F>),
    /// Wait for the one who makes it.
    Passenger(Passenger<V, F>),
    /// It is this thread that makes it: it asks for what it is about to give.
    Itself,
}

impl<V: Clone, F: Clone> Flights<V, F> {
    pub(super) fn new() -> Flights<V, F> {
        Flights { running: Mutex::new(HashMap::new()), landings: AtomicU64::new(0) }
    }

    /// How many flights have landed. Who finds another number than at its look knows that what it saw
    /// may be old.
    pub(super) fn landings(&self) -> u64 {
        self.landings.load(Ordering::Acquire)
    }

    /// Begins a flight, or joins the one that is under way.
    pub(super) fn board(&self, key: &[u8]) -> Boarding<'_, V, F> {
        let mut running = lock(&self.running);
        match running.get(key) {
            Some(flight) if flight.pilot == current_thread().id() => Boarding::Itself,
            Some(flight) => Boarding::Passenger(Passenger(Arc::clone(flight))),
            None => {
                let flight = Arc::new(Flight::begun_here());
                running.insert(key.into(), Arc::clone(&flight));
                Boarding::Pilot(Pilot { flights: self, key: key.into(), flight })
            }
        }
    }

    /// Joins the flight that is under way, if there is one.
    #[cfg_attr(not(feature = "tokio"), allow(dead_code))]
    pub(super) fn join(&self, key: &[u8]) -> Option<Boarding<'_, V, F>> {
        let flight = lock(&self.running).get(key).cloned()?;
        let is_itself = flight.pilot == current_thread().id();
        Some(if is_itself { Boarding::Itself } else { Boarding::Passenger(Passenger(flight)) })
    }

    /// Begins a flight, if none is under way.
    pub(super) fn begin(&self, key: &[u8]) -> Option<Pilot<'_, V, F>> {
        match self.board(key) {
            Boarding::Pilot(pilot) => Some(pilot),
            Boarding::Passenger(_) | Boarding::Itself => None,
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
        Flight { pilot: current_thread().id(), state: Mutex::new(state), ended: Condvar::new() }
    }
}

/// The right, and the duty, to make the value.
pub(super) struct Pilot<'a, V, F> {
    flights: &'a Flights<V, F>,
    key: FlightKey,
    flight: Arc<Flight<V, F>>,
}

impl<V: Clone, F: Clone> Pilot<'_, V, F> {
    /// Keeps what was made, unless the flight was cancelled, and gives it to all who wait.
    ///
    /// It is kept while nobody can cancel. So whoever cancels comes before that, and nothing is kept,
    /// or after it, and removes what was kept.
    ///
    /// The turn among processes is given back before the others are told: some of them may want it.
    pub(super) fn land(self, made: Result<V, F>, turn: impl Sized, keep: impl FnOnce(&V)) {
        let mut state = lock(&self.flight.state);
        if let Ok(value) = &made
            && !state.is_cancelled
        {
            keep(value);
        }
        drop(turn);
        state.outcome = Some(Outcome::Landed(made));
        self.flights.landings.fetch_add(1, Ordering::Release);
    }
}

/// Also on the way out of a panic: whoever waits is never left alone.
impl<V, F> Drop for Pilot<'_, V, F> {
    fn drop(&mut self) {
        let mut running = lock(&self.flights.running);
        // After a `cancel` there may be another flight.
        if running.get(&self.key).is_some_and(|flight| Arc::ptr_eq(flight, &self.flight)) {
            running.remove(&self.key);
        }
        drop(running);
        let mut state = lock(&self.flight.state);
        state.outcome.get_or_insert(Outcome::Lost);
        state.has_ended = true;
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        self.flight.ended.notify_all();
        wakers.into_iter().for_each(Waker::wake);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
