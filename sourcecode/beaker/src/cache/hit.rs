//! Asking for a value, as far as a hit in memory needs it.
//!
//! What a hit does not need is apart, in functions that the compiler leaves alone. They fill the place
//! where a hit would be: so a value is moved once less than if it were taken apart and put together
//! again, and that is a tenth of a hit for one of 200 bytes.

use std::fmt::Display;

use super::age::Freshness;
use super::{Cache, Made};
use crate::error::{Error, Result};

impl<V: Clone + Send + Sync + 'static> Cache<V> {
    /// The fresh value of a key; `None` if there is none, or it has expired.
    ///
    /// # Errors
    ///
    /// What the store fails with.
    #[inline(always)]
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<V>> {
        let mut found = Ok(self.shared.storage.fresh(key.as_ref(), &self.time));
        match found {
            Ok(Some(_)) => self.shared.counting.hit(),
            _ => self.get_behind(key.as_ref(), &mut found),
        }
        found
    }

    #[cold]
    #[inline(never)]
    fn get_behind(&self, key: &[u8], found: &mut Result<Option<V>>) {
        *found = self.find(key);
    }

    fn find(&self, key: &[u8]) -> Result<Option<V>> {
        let seen = self.look(key)?;
        let fresh = self.freshness(&seen) == Freshness::Fresh;
        let found = seen.slot.filter(|_| fresh).map(|slot| slot.value);
        match found {
            Some(_) => self.shared.counting.hit(),
            None => self.shared.counting.miss(),
        }
        Ok(found)
    }

    /// The value of a key, made by the function if there is none. The function may give a plain value,
    /// or [`Made`] to say more of it.
    ///
    /// # Errors
    ///
    /// What the store fails with; `ErrorKind::WouldDeadlock` if the function asks for its own key.
    #[inline]
    pub fn get_or_create<M: Into<Made<V>>>(
        &self,
        key: impl AsRef<[u8]>,
        create: impl FnOnce() -> M,
    ) -> Result<V> {
        self.try_get_or_create(key, || Ok::<M, Error>(create()))
    }

    /// The same with a function that may fail. Its error goes to the caller whose function it was;
    /// others who waited for it get `ErrorKind::Creation`, with what it said. A stale value is given
    /// instead, if there is one. A panic is such a failure as well, and then goes on in the caller whose
    /// function it was.
    ///
    /// # Errors
    ///
    /// As above, and the function's own.
    #[inline]
    pub fn try_get_or_create<M, E>(
        &self,
        key: impl AsRef<[u8]>,
        create: impl FnOnce() -> Result<M, E>,
    ) -> Result<V, E>
    where
        M: Into<Made<V>>,
        E: From<Error> + Display,
    {
        let key = key.as_ref();
        let mut found = self.fresh(key);
        if found.is_none() {
            self.fill(key, create, &mut found)?;
        }
        match found {
            Some(value) => Ok(value),
            None => unreachable!("it was filled"),
        }
    }

    #[cold]
    #[inline(never)]
    fn fill<M, E>(
        &self,
        key: &[u8],
        create: impl FnOnce() -> Result<M, E>,
        found: &mut Option<V>,
    ) -> Result<(), E>
    where
        M: Into<Made<V>>,
        E: From<Error> + Display,
    {
        *found = Some(self.find_or_create(key, create)?);
        Ok(())
    }

    /// A hit in memory, if that is all there is to do.
    #[inline]
    pub(super) fn fresh(&self, key: &[u8]) -> Option<V> {
        if self.policy.eagerness > 0.0 {
            return None;
        }
        let fresh = self.shared.storage.fresh(key, &self.time);
        if fresh.is_some() {
            self.shared.counting.hit();
        }
        fresh
    }
}
