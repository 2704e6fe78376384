//! What was invalidated when, in a store that processes and hosts share.
//!
//! A mark is a record of its own, one for the whole cache and one for each tag that was ever
//! invalidated. Asking for it with each value would be more to read, so what was read is believed for
//! a moment: an invalidation by another process is seen that much later, one by this process at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::age::Marks;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Namespace};
use crate::store::{Store, Stored, When};

/// How often it is tried again when others invalidate at the same time.
const TRIES: usize = 100;

/// How long it may take until other processes see an invalidation.
const BELIEVED: Duration = Duration::from_secs(1);

/// So many marks are remembered at most.
const MOST_KNOWN: usize = 10_000;

/// The whole cache, among the tags.
pub(super) const WHOLE: &str = "";

pub(super) struct SharedMarks {
    store: Arc<dyn Store>,
    namespace: Namespace,
    /// No call to the store is made while this is locked.
    known: Mutex<HashMap<Box<str>, (Marks, Timestamp)>>,
}

impl SharedMarks {
    /// Those of the cache of this name.
    pub(super) fn new(store: Arc<dyn Store>, cache: &str) -> SharedMarks {
        SharedMarks::under(store, &format!("beaker.marks:{cache}"))
    }

    /// Those of a region and not of one cache.
    pub(super) fn of_region(store: Arc<dyn Store>, region: &str) -> SharedMarks {
        SharedMarks::under(store, &format!("beaker.region:{region}"))
    }

    fn under(store: Arc<dyn Store>, namespace: &str) -> SharedMarks {
        SharedMarks { store, namespace: Namespace::new(namespace), known: Mutex::default() }
    }

    /// Under this key is the mark of a tag. A tag is never the empty text.
    pub(super) fn key(&self, tag: &str) -> Key {
        self.namespace.key(tag)
    }

    /// The mark, if it was read lately.
    pub(super) fn known(&self, tag: &str, now: Timestamp) -> Option<Marks> {
        let (marks, read_at) = *self.lock().get(tag)?;
        (now >= read_at && now.since(read_at) < BELIEVED).then_some(marks)
    }

    /// Remembers what was read.
    pub(super) fn note(&self, tag: &str, stored: Option<&Stored>, now: Timestamp) -> Marks {
        self.remember(tag, stored.map_or(Marks::default(), |stored| decode(&stored.bytes)), now)
    }

    /// Marks only ever move on, and since this one was read, another thread may have set a later one.
    fn remember(&self, tag: &str, marks: Marks, now: Timestamp) -> Marks {
        let mut known = self.lock();
        let marks = known.get(tag).map_or(marks, |(later, _)| marks.and(*later));
        if known.len() >= MOST_KNOWN {
            known.clear();
        }
        known.insert(tag.into(), (marks, now));
        marks
    }

    /// The marks of the tags together.
    pub(super) fn of_tags(&self, tags: &[Box<str>], now: Timestamp) -> Result<Marks> {
        let known: Vec<_> = tags.iter().map(|tag| (tag, self.known(tag, now))).collect();
        let unknown: Vec<&str> =
            known.iter().filter(|(_, marks)| marks.is_none()).map(|(tag, _)| &***tag).collect();
        let keys: Vec<Key> = unknown.iter().map(|tag| self.key(tag)).collect();
        let stored = if keys.is_empty() { Vec::new() } else { self.store.get_many(&keys)? };
        let read = unknown.iter().zip(&stored).map(|(tag, it)| self.note(tag, it.as_ref(), now));
        let all = known.iter().filter_map(|(_, marks)| *marks).chain(read);
        Ok(all.fold(Marks::default(), Marks::and))
    }

    /// Moves the mark of a tag on to now.
    pub(super) fn set(
        &self,
        tag: &str,
        now: Timestamp,
        change: fn(&mut Marks, Timestamp),
    ) -> Result<()> {
        let key = self.key(tag);
        for _ in 0..TRIES {
            let stored = self.store.get(&key)?;
            let mut marks = stored.as_ref().map_or(Marks::default(), |it| decode(&it.bytes));
            change(&mut marks, now);
            let when = stored.map_or(When::Absent, |stored| When::Unchanged(stored.version));
            if self.store.put(&key, &encode(marks), None, when)?.is_some() {
                self.remember(tag, marks, now);
                return Ok(());
            }
        }
        let what = "could not invalidate: others kept invalidating the same; try again";
        Err(Error::new(ErrorKind::Conflict, what))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, (Marks, Timestamp)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Marks {
    pub(super) fn and(self, other: Marks) -> Marks {
        Marks { hard: self.hard.max(other.hard), soft: self.soft.max(other.soft) }
    }
}

/// Two moments, 0 for never. What is no mark says nothing.
fn decode(bytes: &[u8]) -> Marks {
    let moment = |at: usize| {
        let bytes = bytes.get(at..at + 8)?.try_into().ok()?;
        Some(u64::from_le_bytes(bytes)).filter(|micros| *micros > 0).map(Timestamp::from_micros)
    };
    Marks { hard: moment(0), soft: moment(8) }
}

fn encode(marks: Marks) -> Vec<u8> {
    let moments = [marks.hard, marks.soft].map(|mark| mark.map_or(0, Timestamp::as_micros));
    moments.iter().flat_map(|micros| micros.to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_before_an_invalidation_does_not_undo_it() {
        let store: Arc<dyn Store> = Arc::new(crate::store::MemoryStore::new());
        let marks = SharedMarks::new(Arc::clone(&store), "cache");
        let (now, key) = (Timestamp::from_micros(5), marks.key(WHOLE));
        let read = store.get(&key).unwrap();
        marks.set(WHOLE, now, |marks, now| marks.hard = Some(now)).unwrap();
        marks.note(WHOLE, read.as_ref(), now);
        assert_eq!(marks.known(WHOLE, now).unwrap().hard, Some(now));
    }

    #[test]
    fn decode_inverts_encode() {
        let at = |micros| Some(Timestamp::from_micros(micros));
        for marks in
            [Marks::default(), Marks { hard: at(5), soft: None }, Marks { hard: None, soft: at(7) }]
        {
            assert_eq!(decode(&encode(marks)), marks);
        }
        assert_eq!(decode(b"short"), Marks::default());
    }
}
