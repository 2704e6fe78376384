//! Checks whether the options of sessions fit together, and says what to do if they do not.

use std::time::Duration;

use super::announcements::LONGEST_COPY;
use super::local_tier::LocalTier;
use super::options::{MOST_PER_USER, Options};
use crate::error::{Error, Result};

/// The longest time for which an old id may lead requests to its session.
const LONGEST_GRACE: Duration = Duration::from_secs(60);

impl Options {
    pub(super) fn check(&self) -> Result<()> {
        let wrong = |why: String| Err(Error::config(why));
        if self.timeout.is_some() && !self.save_accessed_time {
            let why = "a session's `timeout` counts from its last access, so it needs \
                       `save_accessed_time`";
            return wrong(why.into());
        }
        if let (Some(timeout), Some(touch_every)) = (self.timeout, self.touch_every)
            && touch_every >= timeout
        {
            return wrong(format!(
                "with a `timeout` of {timeout:?} an access must be noted more often than every \
                 {touch_every:?}: lower `touch_every`"
            ));
        }
        if self.grace.is_some_and(|grace| grace > LONGEST_GRACE) {
            return wrong(format!(
                "`grace` keeps an old id alive, so it is {LONGEST_GRACE:?} at most"
            ));
        }
        let most = self.max_per_user;
        if !(1..=MOST_PER_USER).contains(&most) {
            return wrong(format!(
                "`max_per_user` is 1 to {MOST_PER_USER} sessions, and not {most}"
            ));
        }
        match &self.local_tier {
            Some(tier) => self.check_local_tier(tier)?,
            None if self.check_tier_every.is_some() => {
                let why = "`check_tier_every` is for a `local_tier`, which is missing";
                return wrong(why.into());
            }
            None => {}
        }
        self.check_codec()?;
        self.cookie.check()
    }

    fn check_local_tier(&self, tier: &LocalTier) -> Result<()> {
        if self.is_in_cookies() {
            let why = "sessions in cookies are in no store that a `local_tier` could be put in front of; \
                       leave it out";
            return Err(Error::config(why));
        }
        let (capacity, time) = (tier.capacity(), tier.time());
        if capacity == 0 || time.is_zero() || time > LONGEST_COPY {
            return Err(Error::config(format!(
                "a `local_tier` has copies of one session or more, and shows each for more than nothing and \
                 {LONGEST_COPY:?} at most, and not {capacity} copies for {time:?}"
            )));
        }
        if let Some(every) = self.check_tier_every
            && (every.is_zero() || every >= time)
        {
            return Err(Error::config(format!(
                "a `local_tier` that shows copies for {time:?} is checked more often than that, and \
                 `check_tier_every` is more than nothing, and not {every:?}"
            )));
        }
        Ok(())
    }

    /// Refuses a codec that would not be used.
    pub(super) fn check_codec(&self) -> Result<()> {
        if self.is_codec_set && self.is_in_beakers_cookies() {
            let why = "sessions in Beaker's cookies are JSON, as Beaker reads it, so there is no \
                       `codec` to set; leave it out";
            return Err(Error::config(why));
        }
        #[cfg(feature = "python")]
        self.check_shared_with_beaker()?;
        Ok(())
    }
}

#[cfg(feature = "python")]
impl Options {
    /// Refuses what Python would not understand.
    fn check_shared_with_beaker(&self) -> Result<()> {
        let Some(format) = &self.beaker else { return Ok(()) };
        let wrong = |why: &str| Err(Error::config(why));
        if self.is_in_cookies() {
            return match () {
                () if format.is_sealed() => wrong(
                    "sessions in cookies are encrypted by `Sessions::in_sealed_cookies`, and a \
                     `BeakerFormat` with a sealer is for sessions in a store; leave the sealer out",
                ),
                () if !self.is_in_beakers_cookies() => wrong(
                    "Python's Beaker cannot read these cookies; create the signer or the sealer with \
                     `Signer::beaker` or `Sealer::beaker`",
                ),
                () => Ok(()),
            };
        }
        if self.signer.as_ref().is_some_and(|signer| !signer.is_beakers()) {
            return wrong(
                "Python's Beaker cannot verify the ids of these sessions in cookies; create the signer \
                 with `Signer::beaker`",
            );
        }
        if self.grace.is_some() || self.local_tier.is_some() {
            return wrong(
                "Python knows nothing of a `grace` period nor of copies in a `local_tier`, so sessions that it \
                 shares have neither; leave them out",
            );
        }
        if self.is_codec_set {
            return wrong(
                "sessions that Python's Beaker shares are JSON or pickles, so there is no `codec` to set; \
                 leave it out",
            );
        }
        Ok(())
    }
}
