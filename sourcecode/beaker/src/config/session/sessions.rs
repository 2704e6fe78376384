//! Makes [`Sessions`] by what the configuration says.

use super::{CookieFormat, Keys, Place, Serializer, SessionConfig};
#[cfg(feature = "tokio")]
use crate::backend::AsyncBackend;
use crate::backend::Backend;
use crate::codec::Json;
use crate::config::reader::Reader;
use crate::error::{Error, Result};
#[cfg(feature = "cookies")]
use crate::sealing::Sealer;
#[cfg(feature = "tokio")]
use crate::session::AsyncSessions;
use crate::session::Sessions;
use crate::signing::Signer;

impl SessionConfig {
    /// The sessions that this describes. Opens the back end.
    ///
    /// # Errors
    ///
    /// What [`Backend::open`] fails with; `ErrorKind::Config` if fields were changed after they had
    /// been read and do not fit together.
    pub fn sessions(&self) -> Result<Sessions> {
        match &self.place {
            Place::Backend(backend) => self.sessions_in(backend.open()?),
            Place::Cookie => self.configure(self.in_cookies()?),
        }
    }

    /// The sessions that this describes, in a back end that the program has: one of its own, or one
    /// that is shared with a cache.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` as for [`sessions`](SessionConfig::sessions).
    pub fn sessions_in(&self, backend: Backend) -> Result<Sessions> {
        self.configure_signed(Sessions::new(backend))
    }

    /// The same for an asynchronous program.
    ///
    /// # Errors
    ///
    /// Those of [`sessions`](SessionConfig::sessions).
    ///
    /// ```
    /// use beaker::config::Settings;
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let settings = Settings::from_pairs([("session.type", "memory"), ("session.timeout", "1800")]);
    /// let sessions = settings.read()?.session.async_sessions()?;
    /// assert!(sessions.create().is_new());
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "tokio")]
    pub fn async_sessions(&self) -> Result<AsyncSessions> {
        match &self.place {
            Place::Backend(backend) => self.async_sessions_in(backend.open_async()?),
            Place::Cookie => self.configure(self.in_cookies()?).map(AsyncSessions::from),
        }
    }

    /// The same in a back end that an asynchronous program has.
    ///
    /// # Errors
    ///
    /// Those of [`sessions_in`](SessionConfig::sessions_in).
    #[cfg(feature = "tokio")]
    pub fn async_sessions_in(&self, backend: impl Into<AsyncBackend>) -> Result<AsyncSessions> {
        AsyncSessions::new(backend).set(|sessions| self.configure_signed(sessions))
    }

    fn configure_signed(&self, sessions: Sessions) -> Result<Sessions> {
        let sessions = self.configure(sessions)?;
        Ok(match &self.secret {
            Some(secret) => sessions.signed_by(self.signer(secret)?),
            None => sessions,
        })
    }

    fn configure(&self, mut sessions: Sessions) -> Result<Sessions> {
        if let Some(timeout) = self.timeout {
            sessions = sessions.timeout(timeout);
        }
        if let Some(lifetime) = self.lifetime {
            sessions = sessions.lifetime(lifetime);
        }
        if let Some(touch_every) = self.touch_every {
            sessions = sessions.touch_every(touch_every);
        }
        if let Some(time) = self.local_tier {
            sessions = sessions.local_tier(self.local_tier_capacity, time);
        }
        // Beaker's cookies are JSON of their own, and take no codec.
        let is_beakers = self.is_in_cookies() && self.cookie_format == CookieFormat::Beaker;
        match self.data_serializer {
            Serializer::Json if !is_beakers => sessions = sessions.codec(Json),
            Serializer::Bincode if is_beakers => return Err(Error::config(BEAKER_IS_JSON)),
            _ => {}
        }
        let sessions = sessions
            .grace(self.grace)
            .max_per_user(self.max_per_user)
            .save_accessed_time(self.save_accessed_time)
            .auto(self.auto)
            .remove_rejected(self.remove_rejected)
            .on_store_failure(self.on_store_failure)
            .cookie(self.cookie.options());
        sessions.check()?;
        Ok(sessions)
    }

    fn signer(&self, keys: &Keys) -> Result<Signer> {
        match self.cookie_format {
            CookieFormat::Own => Signer::new(keys.iter()),
            CookieFormat::Beaker => Signer::beaker(keys.iter()),
        }
    }

    #[cfg(feature = "cookies")]
    fn in_cookies(&self) -> Result<Sessions> {
        match (&self.validate_key, &self.encrypt_key) {
            (_, Some(encrypt)) => Ok(Sessions::in_sealed_cookies(self.sealer(encrypt)?)),
            (Some(validate), None) => Ok(Sessions::in_signed_cookies(self.signer(validate)?)),
            (None, None) => Err(Error::config(NO_KEY)),
        }
    }

    #[cfg(not(feature = "cookies"))]
    fn in_cookies(&self) -> Result<Sessions> {
        let what = "sessions in cookies are not compiled in; \
                    turn on the feature `cookies` of the crate `beaker`";
        Err(Error::config(what))
    }

    #[cfg(feature = "cookies")]
    fn sealer(&self, encrypt: &Keys) -> Result<Sealer> {
        match (self.cookie_format, &self.validate_key) {
            (CookieFormat::Own, _) => Sealer::new(encrypt.iter()),
            (CookieFormat::Beaker, None) => Err(Error::config(BEAKER_NEEDS_BOTH)),
            (CookieFormat::Beaker, Some(validate)) => {
                if encrypt.iter().count() != validate.iter().count() {
                    return Err(Error::config(BEAKER_NEEDS_BOTH));
                }
                Sealer::beaker(encrypt.iter().zip(validate.iter()))
            }
        }
    }

    /// Notes what is wrong with the keys.
    pub(super) fn check_keys(&self, reader: &Reader<'_>) {
        let judge = |reader: &Reader<'_>, option, made: Result<()>| {
            if let Err(error) = made {
                reader.wrong(option, &error.to_string());
            }
        };
        if !self.is_in_cookies() {
            for option in ["validate_key", "encrypt_key"] {
                reader.wrong(option, "it is for `session.type = cookie`; `secret` signs ids");
            }
            if let Some(secret) = &self.secret {
                judge(reader, "secret", self.signer(secret).map(drop));
            }
            return;
        }
        reader.wrong("secret", "it signs ids; `validate_key` signs sessions in cookies");
        match (&self.validate_key, &self.encrypt_key) {
            (None, None) if reader.is_given("validate_key") || reader.is_given("encrypt_key") => {}
            (None, None) => reader.missing("validate_key", NO_KEY),
            (Some(validate), None) => {
                judge(reader, "validate_key", self.signer(validate).map(drop))
            }
            #[cfg(feature = "cookies")]
            (_, Some(encrypt)) => judge(reader, "encrypt_key", self.sealer(encrypt).map(drop)),
            #[cfg(not(feature = "cookies"))]
            (_, Some(_)) => {}
        }
        if self.encrypt_key.is_some() && self.cookie_format == CookieFormat::Own {
            reader.wrong("validate_key", "`encrypt_key` is all that sealing needs; leave it out");
        }
    }
}

pub(super) const BEAKER_IS_JSON: &str =
    "sessions in Beaker's cookies are JSON; take `json`, or leave it out";

const NO_KEY: &str =
    "sessions in cookies are signed with `validate_key` or sealed with `encrypt_key`";

#[cfg(feature = "cookies")]
const BEAKER_NEEDS_BOTH: &str =
    "Beaker seals with `encrypt_key` and `validate_key`, and each has as many keys as the other";
