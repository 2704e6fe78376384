//! Three processes want one value, and the one that computes it is killed.

mod common;

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{env, process, thread};

use beaker::lock::LeaseLocks;
use beaker::{Backend, Cache, SystemClock};
use common::children::{Children, hear, say};
use common::server;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const PROCESSES: usize = 3;
const THREADS: usize = 20;
const QUERY: Duration = Duration::from_millis(50);
const LEASE: Duration = Duration::from_millis(500);
const NAME: &str = "DOGPILE_CACHE";

fn main() -> Result<()> {
    match env::var(NAME) {
        Ok(name) => be_a_child(&open(&name)?),
        Err(_) => be_the_parent(),
    }
}

fn open(name: &str) -> Result<Cache<String>> {
    let url = server::url("REDIS_URL", "redis://127.0.0.1:6379/")?;
    let backend = Backend::open("ext:redis", &[("url", &url)])?;
    let clock = Arc::new(SystemClock);
    let locks = LeaseLocks::with(backend.store().clone(), LEASE, clock); // (1)
    let backend = backend.with_locks(locks);
    Ok(Cache::new(backend, name).ttl(Duration::from_secs(60)))
}

fn be_a_child(cache: &Cache<String>) -> ! {
    let get = |key: &str| {
        let query = || {
            say("query"); // (2)
            hear()
        };
        match cache.get_or_create(key, query) {
            Ok(_) => say("has it"),
            Err(error) => say(&error.to_string()),
        }
    };
    loop {
        let key = hear();
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| get(&key)); // (3)
            }
        });
    }
}

fn be_the_parent() -> Result<()> {
    let name = format!("dogpile {}", process::id());
    drop(open(&name)?);
    let mut children = Children::start(PROCESSES, NAME, &name)?;
    println!("{PROCESSES} processes with {THREADS} threads each");
    answer(&mut children, "drivers", false)?;
    println!("\nThe same, but the process that computes it is killed");
    answer(&mut children, "teams", true)
}

/// Plays the database until all threads have the value.
fn answer(children: &mut Children, key: &str, kills: bool) -> Result<()> {
    let (mut with_value, mut alive, mut killed) = (0, PROCESSES, None);
    children.tell_all(key)?;
    while with_value < alive * THREADS {
        let (child, line) = children.hear()?;
        match line.as_str() {
            "query" if kills && killed.is_none() => {
                children.kill(child)?; // (4)
                killed = Some(Instant::now());
                alive -= 1;
                println!("    a query: its process is killed");
            }
            "query" => {
                let when = killed.map_or("", since);
                println!("    a query{when}: it is answered");
                thread::sleep(QUERY);
                children.tell(child, "Räikkönen")?; // (5)
            }
            "has it" => with_value += 1,
            error => return Err(error.into()),
        }
    }
    println!("    threads with the value: {with_value}");
    Ok(())
}

fn since(killed: Instant) -> &'static str {
    match killed.elapsed() {
        time if time < LEASE / 2 => ", at once",
        time if time < LEASE * 3 => ", when the lease has run out",
        _ => ", much later",
    }
}
