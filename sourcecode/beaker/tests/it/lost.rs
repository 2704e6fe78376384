//! One of several servers lost, and back again, while 8 threads work: what is the same for all pools
//! and clusters.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use beaker::ErrorKind;
use beaker::key::{Key, Namespace};
use beaker::store::{Precondition, Store};

const THREADS: usize = 8;
const KEYS_EACH: usize = 16;

/// How the server is lost, and brought back.
pub struct Fate<'a> {
    pub stop: &'a mut dyn FnMut(),
    pub start_again: &'a mut dyn FnMut(),
}

pub fn key(number: usize) -> Key {
    Namespace::new("work").key(number.to_string())
}

pub fn keys() -> impl Iterator<Item = Key> {
    (0..THREADS * KEYS_EACH).map(key)
}

/// What the threads saw.
#[derive(Default)]
struct Seen {
    /// Keys with an error at any time.
    failed: Mutex<HashSet<Key>>,
    /// Keys that worked while the server was down.
    well: Mutex<HashSet<Key>>,
    slowest: Mutex<Duration>,
}

/// 8 threads write and read their own keys, and each knows what it wrote last. Errors come for the
/// keys of the lost server alone, within the deadline, nothing wrong is read, and all is well after.
pub fn check(
    store: &dyn Store,
    deadline: Duration,
    fate: Fate<'_>,
    is_on_the_lost_one: impl Fn(&Key) -> bool,
) {
    let (stop, is_down) = (AtomicBool::new(false), AtomicBool::new(false));
    let (done, rounds) = mpsc::channel();
    let seen = Seen::default();
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (stop, is_down, seen, done) = (&stop, &is_down, &seen, done.clone());
            scope.spawn(move || {
                let mut written = [None; KEYS_EACH];
                for round in 1_u64.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    for (slot, last) in written.iter_mut().enumerate() {
                        turn(store, &key(thread * KEYS_EACH + slot), round, last, is_down, seen);
                    }
                    // Nobody counts any more at the end.
                    let _ = done.send(thread);
                }
            });
        }
        // Stops the threads also if an assertion below fails.
        let _stopped = StopOnDrop(&stop);
        wait_for(&rounds, 10);
        (fate.stop)();
        is_down.store(true, Ordering::SeqCst);
        wait_for(&rounds, 30);
        is_down.store(false, Ordering::SeqCst);
        (fate.start_again)();
        wait_for(&rounds, 10);
    });

    let (failed, well) = (seen.failed.into_inner().unwrap(), seen.well.into_inner().unwrap());
    let mut lost = 0;
    for key in keys() {
        let was_lost = is_on_the_lost_one(&key);
        lost += usize::from(was_lost);
        assert_eq!(failed.contains(&key), was_lost, "{key:?}");
        assert_eq!(well.contains(&key), !was_lost, "{key:?}");
        let version = store.put(&key, b"after", None, Precondition::Always).unwrap().unwrap();
        assert_eq!(store.get(&key).unwrap().unwrap().version, version);
    }
    let slowest = seen.slowest.into_inner().unwrap();
    println!("{lost} of 128 keys were lost for a while; the slowest operation took {slowest:?}");
    assert!(lost > 0 && slowest < deadline * 2, "{slowest:?}");
    store.clear(key(0).namespace()).unwrap();
    assert!(keys().all(|key| store.get(&key).unwrap().is_none()));
}

fn turn(
    store: &dyn Store,
    key: &Key,
    round: u64,
    last: &mut Option<u64>,
    is_down: &AtomicBool,
    seen: &Seen,
) {
    let down_before = is_down.load(Ordering::SeqCst);
    let begun = Instant::now();
    let read = store.get(key);
    let read_took = begun.elapsed();
    let begun = Instant::now();
    let put = store.put(key, &round.to_le_bytes(), None, Precondition::Always);
    let took = read_took.max(begun.elapsed());
    let mut slowest = seen.slowest.lock().unwrap();
    *slowest = took.max(*slowest);
    drop(slowest);
    // A write that failed may have been done, and what was lost is gone; but nothing older comes.
    if let (Ok(Some(stored)), Some(last)) = (&read, *last) {
        let read = u64::from_le_bytes((&*stored.bytes).try_into().unwrap());
        assert!(read >= last && read < round, "{read}, not {last}");
    }
    if let Some(error) = read.as_ref().err().or(put.as_ref().err()) {
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        seen.failed.lock().unwrap().insert(key.clone());
    } else if down_before && is_down.load(Ordering::SeqCst) {
        seen.well.lock().unwrap().insert(key.clone());
    }
    if put.is_ok() {
        *last = Some(round);
    }
}

/// Waits until each thread has gone through its keys so many times more.
fn wait_for(rounds: &mpsc::Receiver<usize>, more: usize) {
    rounds.try_iter().for_each(drop);
    let mut left = [more; THREADS];
    while left.iter().any(|left| *left > 0) {
        let thread = rounds.recv_timeout(Duration::from_secs(60));
        let left = &mut left[thread.expect("nobody works any more")];
        *left = left.saturating_sub(1);
    }
}

struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
