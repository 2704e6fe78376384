//! What a call for many keys makes itself.

use std::fmt::Display;
use std::panic::resume_unwind;
use std::time::Duration;

use super::failure::Failure;
use super::flight::Pilot;
use super::flow::{Start, unwound};
use super::seen::Slot;
use super::{Cache, Made};
use crate::error::{Error, ErrorKind, Result};
use crate::store::When;

/// What is to be made here: the key's flight, its turn among processes, and what it goes on from.
pub(super) struct Own<'a, V, G> {
    pub(super) key: &'a [u8],
    pub(super) pilot: Pilot<'a, V, Failure>,
    pub(super) turn: Option<G>,
    pub(super) start: Start,
}

impl<V: Clone + Send + Sync + 'static> Cache<V> {
    /// Calls the creator once for all, and keeps what it made.
    pub(super) fn make_own<'a, M, E, G>(
        &self,
        own: Vec<Own<'a, V, G>>,
        create: impl FnOnce(&[&[u8]]) -> Result<Vec<M>, E>,
    ) -> Result<Vec<(&'a [u8], V)>, E>
    where
        M: Into<Made<V>>,
        E: From<Error> + Display,
    {
        if own.is_empty() {
            return Ok(Vec::new());
        }
        // One look for all: what is invalidated from the first one's on may be what they are made from.
        let begun = match self.begin(own[0].start.origin) {
            Ok(begun) => begun,
            Err(error) => {
                let failure = Failure::of(&error);
                own.into_iter()
                    .for_each(|own| own.pilot.land(Err(failure.clone()), own.turn, |_| {}));
                return Err(error.into());
            }
        };
        let clock = self.time.monotonic();
        let keys: Vec<&[u8]> = own.iter().map(|own| own.key).collect();
        let made = unwound(|| {
            create(&keys).and_then(|made| match made.len() == keys.len() {
                true => Ok(made),
                false => Err(wrong_number(made.len(), keys.len()).into()),
            })
        });
        let now = self.time.monotonic();
        let cost = now.saturating_sub(clock);
        let made = match made {
            Ok(Ok(made)) => made,
            Ok(Err(error)) => {
                self.fail_all(own, &Failure::of(&error), now);
                return Err(error);
            }
            Err(panic) => {
                self.fail_all(own, &Failure::of_panic(&*panic), now);
                resume_unwind(panic)
            }
        };
        let mut values = Vec::new();
        for (own, made) in own.into_iter().zip(made) {
            let made: Made<V> = made.into();
            self.shared.counting.created(cost / keys.len() as u32);
            values.push((own.key, made.value.clone()));
            let when = own.start.version.map_or(When::Absent, When::Unchanged);
            own.pilot.land(Ok(made.value.clone()), own.turn, |_| {
                let now = self.time.now();
                let age = self.policy.age(begun, now, cost, made.expire, made.tags);
                let ttl = self.policy.ttl(&age, now);
                let slot = Slot { value: made.value, age };
                if made.is_kept
                    && let Err(error) =
                        self.shared.storage.keep(own.key, slot, ttl, when, &self.time)
                {
                    self.shared.not_stored(own.key, &error);
                }
            });
        }
        Ok(values)
    }

    /// Notes the failure for each key, and tells all who wait. It was one call, and it failed once.
    fn fail_all<G>(&self, own: Vec<Own<'_, V, G>>, failure: &Failure, now: Duration) {
        if let Some(first) = own.first() {
            self.shared.creator_failed(first.key, failure);
        }
        for own in own {
            self.shared.failures.note(own.key, failure.clone(), now, self.policy.back_off);
            own.pilot.land(Err(failure.clone()), own.turn, |_| {});
        }
    }
}

fn wrong_number(made: usize, wanted: usize) -> Error {
    let what = format!("the creator of {wanted} values gave {made}");
    Error::new(ErrorKind::Creation, what + "; it must give one for each key, in their order")
}
