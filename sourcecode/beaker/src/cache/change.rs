//! Writing, removing and invalidating. Each of these wins over a creator that runs at the time.

use std::time::Duration;

use super::age::What;
use super::policy::Begun;
use super::seen::Slot;
use super::{Cache, Made};
use crate::error::{Error, Result};
use crate::store::When;

impl<V: Clone + Send + Sync + 'static> Cache<V> {
    /// Keeps a value. In a store this is two round trips: what was invalidated so far is read first, so
    /// that the value counts as written after that.
    ///
    /// # Errors
    ///
    /// What the codec and the store fail with.
    pub fn put(&self, key: impl AsRef<[u8]>, value: impl Into<Made<V>>) -> Result<()> {
        let (key, made, now) = (key.as_ref(), value.into(), self.time.now());
        let storage = &self.shared.storage;
        self.shared.failures.forget(key);
        self.before_flights(key, || {
            let begun = Begun { origin: storage.origin(None, &self.time)?, at: now };
            let age = self.policy.age(begun, now, Duration::ZERO, made.expire, made.tags);
            let ttl = self.policy.ttl(&age, now);
            let slot = Slot { value: made.value, age };
            storage.keep(key, slot, ttl, When::Always, &self.time).map(drop)
        })
    }

    /// Removes a key, and tells whether there was something to use.
    ///
    /// # Errors
    ///
    /// What the store fails with.
    pub fn remove(&self, key: impl AsRef<[u8]>) -> Result<bool> {
        let key = key.as_ref();
        let was_there = self.peek(key)?.is_some();
        self.shared.failures.forget(key);
        self.before_flights(key, || self.shared.storage.remove(key, self.time.now()))?;
        Ok(was_there)
    }

    /// Removes everything of this cache, and nothing of any other. What is being made is not kept.
    ///
    /// # Errors
    ///
    /// What the store fails with.
    pub fn clear(&self) -> Result<()> {
        self.before_all_flights(|| self.shared.storage.clear(&self.time))
    }

    /// Invalidates all values: what was made until now, or is being made, counts as gone, and whatever is
    /// written after this has returned is seen. Nothing is removed, so this takes no longer for a million
    /// values than for one. Other processes see it within a second, and it stays after a restart.
    ///
    /// The order is that of a count, which the store keeps, and not of a clock: it holds on a clock that
    /// stands still or goes back, and between hosts whose clocks differ.
    ///
    /// # Errors
    ///
    /// What the store fails with.
    pub fn invalidate(&self) -> Result<()> {
        self.before_all_flights(|| self.shared.storage.invalidate(What::Whole, &self.time))
    }

    /// Invalidates all values softly: what was made until now counts as stale, and is given while a new
    /// one is made.
    ///
    /// # Errors
    ///
    /// What the store fails with.
    pub fn invalidate_softly(&self) -> Result<()> {
        self.shared.storage.invalidate(What::Softly, &self.time)
    }

    /// Invalidates the values that have this [tag](Made::tag): what was made until now, or is being made,
    /// counts as gone. What a store keeps of it goes ten minutes after the longest life of a value with
    /// tags. A value whose making takes more than five minutes, and during which a tag is invalidated, is
    /// given to who asked and not kept.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` for the empty text; what the store fails with.
    pub fn invalidate_tag(&self, tag: &str) -> Result<()> {
        if tag.is_empty() {
            return Err(Error::config("a tag has a name; `invalidate` is for the whole cache"));
        }
        self.shared.storage.invalidate(What::Tag(tag), &self.time)?;
        self.shared.flights.outdate_all();
        Ok(())
    }

    /// Does something to a key so that it wins over whatever makes its value at the time. In memory no
    /// flight begins meanwhile. Over a network that would hold up everybody, and is not needed: there
    /// what is made is kept only over what was there before.
    fn before_flights<T>(&self, key: &[u8], act: impl FnOnce() -> Result<T>) -> Result<T> {
        let flights = &self.shared.flights;
        if self.shared.storage.bytes().is_none() {
            return flights.cancel_while(key, act);
        }
        flights.cancel(key);
        let done = act();
        // A flight that began in between may have seen what was there before.
        flights.cancel(key);
        done
    }

    fn before_all_flights(&self, act: impl FnOnce() -> Result<()>) -> Result<()> {
        if self.shared.storage.bytes().is_none() {
            self.shared.failures.forget_all();
            return self.shared.flights.cancel_all_while(act);
        }
        self.cancel_all();
        let done = act();
        self.cancel_all();
        done
    }

    /// What is being made is not kept, and whoever asks from now on does not get it.
    pub(super) fn cancel_all(&self) {
        self.shared.flights.cancel_all();
        self.shared.failures.forget_all();
    }
}
