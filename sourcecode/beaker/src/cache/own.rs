//! What a call for many keys makes itself.

use std::fmt::Display;

use super::failure::Failure;
use super::flight::Pilot;
use super::seen::Slot;
use super::{Cache, Made};
use crate::error::{Error, ErrorKind, Result};
use crate::store::{Version, When};

/// What is to be made here: the key's flight, its turn among processes, what is there now.
pub(super) struct Own<'a, V, G> {
    pub(super) key: &'a [u8],
    pub(super) pilot: Pilot<'a, V, Failure>,
    pub(super) turn: Option<G>,
    pub(super) version: Option<Version>,
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
        let begun = self.time.now();
        let keys: Vec<&[u8]> = own.iter().map(|own| own.key).collect();
        let made = create(&keys).and_then(|made| match made.len() == keys.len() {
            true => Ok(made),
            false => Err(wrong_number(made.len(), keys.len()).into()),
        });
        let now = self.time.now();
        let made = match made {
            Ok(made) => made,
            Err(error) => {
                let failure = Failure::of(&error);
                self.shared.creator_failed(keys[0], &error);
                for own in own {
                    let back_off = self.policy.back_off;
                    self.shared.failures.note(own.key, failure.clone(), now, back_off);
                    own.pilot.land(Err(failure.clone()), own.turn, |_| {});
                }
                return Err(error);
            }
        };
        let mut values = Vec::new();
        for (own, made) in own.into_iter().zip(made) {
            let made: Made<V> = made.into();
            self.shared.counting.created(now.since(begun) / keys.len() as u32);
            values.push((own.key, made.value.clone()));
            let when = own.version.map_or(When::Absent, When::Unchanged);
            own.pilot.land(Ok(made.value.clone()), own.turn, |_| {
                let age = self.policy.age(begun, now, made.expire, made.tags);
                let ttl = self.policy.ttl(&age, now);
                let slot = Slot { value: made.value, age };
                if made.is_kept
                    && let Err(error) = self.shared.storage.keep(own.key, slot, ttl, when, now)
                {
                    self.shared.not_stored(own.key, &error);
                }
            });
        }
        Ok(values)
    }
}

fn wrong_number(made: usize, wanted: usize) -> Error {
    let what = format!("the creator of {wanted} values gave {made}");
    Error::new(ErrorKind::Creation, what + "; it must give one for each key, in their order")
}
