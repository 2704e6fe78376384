//! Nobody waits for a new value, and one worker computes all of them.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::Arc;
use std::time::Duration;

use beaker::cache::Cache;
use beaker::{ManualClock, Result, Timestamp};

type Work = Box<dyn FnOnce() + Send>;

const MINUTE: Duration = Duration::from_secs(60);

/// A value is fresh for a minute, and shown for an hour more. A new one is
/// computed by the worker at the other end of the queue.
fn cache(clock: Arc<ManualClock>, queue: Sender<Work>) -> Cache<u32> {
    let executor = move |work| {
        // Nobody takes it when the worker has ended, and the value stays stale.
        let _ = queue.send(work);
    };
    let cache = Cache::in_memory(10).ttl(MINUTE).stale_for(60 * MINUTE);
    cache.clock(clock).executor(Arc::new(executor))
}

/// The standings: at once, if there are any.
fn standings(cache: &Cache<u32>, season: &Arc<Season>) -> Result<u32> {
    cache.get_or_refresh("standings", || Ok(season.query()))
}

#[derive(Debug, Default)]
struct Season(AtomicU32);

impl Season {
    /// The database has another number each time.
    fn query(&self) -> u32 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }
}

fn main() -> Result<()> {
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(0)));
    let (queue, worker) = channel();
    let cache = cache(clock.clone(), queue);
    let season = Arc::new(Season::default());
    println!("The first visitor: {}", standings(&cache, &season)?);

    for _ in 0..2 {
        clock.advance(2 * MINUTE);
        for visitor in 1..=3 {
            let seen = standings(&cache, &season)?;
            println!("Too old, visitor {visitor}: {seen}");
        }
        let work: Vec<Work> = worker.try_iter().collect();
        println!("In the queue: {}", work.len());
        work.into_iter().for_each(|work| work());
        println!("After the worker: {}", standings(&cache, &season)?);
    }
    println!("Queries: {}", season.0.load(Ordering::Relaxed));
    Ok(())
}
