//! Local tiers of two processes, and all orders in which the parts of their calls can happen: no copy is shown
//! that is older than the interval, and a call that is dropped holds nothing up.
//!
//! Each operation of the store is pending before it and after it, so its answer may arrive late. What a process
//! does is a future, and a schedule says which one is polled next.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use beaker::lock::LocalLocks;
use beaker::{AsyncBackend, AsyncSession, AsyncSessions, Clock, ManualClock, Signer, Value};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::Config;

use crate::halting::Halting;
use crate::length::length;

const TIME: Duration = Duration::from_secs(60);
const EVERY: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

type Actor<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

fn poll(actor: &mut Actor<'_>) -> bool {
    actor.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

/// Polls until it is done. Nothing that is asked here waits for somebody else.
fn done<T>(future: impl Future<Output = T>) -> T {
    let mut future = Box::pin(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..10_000 {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
    panic!("it never ends");
}

/// A session of two processes, and what is known of it.
struct World {
    clock: Arc<ManualClock>,
    writes: AsyncSessions,
    reads: AsyncSessions,
    session: RefCell<AsyncSession>,
    cookie: String,
    /// When a save returned, and the value that it has left.
    saves: RefCell<Vec<(Duration, i64)>>,
    shown: Cell<usize>,
}

impl World {
    fn new() -> World {
        let (store, clock) = (Halting::default(), Arc::new(ManualClock::default()));
        let process = || {
            AsyncSessions::new(AsyncBackend::new(store.clone(), LocalLocks::new()))
                .signed_by(Signer::new(["0123456789abcdef0123456789abcdef"]).unwrap())
                .timeout(HOUR)
                .touch_every(HOUR / 10)
                .clock(clock.clone())
                .local_tier(100, TIME)
                .check_tier_every(EVERY)
        };
        let (writes, reads) = (process(), process());
        let mut session = writes.create();
        session.set("points", 0);
        done(session.save()).unwrap();
        let header = session.set_cookie().unwrap().unwrap();
        let cookie = header.split(';').next().unwrap().to_owned();
        let saves = RefCell::new(vec![(clock.monotonic(), 0)]);
        let (session, shown) = (RefCell::new(session), Cell::new(0));
        World { clock, writes, reads, session, cookie, saves, shown }
    }

    /// Saves by the handle that is there, and then by one that has loaded it.
    #[expect(clippy::await_holding_refcell_ref, reason = "there is one writer")]
    async fn write(&self, times: i64) {
        for value in 1..=times {
            let mut session = self.session.borrow_mut();
            if value > 1 {
                *session = self.writes.load(Some(&self.cookie)).await.unwrap();
            }
            session.set("points", value);
            session.save().await.unwrap();
            self.saves.borrow_mut().push((self.clock.monotonic(), value));
        }
    }

    async fn read(&self, times: usize) {
        for _ in 0..times {
            let asked = self.clock.monotonic();
            let session = self.reads.load(Some(&self.cookie)).await.unwrap();
            let shown = session.get("points").and_then(Value::as_int).unwrap();
            let saves = self.saves.borrow();
            let known = saves.iter().rev().find(|(returned, _)| *returned + EVERY <= asked);
            assert!(known.is_none_or(|(_, least)| shown >= *least), "{shown} of {saves:?}");
            self.shown.set(self.shown.get() + 1);
        }
    }

    async fn pass(&self, times: u32) {
        for _ in 0..times {
            self.clock.advance(EVERY / 2);
            tokio::task::yield_now().await;
        }
    }
}

/// Polls the actors in an order: the numbers of those that are not done yet, of each the place among them.
/// Returns how many there were to choose from at each step.
fn play(mut actors: Vec<Actor<'_>>, order: &[usize]) -> Vec<usize> {
    let mut choices = Vec::new();
    while !actors.is_empty() {
        let choice = order.get(choices.len()).map_or(0, |choice| choice % actors.len());
        choices.push(actors.len());
        if poll(&mut actors[choice]) {
            drop(actors.remove(choice));
        }
    }
    choices
}

/// The next order after this one, if there is one.
fn next(mut order: Vec<usize>, choices: &[usize]) -> Option<Vec<usize>> {
    order.resize(choices.len(), 0);
    for step in (0..order.len()).rev() {
        if order[step] + 1 < choices[step] {
            order[step] += 1;
            order.truncate(step + 1);
            return Some(order);
        }
    }
    None
}

#[test]
fn a_save_and_a_load_in_each_order() {
    let (mut orders, steps) = (0, length(2, 3, 3));
    let mut order = Some(Vec::new());
    while let Some(this) = order {
        let world = World::new();
        // It has a copy, and its last check is of now.
        done(world.read(3));
        let actors: Vec<Actor<'_>> =
            vec![Box::pin(world.write(1)), Box::pin(world.read(1)), Box::pin(world.pass(steps))];
        let choices = play(actors, &this);
        // What it has kept meanwhile is not shown for long either.
        world.clock.advance(EVERY);
        done(world.read(1));
        assert_eq!(world.shown.get(), 5);
        orders += 1;
        order = next(this, &choices);
    }
    println!("{orders} orders");
    assert!(orders > 1000);
}

#[derive(Debug, Clone)]
struct Played {
    has_copy: bool,
    writes: i64,
    readers: Vec<usize>,
    order: Vec<usize>,
}

fn played() -> impl Strategy<Value = Played> {
    let readers = vec(1_usize..5, 1..4);
    (any::<bool>(), 1_i64..4, readers, vec(0_usize..12, 0..60))
        .prop_map(|(has_copy, writes, readers, order)| Played { has_copy, writes, readers, order })
}

proptest! {
    #![proptest_config(Config { cases: length(2000, 20_000, 400_000), ..Config::default() })]

    #[test]
    fn several_readers_of_one_process_in_some_orders(played in played()) {
        let world = World::new();
        if played.has_copy {
            done(world.read(3));
        }
        let mut actors: Vec<Actor<'_>> =
            vec![Box::pin(world.write(played.writes)), Box::pin(world.pass(12))];
        for times in &played.readers {
            actors.push(Box::pin(world.read(*times)));
        }
        play(actors, &played.order);
        world.clock.advance(EVERY);
        done(world.read(1));
    }
}

#[test]
fn a_load_that_is_dropped_while_it_checks_holds_nothing_up() {
    for polls in 0..8 {
        let world = World::new();
        done(world.read(3));
        done(world.write(1));
        world.clock.advance(EVERY);
        let mut load: Actor<'_> = Box::pin(world.read(1));
        for _ in 0..polls {
            if poll(&mut load) {
                break;
            }
        }
        drop(load);
        done(world.read(3));
        world.clock.advance(EVERY);
        done(world.read(1));
    }
}

/// While one request checks, others are not held up: they ask the store.
#[test]
fn one_request_checks_and_the_others_go_to_the_store() {
    let world = World::new();
    done(world.read(3));
    world.clock.advance(EVERY);
    let mut checks: Actor<'_> = Box::pin(world.read(1));
    assert!(!poll(&mut checks), "it waits for the counters");
    done(world.read(1));
    assert!(!poll(&mut checks));
    // The one that was dropped by the check is read again.
    done(world.read(1));
    done(checks);
    assert_eq!(world.shown.get(), 6);
}

#[test]
fn a_save_that_is_dropped_before_it_is_announced_is_seen_when_the_copy_is_over() {
    for polls in 1..8 {
        let world = World::new();
        done(world.read(3));
        let mut save: Actor<'_> = Box::pin(world.write(1));
        let is_done = (0..polls).any(|_| poll(&mut save));
        drop(save);
        world.clock.advance(TIME);
        let shown = done(world.reads.load(Some(&world.cookie))).unwrap();
        let shown = shown.get("points").and_then(Value::as_int);
        assert!(shown == Some(1) || !is_done, "{polls}: {shown:?}");
        let stored = done(world.reads.open(world.session.borrow().id())).unwrap();
        assert_eq!(shown, stored.get("points").and_then(Value::as_int));
    }
}
