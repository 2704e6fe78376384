//! Kills the process that holds a lock, and takes the lock at once.

mod common;

use std::sync::Arc;

use beaker::key::Namespace;
use beaker::lock::{self, Locks};
use common::children::{Children, hear, say};

/// Locks for all processes of one host, which are freed when a holder dies.
fn locks() -> Arc<dyn Locks> {
    let url = std::env::var("REDIS_URL").unwrap_or_default();
    let backend = beaker::Backend::open("ext:redis", &[("url", &url)]).unwrap();
    let time = std::time::Duration::from_secs(2);
    let clock = Arc::new(beaker::SystemClock);
    Arc::new(lock::LeaseLocks::with(backend.store().clone(), time, clock))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let key = Namespace::new("dogpile").key("drivers");
    if std::env::var("DOGPILE_CHILD").is_ok() {
        let _held = locks().lock(&key)?;
        say("it holds the lock");
        hear();
    }
    let locks = locks();
    let mut children = Children::start(1, "DOGPILE_CHILD", "yes")?;
    println!("The child: {}", children.hear()?.1);
    println!("Free: {}", locks.try_lock(&key)?.is_some());
    children.kill(0)?;
    println!("The child is killed. Free: {}", locks.try_lock(&key)?.is_some());
    Ok(())
}
