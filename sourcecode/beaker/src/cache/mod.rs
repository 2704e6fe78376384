//! [`Cache`]: what takes long to make is made once, and kept for a while.
//!
//! ```
//! use std::time::Duration;
//! use beaker::Backend;
//! use beaker::cache::Cache;
//!
//! # fn main() -> beaker::Result<()> {
//! let cache = Cache::new(Backend::memory(), "standings").expire(Duration::from_secs(60));
//! let points = || 25 + 18 + 15;
//! assert_eq!(cache.get_or_create("Kimi", points)?, 58);
//! let never = || -> i32 { panic!("it is there") };
//! assert_eq!(cache.get_or_create("Kimi", never)?, 58);
//! println!("{}", cache.numbers());
//! # Ok(())
//! # }
//! ```
//!
//! What happens to a call is dogpile.cache's algorithm: a fresh value is given, with no lock; of those
//! who find a stale one, one makes a new one while the others get the old one at once; of those who
//! find nothing, one makes it and all others wait for that one. How far "one" reaches, the locks of the
//! [back end](crate::Backend) say: threads, processes or hosts.
//!
//! Caches of one kind, by a name that code and settings share, are a [`Region`].
//!
//! A call may wait: for the store, for a creator, for another call. Async code has an `AsyncCache` (feature
//! `tokio`) instead.

mod age;
pub mod arguments;
mod bytes;
#[cfg(feature = "macros")]
#[doc(hidden)]
pub mod cached;
mod change;
mod envelope;
mod events;
mod failure;
mod flight;
mod flow;
mod handle;
mod hit;
mod local_invalidations;
mod made;
mod many;
mod name;
mod near;
mod numbers;
mod objects;
#[cfg(feature = "tokio")]
mod on_tokio;
mod open;
mod options;
mod own;
mod policy;
mod refresh;
mod region;
mod renew;
mod seen;
mod shared_invalidations;
mod shorten;
mod shown;
mod storage;
mod sync;
mod time;
mod turn;
mod writes;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use age::Freshness;
pub use arguments::{ArgumentKey, KeyPart};
#[cfg(feature = "macros")]
pub use beaker_macros::KeyPart;
use failure::{Failure, Failures};
use flight::Flights;
pub use made::Made;
use numbers::Counting;
pub use numbers::Numbers;
#[cfg(feature = "tokio")]
pub use on_tokio::AsyncCache;
use policy::Policy;
pub use policy::{Runner, Then};
use refresh::AllRefreshing;
pub use region::{Region, RegionOptions, Regions};
use seen::Seen;
use storage::Storage;
use time::Time;

use crate::error::Result;

/// Values by key, made when they are missing. A clone is the same cache, and may have other rules, for
/// one call say: `cache.clone().expire(time)`.
///
/// | of | kept as | seen by | a hit is |
/// |---|---|---|---|
/// | [`Cache::in_memory`] | they are, shared if they are in an `Arc` | threads | a look-up and a clone |
/// | [`Cache::new`] | bytes, through a codec | whoever shares the back end | one round trip |
/// | [`Cache::near`] | both | the same, a little later | a look-up and a clone |
pub struct Cache<V> {
    shared: Arc<Shared<V>>,
    policy: Policy,
    time: Time,
}

struct Shared<V> {
    storage: Storage<V>,
    flights: Flights<V, Failure>,
    failures: Failures,
    refreshing: AllRefreshing,
    counting: Counting,
    /// For how long a handle of this cache may give what has expired, at most: microseconds.
    longest_stale: AtomicU64,
    /// The function whose values alone are here.
    function: Option<&'static str>,
}

impl<V: Clone + Send + Sync + 'static> Cache<V> {
    /// The value of a key also if it is stale, with the time since its making began.
    ///
    /// # Errors
    ///
    /// What the store fails with.
    pub fn peek(&self, key: impl AsRef<[u8]>) -> Result<Option<(V, Duration)>> {
        let seen = self.look(key.as_ref())?;
        let is_there = self.freshness(&seen) != Freshness::Gone;
        let slot = seen.slot.filter(|_| is_there);
        Ok(slot.map(|slot| (slot.value, self.time.now().since(slot.age.made_at))))
    }

    /// Is there a fresh value?
    ///
    /// # Errors
    ///
    /// What the store fails with.
    pub fn contains(&self, key: impl AsRef<[u8]>) -> Result<bool> {
        Ok(self.freshness(&self.look(key.as_ref())?) == Freshness::Fresh)
    }

    /// What it has done so far.
    pub fn numbers(&self) -> Numbers {
        self.shared.counting.read()
    }

    /// How often what was stored turned out to be damaged, or of another type, and counted as missing.
    pub fn damaged(&self) -> u64 {
        self.shared.storage.damaged()
    }

    fn look(&self, key: &[u8]) -> Result<Seen<V>> {
        let landings = self.shared.flights.landings();
        let seen = self.shared.storage.look(key, &self.time)?;
        if let Some(slot) = &seen.slot {
            let longest = self.shared.longest_stale.load(Ordering::Relaxed);
            let longest = self.policy.stale_for.max(Duration::from_micros(longest));
            if slot.age.freshness(self.time.recent(), longest, seen.invalidated) == Freshness::Gone
            {
                self.shared.storage.discard(key, &slot.age);
            }
        }
        Ok(Seen { landings, ..seen })
    }

    fn freshness(&self, seen: &Seen<V>) -> Freshness {
        let Some(slot) = &seen.slot else { return Freshness::Gone };
        // A value that never expires needs no look at the clock.
        let now = self.time.recent();
        slot.age.freshness(now, self.policy.stale_for, seen.invalidated)
    }
}
