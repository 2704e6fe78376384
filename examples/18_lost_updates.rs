//! Two requests of one visitor at once: overwritten, and merged.

use std::thread;

use beaker::key::Namespace;
use beaker::store::Precondition;
use beaker::{Backend, Result, SessionId, Sessions, Value};

fn main() -> Result<()> {
    let backend = Backend::memory();
    overwrite(&backend)?;
    let sessions = Sessions::new(backend);
    let id = merge(&sessions)?;
    count(&sessions, &id)
}

/// What a plain store does, and many session libraries too.
fn overwrite(backend: &Backend) -> Result<()> {
    let key = Namespace::new("baskets").key("kimi");
    let read = || -> Result<String> {
        let stored = backend.store().get(&key)?;
        let bytes = stored.map(|stored| stored.bytes.to_vec());
        Ok(String::from_utf8_lossy(&bytes.unwrap_or_default()).into())
    };
    let write = |basket: String| {
        backend.store().put(&key, basket.as_bytes(), None, Precondition::Always)
    };
    let (one, two) = (read()?, read()?); // (1)
    write(one + "tea ")?;
    write(two + "cake ")?; // (2)
    println!("Overwritten: {}", read()?);
    Ok(())
}

fn merge(sessions: &Sessions) -> Result<SessionId> {
    let mut session = sessions.create();
    session.save()?;
    let id = *session.id();

    let (mut one, mut two) = (sessions.open(&id)?, sessions.open(&id)?); // (3)
    one.set("tea", 1);
    one.update("visits", add_one);
    one.save()?;
    two.set("cake", 1);
    two.update("visits", add_one); // (4)
    two.save()?; // (5)
    println!("Merged: {:?}", sessions.open(&id)?.values());
    Ok(id)
}

fn add_one(visits: Option<&Value>) -> i64 {
    visits.and_then(Value::as_int).unwrap_or(0) + 1
}

/// 16 threads, 100 visits each.
fn count(sessions: &Sessions, id: &SessionId) -> Result<()> {
    let visit = || -> Result<()> {
        let mut session = sessions.open(id)?;
        session.update("visits", add_one);
        session.save()
    };
    let visit_often = || (0..100).try_for_each(|_| visit());
    let done: Result<()> = thread::scope(|scope| {
        let threads = [(); 16].map(|()| scope.spawn(visit_often));
        threads.into_iter().try_for_each(|thread| {
            thread.join().expect("no panic") // (6)
        })
    });
    done?;
    println!("Visits: {:?}", sessions.open(id)?.require("visits")?);
    Ok(())
}
