//! What a redis holds, and when it is gone.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::script::Script;

/// All keys with their values, the scripts that were loaded, and the clock.
#[derive(Debug, Default)]
pub(super) struct Items {
    by_key: HashMap<Vec<u8>, Item>,
    pub(super) scripts: HashSet<Script>,
    ahead: Duration,
}

/// One value, and when it expires, in milliseconds since 1970.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) value: Vec<u8>,
    pub(super) expires: Option<i64>,
}

impl Items {
    /// The item under this key, if it is there and not expired.
    pub(super) fn get(&mut self, key: &[u8]) -> Option<&mut Item> {
        let now = self.now();
        if self.by_key.get(key).is_some_and(|item| item.expires.is_some_and(|at| at <= now)) {
            self.by_key.remove(key);
        }
        self.by_key.get_mut(key)
    }

    pub(super) fn put(&mut self, key: &[u8], item: Item) {
        self.by_key.insert(key.to_vec(), item);
    }

    /// Removes what lives under the key; tells whether anything did.
    pub(super) fn remove(&mut self, key: &[u8]) -> bool {
        self.get(key).is_some() && self.by_key.remove(key).is_some()
    }

    /// All keys that live.
    pub(super) fn keys(&self) -> impl Iterator<Item = &[u8]> {
        let now = self.now();
        let lives = move |item: &Item| item.expires.is_none_or(|at| at > now);
        self.by_key.iter().filter(move |(_, item)| lives(item)).map(|(key, _)| key.as_slice())
    }

    pub(super) fn clear(&mut self) {
        self.by_key.clear();
    }

    /// Milliseconds since 1970.
    pub(super) fn now(&self) -> i64 {
        // A system clock before 1970 is read as 1970: nothing here needs more.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + self.ahead;
        i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
    }

    pub(super) fn advance(&mut self, time: Duration) {
        self.ahead += time;
    }
}
