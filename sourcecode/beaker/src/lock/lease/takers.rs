//! Which leases this process holds, through whatever handle, and which thread took each.
//!
//! A lease says in the store by its bytes which taking it was. So a thread that waits for one can be told
//! that it holds it itself, even if the store was opened twice, by two addresses that lead to one server.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use crate::store::Version;

/// The leases of each thread that has some. Nothing slow is done while it is locked.
static TAKEN: LazyLock<Mutex<HashMap<ThreadId, Vec<u64>>>> = LazyLock::new(Mutex::default);

/// A lease that a thread of this process took; until this is dropped, in any thread.
#[derive(Debug)]
pub(super) struct Taken {
    thread: ThreadId,
    number: u64,
}

impl Taken {
    /// Notes a taking of this thread's.
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

/// A number that no other taking has, here or in another process.
pub(super) fn fresh() -> u64 {
    Version::fresh().number()
}

/// Whether this thread has any lease.
pub(super) fn has_any() -> bool {
    taken().contains_key(&thread::current().id())
}

/// What a lease holds in the store: which taking it was, and its length in microseconds.
pub(super) fn bytes(number: u64, length: Duration) -> [u8; 16] {
    let length = u64::try_from(length.as_micros()).unwrap_or(u64::MAX);
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    bytes[8..].copy_from_slice(&length.to_le_bytes());
    bytes
}

/// Whether the lease that holds these bytes is this thread's.
pub(super) fn is_own(bytes: &[u8]) -> bool {
    let Some((number, _)) = read(bytes) else { return false };
    taken().get(&thread::current().id()).is_some_and(|numbers| numbers.contains(&number))
}

/// For how long its holder takes the lease that holds these bytes.
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
