//! What a memcached holds, and when it is gone.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// An expiry above this many seconds is a point in time, not a distance: 30 days.
const LONGEST_DISTANCE: i32 = 60 * 60 * 24 * 30;

/// The largest item, with its key and its header, as memcached is configured by default.
const ITEM_LIMIT: usize = 1024 * 1024;

/// What memcached adds to a key and a value: its header, its cas, and three bytes of ends.
const OVERHEAD: usize = 48 + 8 + 3;

/// One value and what is known of it. Points in time are counted since 1970.
#[derive(Debug, Clone, Default)]
pub(super) struct Item {
    pub(super) value: Vec<u8>,
    pub(super) client_flags: u32,
    pub(super) expires: Option<Duration>,
    pub(super) cas: u64,
    pub(super) accessed: Duration,
    pub(super) fetched: bool,
    pub(super) stale: bool,
    /// Whether somebody was told to make the value anew.
    pub(super) token_sent: bool,
}

/// All items, the clock, and the last cas that was given out.
#[derive(Debug, Default)]
pub(super) struct Items {
    by_key: HashMap<Vec<u8>, Item>,
    last_cas: u64,
    ahead: Duration,
}

impl Items {
    /// The item under this key, if it is there and not expired.
    pub(super) fn get(&mut self, key: &[u8]) -> Option<&mut Item> {
        let now = self.now();
        let expired = |item: &Item| item.expires.is_some_and(|expires| expires <= now);
        if self.by_key.get(key).is_some_and(expired) {
            self.by_key.remove(key);
        }
        self.by_key.get_mut(key)
    }

    /// Writes an item under a new cas, which is returned.
    pub(super) fn put(&mut self, key: &[u8], item: Item) -> u64 {
        self.last_cas += 1;
        let item = Item { cas: self.last_cas, accessed: self.now(), ..item };
        self.by_key.insert(key.to_vec(), item);
        self.last_cas
    }

    pub(super) fn remove(&mut self, key: &[u8]) {
        self.by_key.remove(key);
    }

    /// Removes everything. That takes a cas, as a write does.
    pub(super) fn clear(&mut self) {
        self.last_cas += 1;
        self.by_key.clear();
    }

    /// The point in time that an expiry on the wire means: never, at once, after so many seconds,
    /// or at a point in time.
    pub(super) fn expiry(&self, seconds: i32) -> Option<Duration> {
        match u64::try_from(seconds) {
            Err(_) => Some(Duration::ZERO),
            Ok(0) => None,
            Ok(point) if seconds > LONGEST_DISTANCE => Some(Duration::from_secs(point)),
            Ok(distance) => Some(self.now() + Duration::from_secs(distance)),
        }
    }

    /// The seconds that this item has left, begun ones counted; -1 if it never expires.
    pub(super) fn seconds_left(&self, item: &Item) -> i64 {
        item.expires.map_or(-1, |expires| {
            let left = expires.saturating_sub(self.now());
            left.as_secs() as i64 + i64::from(left.subsec_nanos() > 0)
        })
    }

    pub(super) fn now(&self) -> Duration {
        // A system clock before 1970 is read as 1970: nothing here needs more.
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + self.ahead
    }

    pub(super) fn advance(&mut self, time: Duration) {
        self.ahead += time;
    }
}

/// Whether memcached would refuse an item because of its size.
pub(super) fn too_large(key: &[u8], value_length: usize, client_flags: u32) -> bool {
    size(key, value_length, client_flags) > ITEM_LIMIT
}

/// The size of an item as memcached counts it.
pub(super) fn size(key: &[u8], value_length: usize, client_flags: u32) -> usize {
    // Flags are stored only if there are any.
    let flags = if client_flags == 0 { 0 } else { 4 };
    OVERHEAD + key.len() + flags + value_length
}
