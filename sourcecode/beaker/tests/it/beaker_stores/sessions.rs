//! [`AsSessions`]: what keeps the whole contract of a store by what is in its values, as a format of sessions
//! does. So the public suite runs over Beaker's records: each key of the suite is a session, each value a text
//! that no other write has, and the time to live is a part of it.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use beaker::key::{Key, Namespace};
use beaker::store::conformance::{Subject, check};
use beaker::store::{KeyCursor, KeyPage, Precondition, Store, Stored, Version};
use beaker::{Clock, ManualClock, Result, Timestamp};
use uuid::Uuid;

use super::unhex;

/// Runs the suite over Beaker's records of this store.
pub fn check_contract(store: impl Store) {
    let clock = Arc::new(ManualClock::default());
    let store = AsSessions { store, clock: clock.clone(), ids: Mutex::default() };
    check(&Subject::new(&store, |time| clock.advance(time)));
    assert_eq!(store.store.damaged(), 0);
}

#[derive(Debug)]
struct AsSessions<S> {
    store: S,
    clock: Arc<ManualClock>,
    ids: Mutex<HashMap<Key, Key>>,
}

impl<S: Store> AsSessions<S> {
    /// Returns the session that stands for a key.
    fn id(&self, key: &Key) -> Key {
        let mut ids = self.ids.lock().unwrap();
        let new = || Namespace::default().key(Uuid::new_v4().simple().to_string());
        ids.entry(key.clone()).or_insert_with(new).clone()
    }

    /// Returns the keys of a namespace, and the sessions that stand for them.
    fn of(&self, namespace: &Namespace) -> Vec<(Key, Key)> {
        let ids = self.ids.lock().unwrap();
        let all = ids.iter().filter(|(key, _)| key.namespace() == namespace);
        all.map(|(key, id)| (key.clone(), id.clone())).collect()
    }

    /// Returns the version, and the value unless it has expired.
    fn look(&self, id: &Key) -> Result<Option<(Version, Option<Stored>)>> {
        let Some(stored) = self.store.get(id)? else { return Ok(None) };
        let (end, bytes) = read(str::from_utf8(&stored.bytes).unwrap());
        let lives = end.is_none_or(|end| self.clock.now() < end);
        let version = stored.version;
        Ok(Some((version, lives.then(|| Stored { bytes: bytes.into(), version }))))
    }
}

impl<S: Store> Store for AsSessions<S> {
    fn get(&self, key: &Key) -> Result<Option<Stored>> {
        Ok(self.look(&self.id(key))?.and_then(|(_, stored)| stored))
    }

    fn put(
        &self,
        key: &Key,
        bytes: &[u8],
        ttl: Option<Duration>,
        when: Precondition,
    ) -> Result<Option<Version>> {
        let (id, text) = (self.id(key), write(bytes, ttl.map(|ttl| self.clock.now() + ttl)));
        loop {
            let found = self.look(&id)?;
            let stored = found.as_ref().and_then(|(_, stored)| stored.as_ref());
            if !when.is_met_by(stored.map(|stored| stored.version)) {
                return Ok(None);
            }
            let condition = match (when, &found) {
                (Precondition::Absent, Some((dead, _))) => Precondition::Unchanged(*dead),
                (when, _) => when,
            };
            let written = self.store.put(&id, text.as_bytes(), ttl, condition)?;
            if written.is_some() || matches!(when, Precondition::Unchanged(_)) {
                return Ok(written);
            }
        }
    }

    fn delete(&self, key: &Key, when: Precondition) -> Result<bool> {
        let id = self.id(key);
        match self.look(&id)? {
            Some((_, Some(stored))) if when.is_met_by(Some(stored.version)) => {
                self.store.delete(&id, when)
            }
            _ => Ok(false),
        }
    }

    fn clear(&self, namespace: &Namespace) -> Result<()> {
        let ids: Vec<Key> = self.of(namespace).into_iter().map(|(_, id)| id).collect();
        self.store.delete_many(&ids)
    }

    fn keys(
        &self,
        namespace: &Namespace,
        from: Option<&KeyCursor>,
        most: usize,
    ) -> Result<KeyPage> {
        let KeyPage { keys: found, next, .. } =
            self.store.keys(&Namespace::default(), from, most)?;
        let mut keys = Vec::new();
        for (key, id) in self.of(namespace) {
            if found.contains(&id) && self.get(&key)?.is_some() {
                keys.push(key);
            }
        }
        Ok(KeyPage::new(keys, next))
    }

    fn clock(&self) -> &dyn Clock {
        &*self.clock
    }
}

/// A text with a number that no other write has. What is one byte many times is as many letters.
fn write(bytes: &[u8], end: Option<Timestamp>) -> String {
    let end = end.map_or(u64::MAX, Timestamp::as_micros);
    let mut text = format!("{};{end};", Uuid::new_v4().simple());
    match bytes {
        [first, rest @ ..] if rest.iter().all(|byte| byte == first) => {
            write!(text, "{first};{}", "x".repeat(bytes.len())).unwrap();
        }
        bytes => {
            text.push(';');
            bytes.iter().for_each(|byte| write!(text, "{byte:02x}").unwrap());
        }
    }
    text
}

fn read(text: &str) -> (Option<Timestamp>, Vec<u8>) {
    let parts: Vec<&str> = text.split(';').collect();
    let end: u64 = parts[1].parse().unwrap();
    let end = (end != u64::MAX).then(|| Timestamp::from_micros(end));
    let bytes = match parts[2] {
        "" => unhex(parts[3]),
        byte => vec![byte.parse().unwrap(); parts[3].len()],
    };
    (end, bytes)
}
