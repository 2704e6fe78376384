//! A session that was ended has ended, in whatever order several processes do what they do.
//!
//! Each of them is a thread that stops before every operation on the store. A schedule, which the test
//! is given, says which one goes on, one at a time: so a failure can be repeated, and is made small.

use std::cell::RefCell;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use beaker::key::{Key, Namespace};
use beaker::lock::LocalLocks;
use beaker::store::{MemoryStore, Precondition, Store, Stored, Version};
use beaker::{Backend, Error, ErrorKind, Result, SessionId, Value};

use super::{Session, Sessions};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::Config;

use crate::length::length;

/// Lets one of several threads go on at a time.
struct Schedule {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    /// Which of those that wait goes on next.
    choices: std::vec::IntoIter<u8>,
    waiting: Vec<bool>,
    finished: Vec<bool>,
    running: Option<usize>,
}

impl Schedule {
    fn new(threads: usize, choices: Vec<u8>) -> Arc<Schedule> {
        let state = State {
            choices: choices.into_iter(),
            waiting: vec![false; threads],
            finished: vec![false; threads],
            running: None,
        };
        Arc::new(Schedule { state: Mutex::new(state), changed: Condvar::new() })
    }

    /// Stops this thread until it is its turn.
    fn stop(&self, me: usize) {
        let mut state = self.state.lock().unwrap();
        state.waiting[me] = true;
        if state.running == Some(me) {
            state.running = None;
        }
        self.choose(&mut state);
        while state.running != Some(me) {
            state = self.changed.wait(state).unwrap();
        }
        state.waiting[me] = false;
    }

    fn finish(&self, me: usize) {
        let mut state = self.state.lock().unwrap();
        state.finished[me] = true;
        state.running = None;
        self.choose(&mut state);
    }

    /// When all of them wait, one is chosen.
    fn choose(&self, state: &mut MutexGuard<'_, State>) {
        let all = 0..state.waiting.len();
        let is_quiet = all.clone().all(|thread| state.waiting[thread] || state.finished[thread]);
        let waiting: Vec<usize> = all.filter(|thread| state.waiting[*thread]).collect();
        if state.running.is_none() && is_quiet && !waiting.is_empty() {
            let choice = usize::from(state.choices.next().unwrap_or_default());
            state.running = Some(waiting[choice % waiting.len()]);
            self.changed.notify_all();
        }
    }
}

/// What goes wrong with an operation on the store.
#[derive(Debug, Clone, Copy)]
struct Fault {
    /// Counted by the thread that does them.
    operation: usize,
    /// It was done, and the answer was lost.
    is_done: bool,
    /// Nothing works after it: the process has crashed.
    is_crash: bool,
}

/// A thread that the schedule stops.
#[derive(Clone)]
struct Stopped {
    me: usize,
    schedule: Arc<Schedule>,
    fault: Option<Fault>,
    /// So many operations it has done.
    operations: usize,
}

thread_local! {
    /// `None` in a thread that is not stopped.
    static STOPPED: RefCell<Option<Stopped>> = const { RefCell::new(None) };
}

#[derive(Debug, Clone)]
struct Stepped(Arc<MemoryStore>);

impl Stepped {
    fn step<T>(&self, operation: impl FnOnce(&MemoryStore) -> Result<T>) -> Result<T> {
        let Some(stopped) = STOPPED.with_borrow(Option::clone) else {
            return operation(&self.0);
        };
        let (fault, number) = (stopped.fault, stopped.operations);
        stopped.schedule.stop(stopped.me);
        STOPPED.set(Some(Stopped { operations: number + 1, ..stopped }));
        let failed = || Err(Error::new(ErrorKind::Storage, "on purpose"));
        match fault {
            Some(fault) if fault.operation == number && fault.is_done => {
                operation(&self.0)?;
                failed()
            }
            Some(fault) if fault.operation == number => failed(),
            Some(fault) if fault.is_crash && number > fault.operation => failed(),
            _ => operation(&self.0),
        }
    }
}

impl Store for Stepped {
    fn get(&self, key: &Key) -> Result<Option<Stored>> {
        self.step(|store| store.get(key))
    }

    fn put(
        &self,
        key: &Key,
        bytes: &[u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>> {
        self.step(|store| store.put(key, bytes, ttl, when))
    }

    fn delete(&self, key: &Key, when: Precondition) -> Result<bool> {
        self.step(|store| store.delete(key, when))
    }

    fn clear(&self, namespace: &Namespace) -> Result<()> {
        self.step(|store| store.clear(namespace))
    }
}

#[derive(Debug, Clone, Copy)]
enum Act {
    /// By one of the ids that the session has had.
    Open(u8),
    Save,
    Update,
    Touch,
    Regenerate,
    Delete,
    /// The last one: what comes then is another session.
    Invalidate,
    EndAll,
    EndOthers,
}

#[derive(Debug, Clone)]
struct Actor {
    acts: Vec<Act>,
    fault: Option<Fault>,
}

/// What all know of the one session.
#[derive(Default)]
struct Known {
    ids: Vec<SessionId>,
    /// Those that handles had when they were told that the session is gone.
    never: Vec<SessionId>,
    /// Those that handles had otherwise.
    maybe: Vec<SessionId>,
    /// By one that was told so.
    has_ended: bool,
    counted: usize,
    /// Changes whose save was told to be done.
    saved: i64,
}

struct World {
    /// Looked at by the test itself, past the schedule.
    sessions: Sessions,
    known: Mutex<Known>,
}

impl World {
    /// The session lives under no id that anybody knows, nor in the list of its user.
    fn check_has_ended(&self, known: &Known) {
        let listed = self.sessions.sessions_of("kimi").unwrap();
        for id in [&known.ids, &known.never, &known.maybe, &listed].into_iter().flatten() {
            let found = self.sessions.open(id).map(|session| session.id().to_string());
            assert!(found.is_err(), "{id:?} leads to the session at {found:?}");
        }
        assert_eq!(listed, []);
    }

    fn at(
        &self,
        act: Act,
        sessions: &Sessions,
        session: &mut Option<Session>,
        pending: &mut i64,
    ) -> Result<()> {
        if let Act::Open(number) = act {
            let id = {
                let known = self.known.lock().unwrap();
                known.ids[usize::from(number) % known.ids.len()]
            };
            if let Ok(opened) = sessions.open(&id) {
                (*session, *pending) = (Some(opened), 0);
            }
            return Ok(());
        }
        let done = match (act, session.as_mut()) {
            (Act::EndAll, _) => sessions.revoke_all("kimi", None).map(|count| (true, count)),
            (_, None) => return Ok(()),
            (Act::EndOthers, Some(session)) => {
                let count = sessions.revoke_all("kimi", Some(session.id()))?;
                let known = self.known.lock().unwrap();
                let is_its_own = known.ids.contains(session.id());
                assert!(!is_its_own || count == 0, "its own session was ended");
                // A move that came too late has left it with an id that never was the session's.
                Ok((!is_its_own && known.never.contains(session.id()), count))
            }
            (Act::Delete, Some(session)) => session.delete().map(|()| (true, 0)),
            (Act::Invalidate, Some(session)) => session.invalidate().map(|()| (true, 0)),
            (Act::Touch, Some(session)) => session.touch().map(|()| (false, 0)),
            (Act::Regenerate, Some(session)) => session.regenerate_id().map(|()| (false, 0)),
            (act, Some(session)) => {
                if matches!(act, Act::Update) && *pending == 0 {
                    session.update("counter", |old| old.and_then(Value::as_int).unwrap_or(0) + 1);
                    *pending = 1;
                }
                session.save().map(|()| (false, 0))
            }
        };
        // Nobody else goes on meanwhile.
        let mut known = self.known.lock().unwrap();
        if let Some(session) = session
            && !matches!(act, Act::Invalidate)
        {
            let is_saved = matches!(act, Act::Save | Act::Update | Act::Regenerate);
            let is_gone = done.as_ref().is_err_and(|error| error.kind() == ErrorKind::SessionGone);
            let all = match &done {
                Ok(_) if is_saved => &mut known.ids,
                Err(_) if is_gone => &mut known.never,
                _ => &mut known.maybe,
            };
            all.push(*session.id());
        }
        let (ends, count) = done?;
        known.counted += count;
        known.has_ended |= ends;
        if matches!(act, Act::Save | Act::Update | Act::Regenerate) {
            known.saved += std::mem::take(pending);
        }
        if known.has_ended {
            self.check_has_ended(&known);
        }
        Ok(())
    }

    fn play(&self, actor: &Actor, sessions: &Sessions, mut session: Option<Session>) {
        let mut pending = 0;
        for act in &actor.acts {
            match self.at(*act, sessions, &mut session, &mut pending) {
                // What failed goes on as it is, if not all of the process has crashed.
                Err(error) if error.kind() == ErrorKind::Storage => {
                    if actor.fault.is_some_and(|fault| fault.is_crash) {
                        return;
                    }
                }
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::SessionGone, "{act:?}: {error:?}");
                }
                Ok(()) => {}
            }
            if matches!(act, Act::Invalidate) {
                return;
            }
        }
    }
}

fn check(actors: Vec<Actor>, grace: Duration, max_per_user: usize, choices: Vec<u8>) {
    let store = Stepped(Arc::new(MemoryStore::new()));
    let on = |backend| Sessions::new(backend).grace(grace).max_per_user(max_per_user);
    // Each process has locks and turns of its own.
    let sessions = || on(Backend::new(store.clone(), LocalLocks::new()));
    let direct = Backend::new(Arc::clone(&store.0), LocalLocks::new());
    let world = World { sessions: on(direct), known: Mutex::default() };
    let mut first = world.sessions.create();
    first.set_user("kimi");
    first.save().unwrap();
    let id = *first.id();
    world.known.lock().unwrap().ids.push(id);
    let schedule = Schedule::new(actors.len(), choices);
    thread::scope(|scope| {
        for (number, actor) in actors.iter().enumerate() {
            let (world, schedule, sessions) = (&world, &schedule, sessions());
            scope.spawn(move || {
                let session = sessions.open(&id).unwrap();
                let schedule = Arc::clone(schedule);
                let stopped = Stopped { me: number, schedule, fault: actor.fault, operations: 0 };
                STOPPED.set(Some(stopped.clone()));
                // If an assertion fails, the others must not wait for this thread for ever.
                let schedule = Arc::clone(&stopped.schedule);
                let finish = Finish(Arc::clone(&schedule), number);
                schedule.stop(number);
                world.play(actor, &sessions, Some(session));
                STOPPED.set(None);
                drop(finish);
            });
        }
    });
    let known = world.known.into_inner().unwrap();
    let world = World { known: Mutex::default(), ..world };
    let has_faults = actors.iter().any(|actor| actor.fault.is_some());
    if known.has_ended {
        world.check_has_ended(&known);
    }
    assert!(known.counted <= 1, "one session was ended {} times", known.counted);
    if has_faults {
        return;
    }
    let acts = || actors.iter().flat_map(|actor| &actor.acts);
    if !known.has_ended {
        let found = known.ids.iter().find_map(|id| world.sessions.open(id).ok());
        let found = found.expect("nobody has ended it");
        let counter = found.get("counter").and_then(Value::as_int).unwrap_or(0);
        assert_eq!(counter, known.saved, "of what was saved");
        assert!(world.sessions.sessions_of("kimi").unwrap().contains(found.id()), "it is listed");
    } else if !acts().any(|act| matches!(act, Act::Delete | Act::Invalidate)) {
        assert_eq!(known.counted, 1, "it was ended once");
    }
}

struct Finish(Arc<Schedule>, usize);

impl Drop for Finish {
    fn drop(&mut self) {
        STOPPED.set(None);
        self.0.finish(self.1);
    }
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        any::<u8>().prop_map(Act::Open),
        Just(Act::Save),
        Just(Act::Update),
        Just(Act::Touch),
        Just(Act::Regenerate),
        Just(Act::Regenerate),
        Just(Act::Delete),
        Just(Act::Invalidate),
        Just(Act::EndAll),
        Just(Act::EndOthers),
    ]
}

fn actors(faults: BoxedStrategy<Option<Fault>>) -> impl Strategy<Value = Vec<Actor>> {
    let actor = (vec(act(), 1..5), faults).prop_map(|(acts, fault)| Actor { acts, fault });
    vec(actor, 2..4)
}

fn grace() -> impl Strategy<Value = Duration> {
    any::<bool>().prop_map(|grace| Duration::from_secs(if grace { 60 } else { 0 }))
}

fn most() -> impl Strategy<Value = usize> {
    prop_oneof![Just(1_usize), Just(1000)]
}

fn config() -> Config {
    Config { cases: length(1500, 3000, 20_000), ..Config::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_was_ended_has_ended(
        actors in actors(Just(None).boxed()),
        grace in grace(),
        most in most(),
        choices in vec(any::<u8>(), 0..120),
    ) {
        check(actors, grace, most, choices);
    }

    #[test]
    fn what_was_ended_has_ended_though_processes_crash_and_answers_are_lost(
        actors in actors(proptest::option::of(
            (0..12_usize, any::<bool>(), any::<bool>())
                .prop_map(|(operation, is_done, is_crash)| Fault { operation, is_done, is_crash }),
        ).boxed()),
        grace in grace(),
        most in most(),
        choices in vec(any::<u8>(), 0..120),
    ) {
        check(actors, grace, most, choices);
    }
}
