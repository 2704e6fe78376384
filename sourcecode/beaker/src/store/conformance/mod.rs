//! The contract of [`Store`] and [`AsyncStore`] as a test suite, for the stores of this crate and for your
//! own.
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

mod cases;

use std::fmt;
use std::pin::Pin;
use std::sync::Mutex;
use std::time::Duration;

use super::{
    AsyncStore, KeyCursor, KeyPage, Precondition, Put, Store, StoreFuture, Stored, SweepProgress,
    Version,
};
use crate::error::Result;
use crate::key::{Key, Namespace};

/// Holds a store under test, and a function that lets time pass for it.
pub struct Subject<'a> {
    store: Driven<'a>,
    pass: Box<dyn Fn(Duration) + Sync + 'a>,
}

impl fmt::Debug for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let store: &dyn fmt::Debug = match &self.store {
            Driven::Blocking(store) => store,
            Driven::Async(store, _) => store,
        };
        f.debug_tuple("Subject").field(store).finish()
    }
}

impl<'a> Subject<'a> {
    /// Takes a store, and a function that lets time pass: by moving a [`ManualClock`](crate::ManualClock),
    /// or by waiting if the clock is that of a server.
    pub fn new(store: &'a dyn Store, pass: impl Fn(Duration) + Sync + 'a) -> Subject<'a> {
        Subject { store: Driven::Blocking(store), pass: Box::new(pass) }
    }

    /// Takes an asynchronous store, and a function that polls a future to its end on the calling thread,
    /// such as `|future| runtime.block_on(future)` with a tokio runtime.
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

/// Runs every case, and panics at the first broken promise. The store must not be used by anything else
/// meanwhile.
pub fn check(subject: &Subject<'_>) {
    for (name, case) in CASES {
        eprintln!("conformance: {name}");
        case(subject);
    }
}

type Case = fn(&Subject<'_>);

/// The cases, by the promise that each checks.
const CASES: &[(&str, Case)] = &[
    ("1. what was put is what get gives", cases::a_put_is_seen),
    ("2. missing and expired are nothing", cases::missing_and_expired),
    ("3. each write has a version of its own", cases::versions_differ),
    ("4. Absent writes only where nothing lives", cases::absent),
    ("4. of several Absent at once one succeeds", cases::absent_at_once),
    ("5. Unchanged acts on that version only", cases::unchanged),
    ("5. of several Unchanged at once one succeeds", cases::unchanged_at_once),
    ("6. delete tells whether something was there", cases::delete),
    ("7. clear removes one namespace and no other", cases::clear),
    ("7. what was cleared does not come back", cases::clear_wins),
    ("8. keys and namespaces are anything, and never share", cases::keys),
    ("9. values from 0 to 900,000 bytes", cases::sizes),
    ("2. long times to live", cases::long_times_to_live),
    ("12. a batch is its single operations", cases::in_order),
    ("12. a large batch, and none", cases::large_and_empty),
    ("5. Unchanged does not act on what has expired", cases::unchanged_and_expired),
    ("11. a sweep removes what has expired and nothing else", cases::sweep),
    ("14. increment makes a counter and adds to it", cases::increment),
    ("14. a counter ends when its first call said", cases::increment_and_expired),
    ("14. what is no counter stays, and so does what is full", cases::increment_refused),
    ("14. what several count at once is all counted", cases::increment_at_once),
    ("15. keys lists what lives, or the store has no list", cases::listed),
];

fn key(name: &str) -> Key {
    Namespace::new("conformance").key(name)
}

/// Polls a future to its end.
type BlockOn<'a> = dyn Fn(Pin<Box<dyn Future<Output = ()> + Send + '_>>) + Sync + 'a;

/// A store of either kind, as blocking calls.
enum Driven<'a> {
    Blocking(&'a dyn Store),
    Async(&'a dyn AsyncStore, Box<BlockOn<'a>>),
}

/// Calls a blocking store, or drives what an asynchronous one is asked to its end.
macro_rules! asked {
    ($self:ident, $store:ident => $call:expr) => {
        match $self {
            Driven::Blocking($store) => $call,
            Driven::Async($store, block_on) => wait(block_on, $call),
        }
    };
}

impl Driven<'_> {
    fn get(&self, key: &Key) -> Result<Option<Stored>> {
        asked!(self, store => store.get(key))
    }

    fn put(
        &self,
        key: &Key,
        bytes: &[u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>> {
        asked!(self, store => store.put(key, bytes, ttl, when))
    }

    fn delete(&self, key: &Key, when: Precondition) -> Result<bool> {
        asked!(self, store => store.delete(key, when))
    }

    fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>> {
        asked!(self, store => store.get_many(keys))
    }

    fn put_many(&self, puts: &[Put<'_>]) -> Result<()> {
        asked!(self, store => store.put_many(puts))
    }

    fn delete_many(&self, keys: &[Key]) -> Result<()> {
        asked!(self, store => store.delete_many(keys))
    }

    fn increment(&self, key: &Key, by: u64, ttl: Option<Duration>) -> Result<u64> {
        asked!(self, store => store.increment(key, by, ttl))
    }

    fn clear(&self, namespace: &Namespace) -> Result<()> {
        asked!(self, store => store.clear(namespace))
    }

    fn keys(
        &self,
        namespace: &Namespace,
        from: Option<&KeyCursor>,
        most: usize,
    ) -> Result<KeyPage> {
        asked!(self, store => store.keys(namespace, from, most))
    }

    fn sweep(&self, most: usize) -> Result<SweepProgress> {
        asked!(self, store => store.sweep(most))
    }
}

fn wait<T: Send>(block_on: &BlockOn<'_>, future: StoreFuture<'_, T>) -> Result<T> {
    let result = Mutex::new(None);
    block_on(Box::pin(async {
        let done = future.await;
        *result.lock().expect("nobody else has it") = Some(done);
    }));
    let result = result.into_inner().expect("nobody else has it");
    result.expect("`block_on` polls the future to its end")
}
