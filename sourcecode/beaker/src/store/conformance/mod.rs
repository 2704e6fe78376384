//! The contract of [`Store`] and [`AsyncStore`] as a suite, for any implementation: of this crate or a
//! reader's own.
//!
//! ```
//! use std::sync::Arc;
//! use beaker::store::{MemoryStore, conformance::{Subject, check}};
//! use beaker::ManualClock;
//!
//! let clock = Arc::new(ManualClock::default());
//! let store = MemoryStore::with_clock(clock.clone());
//! check(&Subject::new(&store, |time| clock.advance(time)));
//! ```

mod batches;
mod conditions;
mod content;
mod driven;

use std::pin::Pin;
use std::time::Duration;

use driven::Driven;

use super::{AsyncStore, Precondition, Put, Store, Version};
use crate::key::{Key, Namespace};

/// A store under test, and how time passes for it.
pub struct Subject<'a> {
    store: Driven<'a>,
    pass: Box<dyn Fn(Duration) + Sync + 'a>,
}

impl<'a> Subject<'a> {
    /// Takes a store, and a function that lets time pass: by moving a
    /// [`ManualClock`](crate::ManualClock), or by waiting where the clock is a server's.
    pub fn new(store: &'a dyn Store, pass: impl Fn(Duration) + Sync + 'a) -> Subject<'a> {
        Subject { store: Driven::Blocking(store), pass: Box::new(pass) }
    }

    /// Takes an asynchronous store, and a function that polls a future to its end, for any thread that
    /// calls it: `|future| runtime.block_on(future)` with a runtime of tokio.
    ///
    /// ```no_run
    /// # use beaker::store::{AsyncStore, conformance::{Subject, check}};
    /// # fn test(store: &dyn AsyncStore) {
    /// let runtime = tokio::runtime::Runtime::new().unwrap();
    /// let block_on = |future: std::pin::Pin<Box<dyn Future<Output = ()> + Send + '_>>| {
    ///     runtime.block_on(future)
    /// };
    /// check(&Subject::of_async(store, block_on, std::thread::sleep));
    /// # }
    /// ```
    pub fn of_async(
        store: &'a dyn AsyncStore,
        block_on: impl Fn(Pin<Box<dyn Future<Output = ()> + Send + '_>>) + Sync + 'a,
        pass: impl Fn(Duration) + Sync + 'a,
    ) -> Subject<'a> {
        let store = Driven::Async(store, Box::new(block_on));
        Subject { store, pass: Box::new(pass) }
    }

    fn get(&self, key: &Key) -> Option<Vec<u8>> {
        self.store.get(key).expect("get").map(|stored| stored.bytes.to_vec())
    }

    fn put(&self, key: &Key, bytes: &[u8]) -> Version {
        self.put_when(key, bytes, Precondition::Always).expect("`Always` is always met")
    }

    fn put_many(&self, all: &[(Key, Vec<u8>)], ttl: Option<Duration>) {
        let puts: Vec<_> = all.iter().map(|(key, bytes)| Put { key, bytes, ttl }).collect();
        self.store.put_many(&puts).expect("put_many");
    }

    fn get_many(&self, keys: &[Key]) -> Vec<Option<Vec<u8>>> {
        let stored = self.store.get_many(keys).expect("get_many");
        stored.into_iter().map(|stored| stored.map(|stored| stored.bytes.to_vec())).collect()
    }

    fn put_when(&self, key: &Key, bytes: &[u8], when: Precondition) -> Option<Version> {
        self.store.put(key, bytes, None, when).expect("put")
    }
}

/// Runs every case, and panics at the first broken promise. Give it a store that nobody else uses.
pub fn check(subject: &Subject<'_>) {
    for (name, case) in CASES {
        eprintln!("conformance: {name}");
        case(subject);
    }
}

type Case = fn(&Subject<'_>);

/// The cases, by the promise that each checks.
const CASES: &[(&str, Case)] = &[
    ("1. what was put is what get gives", content::a_put_is_seen),
    ("2. missing and expired are nothing", content::missing_and_expired),
    ("3. each write has a version of its own", content::versions_differ),
    ("4. Absent writes only where nothing lives", conditions::absent),
    ("4. of several Absent at once one succeeds", conditions::absent_at_once),
    ("5. Unchanged acts on that version only", conditions::unchanged),
    ("5. of several Unchanged at once one succeeds", conditions::unchanged_at_once),
    ("6. delete tells whether something was there", conditions::delete),
    ("7. clear removes one namespace and no other", content::clear),
    ("7. what was cleared does not come back", content::clear_wins),
    ("8. keys and namespaces are anything, and never share", content::keys),
    ("9. values from 0 to 900,000 bytes", content::sizes),
    ("2. long times to live", content::long_times_to_live),
    ("12. a batch is its single operations", batches::in_order),
    ("12. a large batch, and none", batches::large_and_empty),
    ("5. Unchanged does not act on what has expired", conditions::unchanged_and_expired),
    ("11. a sweep removes what has expired and nothing else", content::sweep),
];

fn key(name: &str) -> Key {
    Namespace::new("conformance").key(name)
}
