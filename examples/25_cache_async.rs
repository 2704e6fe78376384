//! Loaders that are tasks: callers come and go, and ten thousand loaders wait.

use std::{pin::Pin, sync::Arc, time::Duration};

use beaker::cache::{AsyncCache, OnTimeout};
use beaker::{ManualClock, Result};
use tokio::{runtime::Handle, sync::oneshot, task};

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<()> {
    callers_come_and_go().await?;
    old_prices_at_once().await?;
    let cache = AsyncCache::in_memory(20_000);
    println!("Added up: {}", sum(cache, 10_000).await?);
    Ok(())
}

/// The first caller of a slow report is gone before it is ready.
async fn callers_come_and_go() -> Result<()> {
    let cache: AsyncCache<&str> = AsyncCache::in_memory(100);
    let (say_begun, begun) = oneshot::channel();
    let (say_ready, ready) = oneshot::channel::<()>();
    let report = async {
        let _ = say_begun.send(());
        let _ = ready.await; // (1)
        "the long report"
    };
    let mine = cache.clone();
    let caller =
        task::spawn(
            async move { mine.get_or_create("report", || report).await },
        );
    let _ = begun.await;
    caller.abort(); // (2)
    println!("Cancelled: {}", caller.await.is_err());
    let patience = Duration::from_millis(20);
    for then in [OnTimeout::Fail, OnTimeout::Create] {
        let impatient = cache.clone().wait_timeout(patience, then); // (3)
        let short = || async { "a short one" };
        match impatient.get_or_create("report", short).await {
            Ok(report) => println!("{then:?}: {report}"),
            Err(error) => println!("{then:?}: {error}"),
        }
    }
    let _ = say_ready.send(());
    let another = || async { "a second one" };
    let report = cache.get_or_create("report", another).await?;
    println!("Patient: {report}"); // (4)
    Ok(())
}

/// A price that is a minute old is shown while the new one is on its way.
async fn old_prices_at_once() -> Result<()> {
    let (minute, clock) = (Duration::from_secs(60), ManualClock::default());
    let clock = Arc::new(clock);
    let cache = AsyncCache::in_memory(100).clock(clock.clone());
    let cache = cache.ttl(minute).stale_for(10 * minute);
    cache.put("tea", 3).await?;
    clock.advance(2 * minute);
    let new_price = || async { Result::Ok(4) };
    let shown = cache.get_or_refresh("tea", new_price).await?; // (5)
    while cache.get("tea").await? != Some(4) {
        task::yield_now().await;
    }
    println!("Shown: {shown}, and soon after: 4");
    Ok(())
}

type Sum = Pin<Box<dyn Future<Output = Result<u64>> + Send>>;

/// 1 + 2 + … + `last`; each sum is kept, and made of the one before.
fn sum(cache: AsyncCache<u64>, last: u64) -> Sum {
    Box::pin(async move {
        let sums = cache.clone();
        let add = move || async move {
            if last == 1 {
                let now = Handle::current().metrics(); // (6)
                let (tasks, threads) =
                    (now.num_alive_tasks(), now.num_workers());
                println!("{tasks} tasks wait on {threads} threads");
                return Ok(1);
            }
            Result::Ok(last + sum(sums, last - 1).await?) // (7)
        };
        cache.try_get_or_create(last, add).await
    })
}
