//! Ten thousand asynchronous loaders that each ask for another key, on a runtime of two threads: whether
//! all of them end, and how long an unrelated `spawn_blocking` takes meanwhile.

use std::process::exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use beaker::cache::{AsyncCache, Cache};
use beaker::{Backend, Result};
use servers::Redis;
use tokio::sync::Notify;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{sleep, timeout};

const LOADERS: usize = 10_000;

/// After so long, what has not ended stands still.
const PATIENCE: Duration = Duration::from_secs(60);

/// What an unrelated `spawn_blocking` may take.
const UNRELATED: Duration = Duration::from_millis(10);

fn main() {
    measure("memory", Cache::in_memory(4 * LOADERS));
    let redis = Redis::for_programs().unwrap();
    println!("{}", redis.describe());
    let backend = Backend::open("ext:redis", &[("url", &redis.url())]).unwrap();
    measure("redis", Cache::new(backend, "loaders"));
    // Threads that stand still are not waited for.
    exit(0);
}

fn measure(store: &str, cache: Cache<u64>) {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(2).enable_all().build().unwrap();
    let cache = AsyncCache::new(cache);
    let ended = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();
    let (unrelated, asked) = runtime.block_on(async {
        let done = Arc::new(AtomicBool::new(false));
        let unrelated = tokio::spawn(unrelated(Arc::clone(&done)));
        // So that the probe is at work before they come.
        tokio::task::yield_now().await;
        let all = load_all(cache, Arc::clone(&ended));
        let _ = timeout(PATIENCE, all).await;
        done.store(true, Ordering::Relaxed);
        unrelated.await.unwrap()
    });
    let ended = ended.load(Ordering::Relaxed);
    let verdict = if ended == LOADERS { "reached" } else { "MISSED" };
    println!(
        "==> loaders: nested, {store}: {ended} ended in {:.1?}; limit {LOADERS}: {verdict}",
        begun.elapsed(),
    );
    let verdict = if unrelated <= UNRELATED { "reached" } else { "MISSED" };
    println!(
        "==> loaders: an unrelated spawn_blocking, {store}: {:.2} ms at most, of {asked}; limit {UNRELATED:?}: {verdict}",
        unrelated.as_secs_f64() * 1e3,
    );
    runtime.shutdown_background();
}

/// All loaders have begun before the first of them asks for its other key.
async fn load_all(cache: AsyncCache<u64>, ended: Arc<AtomicUsize>) {
    let (begun, all_begun) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let mut tasks = JoinSet::new();
    for number in 0..LOADERS {
        let (cache, ended) = (cache.clone(), Arc::clone(&ended));
        let (begun, all_begun) = (Arc::clone(&begun), Arc::clone(&all_begun));
        tasks.spawn(async move {
            let inner = cache.clone();
            let outer = move || async move {
                let wait = all_begun.notified();
                if begun.fetch_add(1, Ordering::AcqRel) + 1 == LOADERS {
                    all_begun.notify_waiters();
                } else {
                    wait.await;
                }
                let other = format!("inner {number}");
                Ok::<u64, beaker::Error>(inner.get_or_create(other, || async { 1 }).await? + 1)
            };
            let value: Result<u64> =
                cache.try_get_or_create(format!("outer {number}"), outer).await;
            assert_eq!(value.unwrap(), 2);
            ended.fetch_add(1, Ordering::Relaxed);
        });
    }
    tasks.join_all().await;
}

/// The longest that a call took, and how many there were. One that does not come back counts as well.
async fn unrelated(done: Arc<AtomicBool>) -> (Duration, usize) {
    let (mut longest, mut asked) = (Duration::ZERO, 0);
    while !done.load(Ordering::Relaxed) {
        let begun = Instant::now();
        let _ = timeout(PATIENCE, spawn_blocking(|| ())).await;
        longest = longest.max(begun.elapsed());
        asked += 1;
        sleep(Duration::from_millis(1)).await;
    }
    (longest, asked)
}
