//! The holders of leases: which threads of this process hold which leases, and whether other holders are
//! alive.
//!
//! The value of a lease in the store identifies the lock operation that took it. So a thread can be told
//! that it waits for its own lease, even if the store was opened twice through two addresses of one server.
//!
//! The store expires a lease by the time of day. If that is set back by an hour, a lease without a holder
//! would remain for an hour. Therefore waiting callers check the lease now and then: if its whole length
//! has passed without a renewal, its holder is gone.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use crate::key::Key;
use crate::store::Version;

/// The leases of each thread that has some. Held only for short operations.
static TAKEN: LazyLock<Mutex<HashMap<ThreadId, Vec<u64>>>> = LazyLock::new(Mutex::default);

/// A lease that a thread of this process took, until this is dropped in any thread.
#[derive(Debug)]
pub(super) struct Taken {
    thread: ThreadId,
    number: u64,
}

impl Taken {
    /// Notes that this thread has taken a lease.
    pub(super) fn note(number: u64) -> Taken {
        let thread = thread::current().id();
        taken().entry(thread).or_default().push(number);
        Taken { thread, number }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let mut taken = taken();
        if let Some(numbers) = taken.get_mut(&self.thread) {
            if let Some(at) = numbers.iter().rposition(|number| *number == self.number) {
                numbers.swap_remove(at);
            }
            if numbers.is_empty() {
                taken.remove(&self.thread);
            }
        }
    }
}

/// Returns a number that no other lock operation has, in this process or another.
pub(super) fn fresh() -> u64 {
    Version::fresh().number()
}

/// Returns whether this thread has any lease.
pub(super) fn has_any() -> bool {
    taken().contains_key(&thread::current().id())
}

/// Returns the value of a lease in the store: the number of the lock operation, and the length in
/// microseconds.
pub(super) fn bytes(number: u64, length: Duration) -> [u8; 16] {
    let length = u64::try_from(length.as_micros()).unwrap_or(u64::MAX);
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    bytes[8..].copy_from_slice(&length.to_le_bytes());
    bytes
}

/// Returns whether the lease with this value belongs to this thread.
pub(super) fn is_own(bytes: &[u8]) -> bool {
    let Some((number, _)) = read(bytes) else { return false };
    taken().get(&thread::current().id()).is_some_and(|numbers| numbers.contains(&number))
}

/// Returns the length of the lease with this value.
pub(super) fn length(bytes: &[u8]) -> Option<Duration> {
    read(bytes).map(|(_, length)| Duration::from_micros(length))
}

fn read(bytes: &[u8]) -> Option<(u64, u64)> {
    let (number, length) = bytes.split_first_chunk::<8>()?;
    Some((u64::from_le_bytes(*number), u64::from_le_bytes(length.try_into().ok()?)))
}

fn taken() -> MutexGuard<'static, HashMap<ThreadId, Vec<u64>>> {
    TAKEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Entries that are not used any more are removed when there are more than this.
const MANY: usize = 64;

/// What was observed of leases that others hold.
#[derive(Default)]
pub(super) struct Sightings(Mutex<HashMap<Key, Sighting>>);

#[derive(Clone, Copy)]
struct Sighting {
    /// When the lease was last checked, on a clock that does not follow changes of the time of day.
    looked: Duration,
    /// The version that was observed, and since when.
    seen: Option<(Version, Duration)>,
}

impl Sightings {
    /// Returns whether it is time to check the lease again. The first call only starts the count, because
    /// most waits are shorter.
    pub(super) fn is_due(&self, lease: &Key, now: Duration, length: Duration) -> bool {
        let mut known = self.known();
        if let Some(sighting) = known.get_mut(lease) {
            let is_due = now.saturating_sub(sighting.looked) >= length / 4;
            if is_due {
                sighting.looked = now;
            }
            return is_due;
        }
        if known.len() >= MANY {
            known.retain(|_, sighting| now.saturating_sub(sighting.looked) < length * 2);
        }
        known.insert(lease.clone(), Sighting { looked: now, seen: None });
        false
    }

    /// Notes the version that was observed, and returns for how long it has been the same.
    pub(super) fn note(&self, lease: &Key, version: Version, now: Duration) -> Duration {
        let mut known = self.known();
        let sighting = known.entry(lease.clone()).or_insert(Sighting { looked: now, seen: None });
        let since = match sighting.seen {
            Some((seen, since)) if seen == version => since,
            _ => now,
        };
        sighting.seen = Some((version, since));
        now.saturating_sub(since)
    }

    /// Forgets the lease, because it is free or ours.
    pub(super) fn forget(&self, lease: &Key) {
        let mut known = self.known();
        if !known.is_empty() {
            known.remove(lease);
        }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Key, Sighting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Namespace;

    #[test]
    fn a_lease_is_watched_from_when_its_write_was_first_seen() {
        let (sightings, lease) = (Sightings::default(), Namespace::new("n").key("k"));
        let (at, length) = (Duration::from_secs, Duration::from_secs(8));
        assert!(
            !sightings.is_due(&lease, at(0), length) && !sightings.is_due(&lease, at(1), length)
        );
        assert!(
            sightings.is_due(&lease, at(2), length) && !sightings.is_due(&lease, at(3), length)
        );
        let (one, two) = (Version::new(1), Version::new(2));
        assert_eq!(sightings.note(&lease, one, at(2)), at(0));
        assert_eq!(sightings.note(&lease, one, at(9)), at(7));
        assert_eq!(sightings.note(&lease, two, at(10)), at(0), "it was renewed");
        assert_eq!(sightings.note(&lease, two, at(15)), at(5));
        sightings.forget(&lease);
        assert_eq!(sightings.note(&lease, two, at(16)), at(0));
    }

    #[test]
    fn what_nobody_asks_for_any_more_is_forgotten() {
        let (sightings, length) = (Sightings::default(), Duration::from_secs(8));
        let at = |second: u64| Duration::from_secs(second);
        for number in 0..10_000_u64 {
            let lease = Namespace::new("n").key(number.to_string());
            sightings.is_due(&lease, at(number), length);
        }
        assert!(sightings.known().len() <= MANY + 1, "{}", sightings.known().len());
    }
}
