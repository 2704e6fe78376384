//! Sessions move to a new store while visitors come, and nobody is logged out.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use beaker::key::{Key, Namespace};
use beaker::lock::LocalLocks;
use beaker::store::conformance::{Subject, check};
use beaker::store::{MemoryStore, Precondition, Store, Stored, Version};
use beaker::{Backend, Clock, ManualClock, Result, Sessions};

/// How long a session lives at most: nothing that moved needs to stay longer.
const LIFE: Duration = Duration::from_secs(24 * 3600);

/// What is found in the old store moves to the new one.
#[derive(Debug)]
struct Moving {
    old: Arc<MemoryStore>,
    new: Arc<MemoryStore>,
    /// One at a time moves something.
    turn: Mutex<()>,
}

type Written = Result<Option<Version>>;

impl Moving {
    /// Moves the value of a key, if the old store still has it.
    fn fetch(&self, key: &Key) -> Result<()> {
        if self.new.get(key)?.is_some() {
            return Ok(());
        }
        let _turn = self.turn.lock().expect("nobody panics in turn");
        if let Some(Stored { bytes, .. }) = self.old.get(key)? {
            self.new.put(key, &bytes, Some(LIFE), Precondition::Absent)?;
            self.old.delete(key, Precondition::Always)?;
        }
        Ok(())
    }
}

impl Store for Moving {
    fn get(&self, key: &Key) -> Result<Option<Stored>> {
        self.fetch(key)?;
        self.new.get(key)
    }

    fn put(
        &self,
        key: &Key,
        bytes: &[u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> Written {
        self.new.put(key, bytes, ttl, when)
    }

    fn delete(&self, key: &Key, when: Precondition) -> Result<bool> {
        self.fetch(key)?;
        self.new.delete(key, when)
    }

    fn clear(&self, namespace: &Namespace) -> Result<()> {
        let _turn = self.turn.lock().expect("nobody panics in turn");
        self.old.clear(namespace)?;
        self.new.clear(namespace)
    }

    fn clock(&self) -> &dyn Clock {
        self.new.clock()
    }
}

fn main() -> Result<()> {
    let clock = Arc::new(ManualClock::default());
    let store = || Arc::new(MemoryStore::with_clock(clock.clone()));
    let (old, new) = (store(), store());
    let moving = || Moving {
        old: old.clone(),
        new: new.clone(),
        turn: Mutex::default(),
    };
    let sessions = |backend| Sessions::new(backend).clock(clock.clone());
    let before = sessions(Backend::new(old.clone(), LocalLocks::new()));
    let now = sessions(Backend::new(moving(), LocalLocks::new()));

    let [mut kimi, mut felipe] = [(); 2].map(|()| before.create());
    for session in [&mut kimi, &mut felipe] {
        session.set("visits", 1);
        session.save()?;
    }
    let (mut one, mut two) = (now.open(kimi.id())?, now.open(kimi.id())?);
    one.set("visits", 2);
    two.set("name", "Kimi");
    one.save()?;
    two.save()?;
    let kimi = now.open(kimi.id())?;
    println!("Moved: {:?} {:?}", kimi.get("visits"), kimi.get("name"));
    println!("In the old store: {}", before.open(kimi.id()).is_ok());

    now.open(felipe.id())?.delete()?;
    println!("Felipe after a log-out: {}", now.open(felipe.id()).is_ok());

    let both = moving();
    let days = Namespace::new("days");
    let (monday, tuesday) = (days.key("monday"), days.key("tuesday"));
    for day in [&monday, &tuesday] {
        old.put(day, b"taken", None, Precondition::Always)?;
    }
    let again = both.put(&monday, b"again", None, Precondition::Absent)?;
    println!("Monday is taken twice: {}", again.is_some());
    let freed = both.delete(&tuesday, Precondition::Always)?;
    println!("Tuesday is freed: {freed}, {}", both.get(&tuesday)?.is_none());
    old.put(&tuesday, b"taken", None, Precondition::Always)?;
    both.clear(&days)?;
    println!("All days are free: {}", both.get(&tuesday)?.is_none());

    let night = Namespace::new("night").key("key");
    old.put(&night, b"old", None, Precondition::Always)?;
    both.get(&night)?;
    clock.advance(2 * LIFE);
    println!("Two days later it is gone: {}", both.get(&night)?.is_none());

    check(&Subject::new(&both, |time| clock.advance(time)));
    println!("The contract is kept");
    Ok(())
}
