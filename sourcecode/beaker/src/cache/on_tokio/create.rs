//! Asking for a value, and having it made: once, while the others wait and take no thread for it.

use std::fmt::Display;
use std::future::poll_fn;
use std::task::Poll;

use tokio::runtime::Handle;

use super::AsyncCache;
use super::launches::{Launch, Launching};
use crate::cache::Made;
use crate::cache::age::Freshness;
use crate::cache::failure::{Failure, asks_for_itself};
use crate::cache::flight::{Arrival, Boarding, FlightKey, Passenger};
use crate::error::{Error, Result};
use crate::off_thread::off_thread;

impl<V: Clone + Send + Sync + 'static> AsyncCache<V> {
    /// The value of a key, made by the function if there is none. The function may give a plain value,
    /// or [`Made`] to say more of it.
    ///
    /// # Errors
    ///
    /// What the store fails with; `ErrorKind::WouldDeadlock` if the function awaits its own key. (If it
    /// does so in another task, it waits for ever.)
    pub async fn get_or_create<M, F>(
        &self,
        key: impl AsRef<[u8]>,
        create: impl FnOnce() -> F + Send + 'static,
    ) -> Result<V>
    where
        M: Into<Made<V>>,
        F: Future<Output = M>,
    {
        let create = || async { Ok::<M, Error>(create().await) };
        self.try_get_or_create(key, create).await
    }

    /// The same with a function that may fail, as
    /// [`Cache::try_get_or_create`](crate::Cache::try_get_or_create).
    ///
    /// # Errors
    ///
    /// As above, and the function's own.
    pub async fn try_get_or_create<M, E, F>(
        &self,
        key: impl AsRef<[u8]>,
        create: impl FnOnce() -> F + Send + 'static,
    ) -> Result<V, E>
    where
        M: Into<Made<V>>,
        E: From<Error> + Display + Send + 'static,
        F: Future<Output = Result<M, E>>,
    {
        if let Some(value) = self.cache.fresh(key.as_ref()) {
            return Ok(value);
        }
        let key = FlightKey::from(key.as_ref());
        if self.cache.policy.wait_at_most.is_some() {
            return self.make(key, None, create).await;
        }
        let launching = loop {
            if let Some(value) = self.hit_here(&key)? {
                return Ok(value);
            }
            match self.cache.shared.flights.join(&key) {
                Some(Boarding::Passenger(passenger)) => {
                    if let Some(value) = self.wait_for(&key, passenger).await? {
                        return Ok(value);
                    }
                }
                Some(_) => return Err(asks_for_itself(self.cache.shared.shown(&key)).into()),
                None => match self.launches.begin(&key) {
                    Launch::Own(launching) => break launching,
                    Launch::Others(mut begun) => {
                        if let Some(value) = self.usable(&key).await? {
                            return Ok(value);
                        }
                        // It always ends with this: nothing is ever sent.
                        let _ = begun.changed().await;
                    }
                },
            }
        };
        self.make(key, Some(launching), create).await
    }

    /// Finds it or has it made, on a thread for that.
    async fn make<M, E, F>(
        &self,
        key: FlightKey,
        launching: Option<Launching>,
        create: impl FnOnce() -> F + Send + 'static,
    ) -> Result<V, E>
    where
        M: Into<Made<V>>,
        E: From<Error> + Display + Send + 'static,
        F: Future<Output = Result<M, E>>,
    {
        let (cache, runtime) = (self.cache.clone(), Handle::current());
        let work = move || {
            // Once it is being made, there is a flight to join.
            cache.try_get_or_create(key, || {
                drop(launching);
                runtime.block_on(create())
            })
        };
        off_thread("could not make a value for the cache", work).await
    }

    /// A hit in a store that never waits.
    fn hit_here(&self, key: &[u8]) -> Result<Option<V>> {
        if self.cache.shared.storage.blocks() {
            return Ok(None);
        }
        let seen = self.cache.look(key)?;
        let is_hit = self.cache.freshness(&seen) == Freshness::Fresh && !self.cache.is_early(&seen);
        let hit = seen.slot.filter(|_| is_hit);
        Ok(hit.map(|slot| {
            self.cache.shared.counting.hit();
            slot.value
        }))
    }

    /// What a flight brings; `None` if it is to be asked for anew.
    async fn wait_for<E: From<Error>>(
        &self,
        key: &FlightKey,
        passenger: Passenger<V, Failure>,
    ) -> Result<Option<V>, E> {
        let is_outdated = passenger.is_outdated();
        if let Some(value) = self.usable(key).await? {
            return Ok(Some(value));
        }
        self.cache.shared.waits(key);
        let arrival = poll_fn(|context| match passenger.poll(context.waker()) {
            Some(arrival) => Poll::Ready(arrival),
            None => Poll::Pending,
        });
        match arrival.await {
            Arrival::Landed(Ok(value)) if !is_outdated => Ok(Some(value)),
            Arrival::Landed(Err(failure)) => {
                Err(failure.error(self.cache.shared.shown(key)).into())
            }
            Arrival::Landed(Ok(_)) | Arrival::Lost | Arrival::Late => Ok(None),
        }
    }

    /// What is there and may be given while somebody makes a new value.
    async fn usable(&self, key: &FlightKey) -> Result<Option<V>> {
        let sought = key.clone();
        let seen = self.ask(move |cache| cache.look(&sought)).await?;
        match self.cache.freshness(&seen) {
            Freshness::Fresh => self.cache.shared.counting.hit(),
            Freshness::Stale => self.cache.shared.gave_stale(key),
            Freshness::Gone => return Ok(None),
        }
        Ok(seen.slot.map(|slot| slot.value))
    }
}
