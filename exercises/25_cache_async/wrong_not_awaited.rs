//! A page with a slow report, which another request may be making already.

use std::time::Duration;

use beaker::cache::{AsyncCache, OnTimeout};
use beaker::{ErrorKind, Result};
use tokio::sync::oneshot::{Receiver, channel};
use tokio::task;

async fn make(ready: Receiver<()>) -> String {
    let _ = ready.await;
    "42 orders".to_owned()
}

/// The report, or "in preparation" after 20 ms if another request makes it.
async fn page(cache: AsyncCache<String>, done: Receiver<()>) -> Result<String> {
    let patience = Duration::from_millis(20);
    let cache = cache.wait_timeout(patience, OnTimeout::Fail);
    match cache.get_or_create("report", || make(done)) {
        Err(error) if error.kind() == ErrorKind::Unavailable => {
            Ok("in preparation".to_owned())
        }
        other => other,
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let cache = AsyncCache::in_memory(10);
    let (say_ready, ready) = channel();
    let first = task::spawn(page(cache.clone(), ready));
    task::yield_now().await;
    let at_once = channel().1;
    println!("Second: {}", page(cache, at_once).await?);
    let _ = say_ready.send(());
    println!("First: {}", first.await.expect("no panic")?);
    Ok(())
}
