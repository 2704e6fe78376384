//! A cache stampede: a hundred threads want one value at once, as a chart.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Barrier, Condvar, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use beaker::{Cache, Result};

const THREADS: usize = 100;

/// How long the query for the value takes.
const QUERY: Duration = Duration::from_millis(50);

/// One thread of a stampede.
pub struct Visitor<'a> {
    cache: &'a Cache<&'static str>,
    herd: &'a Herd,
    has_created: bool,
}

#[derive(Default)]
struct Herd {
    /// When all had looked, and the threads that need not wait had left.
    all_there: OnceLock<Instant>,
    left: AtomicU64,
}

impl Visitor<'_> {
    /// A slow query. Its time begins when all have looked, and the threads that
    /// need not wait have left: on a busy machine some threads come late.
    pub fn query(&mut self) -> &'static str {
        let are_all_there = || {
            let left = self.herd.left.load(Ordering::Relaxed);
            let numbers = self.cache.stats();
            let looks = numbers.hits + numbers.misses + numbers.stale;
            looks >= THREADS as u64 && left >= numbers.stale
        };
        while self.herd.all_there.get().is_none() && !are_all_there() {
            thread::sleep(Duration::from_millis(1));
        }
        self.herd.all_there.get_or_init(Instant::now);
        thread::sleep(QUERY);
        self.has_created = true;
        "new"
    }
}

/// What a visitor got, and after how many lengths of a query.
struct Visit {
    has_created: bool,
    got: &'static str,
    queries: usize,
}

/// Runs a stampede on a cache that no thread has looked into yet, and shows
/// what happened.
pub fn run(
    cache: &Cache<&'static str>,
    get: impl Fn(&mut Visitor) -> Result<&'static str> + Sync,
) -> Result<()> {
    let (start, herd) = (Barrier::new(THREADS), Herd::default());
    let visit = || {
        let mut visitor = Visitor { cache, herd: &herd, has_created: false };
        start.wait();
        let got = get(&mut visitor)?;
        let time =
            herd.all_there.get().map_or(Duration::ZERO, Instant::elapsed);
        herd.left.fetch_add(1, Ordering::Relaxed);
        let queries = roughly(time.as_millis() / QUERY.as_millis());
        Ok(Visit { has_created: visitor.has_created, got, queries })
    };
    let visits: Result<Vec<Visit>> = thread::scope(|scope| {
        let threads = [(); THREADS].map(|()| scope.spawn(visit));
        let visits = threads.map(|thread| thread.join().expect("no panic"));
        visits.into_iter().collect()
    });
    let mut visits = visits?;
    visits.sort_by_key(|visit| (!visit.has_created, visit.queries));
    show(&visits);
    Ok(())
}

/// One digit is enough, and a busy machine wakes threads late: 1 is 1 to 9.
fn roughly(queries: u128) -> usize {
    match queries {
        0 => 0,
        1..10 => 1,
        more => more as usize / 10 * 10,
    }
}

/// Every tenth visitor has a line; the visitors that queried come first.
fn show(visits: &[Visit]) {
    println!("      0 ms      50 ms");
    for (number, visit) in visits.iter().enumerate().step_by(THREADS / 10) {
        let doing = if visit.has_created { "#" } else { "." };
        let time = doing.repeat(10 * visit.queries);
        println!("{:>5} {time}| {}", number + 1, visit.got);
    }
    let creations = visits.iter().filter(|visit| visit.has_created).count();
    println!("    computed: {creations}");
    for value in ["old", "new"] {
        let got = visits.iter().filter(|visit| visit.got == value);
        if let Some(last) = got.clone().map(|visit| visit.queries).max() {
            let when = match last as u128 * QUERY.as_millis() {
                0 => "at once".to_owned(),
                time => format!("after about {time} ms"),
            };
            println!("    got the {value} one: {}, {when}", got.count());
        }
    }
}

/// A slow query: it ends as soon as `many` of them run, or after two seconds,
/// so that they meet even on a slow machine.
pub fn slow_query(many: usize) -> u32 {
    static RUNNING: Mutex<usize> = Mutex::new(0);
    static MORE: Condvar = Condvar::new();
    let mut running = RUNNING.lock().expect("nobody panics with it");
    *running += 1;
    MORE.notify_all();
    let limit = Duration::from_secs(2);
    let few = |running: &mut usize| *running < many;
    drop(MORE.wait_timeout_while(running, limit, few));
    110
}
