//! Opens the sessions and regions that a configuration describes.

use std::time::Duration;

use super::backend::BackendConfig;
use super::cache::{CacheConfig, RegionConfig};
use super::print::Keys;
#[cfg(feature = "cookies")]
use super::session::CryptoType;
use super::session::{CookieFormat, Place, Serializer, SessionConfig, SessionFormat};
#[cfg(feature = "tokio")]
use crate::backend::AsyncBackend;
use crate::backend::Backend;
use crate::cache::{OnTimeout, RegionOptions, Regions};
use crate::codec::Json;
use crate::error::{Error, Result};
#[cfg(feature = "cookies")]
use crate::sealing::{BeakerCipher, Sealer};
#[cfg(feature = "tokio")]
use crate::session::AsyncSessions;
#[cfg(feature = "python")]
use crate::session::BeakerFormat;
use crate::session::Sessions;
use crate::signing::Signer;

impl SessionConfig {
    /// Opens the backend and returns the sessions that this configuration describes.
    ///
    /// # Errors
    ///
    /// The same as for [`Backend::open`]; `ErrorKind::Config` if fields were changed after reading and no
    /// longer fit together.
    pub fn sessions(&self) -> Result<Sessions> {
        match &self.place {
            Place::Backend(backend) => self.sessions_in(self.open_backend(backend)?),
            Place::Cookie => self.configure(self.in_cookies()?),
        }
    }

    /// Returns the sessions that this configuration describes, in a backend that the program has opened
    /// itself, or that is shared with a cache.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config`, as for [`sessions`](SessionConfig::sessions).
    pub fn sessions_in(&self, backend: Backend) -> Result<Sessions> {
        self.configure_signed(Sessions::new(backend))
    }

    /// Opens the backend and returns the sessions for an asynchronous program.
    ///
    /// # Errors
    ///
    /// The same as for [`sessions`](SessionConfig::sessions).
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
            Place::Backend(backend) => self.async_sessions_in(self.open_async_backend(backend)?),
            Place::Cookie => self.configure(self.in_cookies()?).map(AsyncSessions::from),
        }
    }

    /// Returns the sessions for an asynchronous program, in a backend that the program has opened itself.
    ///
    /// # Errors
    ///
    /// The same as for [`sessions_in`](SessionConfig::sessions_in).
    #[cfg(feature = "tokio")]
    pub fn async_sessions_in(&self, backend: impl Into<AsyncBackend>) -> Result<AsyncSessions> {
        AsyncSessions::new(backend).set(|sessions| self.configure_signed(sessions))
    }

    fn open_backend(&self, backend: &BackendConfig) -> Result<Backend> {
        #[cfg(feature = "python")]
        if self.format == SessionFormat::Beaker {
            return backend.0.open_beaker();
        }
        backend.open()
    }

    #[cfg(feature = "tokio")]
    fn open_async_backend(&self, backend: &BackendConfig) -> Result<AsyncBackend> {
        #[cfg(feature = "python")]
        if self.format == SessionFormat::Beaker {
            return backend.0.open_beaker_async();
        }
        backend.open_async()
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
        if let Some(capacity) = self.local_tier {
            sessions = sessions.local_tier(capacity, self.local_ttl.unwrap_or(LOCAL_TTL));
        }
        if let Some(every) = self.check_tier_every {
            sessions = sessions.check_tier_every(every);
        }
        match (self.data_serializer, self.is_beakers()) {
            (Serializer::Bincode, true) => return Err(Error::config(BEAKER_IS_NOT_BINCODE)),
            (Serializer::Pickle, _) if self.format == SessionFormat::Own => {
                return Err(Error::config(PICKLE_IS_BEAKERS));
            }
            (Serializer::Json, false) => sessions = sessions.codec(Json),
            _ => {}
        }
        if self.format == SessionFormat::Beaker {
            sessions = self.shared_with_beaker(sessions)?;
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

    pub(super) fn signer(&self, keys: &Keys) -> Result<Signer> {
        match self.cookie_format {
            CookieFormat::Own => Signer::new(keys.iter()),
            CookieFormat::Beaker => Signer::beaker(keys.iter()),
        }
    }

    #[cfg(feature = "python")]
    fn shared_with_beaker(&self, sessions: Sessions) -> Result<Sessions> {
        let mut format = match self.data_serializer {
            Serializer::Json => BeakerFormat::json(),
            Serializer::Bincode | Serializer::Pickle => BeakerFormat::pickle(),
        };
        if let (Some(encrypt), false) = (&self.encrypt_key, self.is_in_cookies()) {
            format = format.sealed_by(self.sealer(encrypt)?);
        }
        if self.invalidate_corrupt {
            format = format.invalidate_corrupt();
        }
        Ok(sessions.shared_with_beaker(format))
    }

    #[cfg(not(feature = "python"))]
    fn shared_with_beaker(&self, _: Sessions) -> Result<Sessions> {
        let what = "sessions that Python's Beaker shares are not compiled in; \
                    turn on the feature `python` of the crate `beaker`";
        Err(Error::config(what))
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
    pub(super) fn sealer(&self, encrypt: &Keys) -> Result<Sealer> {
        match (self.cookie_format, &self.validate_key) {
            (CookieFormat::Own, _) => Sealer::new(encrypt.iter()),
            (CookieFormat::Beaker, None) => Err(Error::config(BEAKER_NEEDS_BOTH)),
            (CookieFormat::Beaker, Some(validate)) => {
                if encrypt.iter().count() != validate.iter().count() {
                    return Err(Error::config(BEAKER_NEEDS_BOTH));
                }
                let mut cipher = match self.crypto_type {
                    None | Some(CryptoType::Cryptography) => BeakerCipher::aes_gcm(),
                    Some(CryptoType::Pycryptodome) => BeakerCipher::aes_ctr(),
                };
                if let Some(bits) = self.encrypt_nonce_bits {
                    cipher = cipher.nonce_bits(bits)?;
                }
                Sealer::beaker_by(cipher, encrypt.iter().zip(validate.iter()))
            }
        }
    }
}

impl CacheConfig {
    /// Opens the backends and returns the regions that this configuration describes. Regions with the same
    /// backend options share one backend, except for memory: each region has its own memory with its own
    /// limit.
    ///
    /// ```
    /// use beaker::config::Settings;
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let settings = Settings::from_pairs([
    ///     ("cache.regions", "short_term, long_term"),
    ///     ("cache.expire", "3600"),
    ///     ("cache.short_term.expire", "60"),
    /// ]);
    /// let regions = settings.read()?.cache.open()?;
    /// let points = regions.get("short_term")?.cache::<u32>("points")?;
    /// assert_eq!(points.get_or_create("Kimi", || 100_u32)?, 100);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The same as for [`Backend::open`]; `ErrorKind::Config` if fields were changed after reading and no
    /// longer fit together.
    pub fn open(&self) -> Result<Regions> {
        self.open_by(BackendConfig::open, Backend::null, RegionOptions::new)
    }

    /// Opens the backends and returns the regions for an asynchronous program; get one with
    /// [`Regions::get_async`]. Regions with the same backend share its connections, or its limit of threads.
    ///
    /// # Errors
    ///
    /// The same as for [`open`](CacheConfig::open).
    ///
    /// # Panics
    ///
    /// Leases need a runtime of tokio to renew themselves: open and use it on one.
    ///
    /// ```
    /// use beaker::config::Settings;
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    /// # runtime.block_on(async {
    /// let settings = Settings::from_pairs([
    ///     ("cache.regions", "short_term, long_term"),
    ///     ("cache.short_term.expire", "60"),
    /// ]);
    /// let regions = settings.read()?.cache.open_async()?;
    /// let points = regions.get_async("short_term")?.cache::<u32>("points")?;
    /// assert_eq!(points.get_or_create("Kimi", || async { 100_u32 }).await?, 100);
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    #[cfg(feature = "tokio")]
    pub fn open_async(&self) -> Result<Regions> {
        self.open_by(BackendConfig::open_async, AsyncBackend::null, RegionOptions::for_tasks)
    }

    fn open_by<B: Clone>(
        &self,
        open: impl Fn(&BackendConfig) -> Result<B>,
        null: impl Fn() -> B,
        options: impl Fn(B) -> RegionOptions,
    ) -> Result<Regions> {
        let mut opened: Vec<(&BackendConfig, B)> = Vec::new();
        let mut regions = Vec::new();
        for (name, region) in &self.regions {
            let config = &region.backend;
            let same = opened.iter().find(|(other, _)| *other == config);
            let backend = match same {
                _ if !region.enabled => null(),
                Some((_, backend)) if config.name() != "memory" => backend.clone(),
                _ => open(config)?,
            };
            if region.enabled {
                opened.push((config, backend.clone()));
            }
            let options = region.in_memory().unwrap_or_else(|| options(backend));
            regions.push((name.as_str(), region.configured(options)));
        }
        Regions::new(regions)
    }
}

impl RegionConfig {
    /// Opens the backend and returns the options for a [`Region`](crate::cache::Region) that the program
    /// declares itself. If caching is disabled, the backend is one that stores nothing.
    ///
    /// # Errors
    ///
    /// The same as for [`Backend::open`].
    pub fn open(&self) -> Result<RegionOptions> {
        if let Some(options) = self.in_memory() {
            return Ok(self.configured(options));
        }
        let backend = if self.enabled { self.backend.open()? } else { Backend::null() };
        Ok(self.configured(RegionOptions::new(backend)))
    }

    /// Opens the backend and returns the options for an [`AsyncRegion`](crate::cache::AsyncRegion) that the
    /// program declares itself.
    ///
    /// # Errors
    ///
    /// The same as for [`AsyncBackend::open`].
    ///
    /// # Panics
    ///
    /// Leases need a runtime of tokio to renew themselves: open and use it on one.
    ///
    /// ```
    /// use beaker::cache::AsyncRegion;
    /// use beaker::config::Settings;
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let config = Settings::from_pairs([("cache.type", "memory"), ("cache.expire", "60")]).read()?;
    /// let region = AsyncRegion::named("short_term");
    /// region.configure(config.cache.default.open_async()?)?;
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "tokio")]
    pub fn open_async(&self) -> Result<RegionOptions> {
        if let Some(options) = self.in_memory() {
            return Ok(self.configured(options));
        }
        let backend = if self.enabled { self.backend.open_async()? } else { AsyncBackend::null() };
        Ok(self.configured(RegionOptions::for_tasks(backend)))
    }

    /// Values as they are, if that is how they are kept: none of them where caching is not enabled.
    fn in_memory(&self) -> Option<RegionOptions> {
        let max = self.max_objects()?;
        Some(RegionOptions::in_memory(if self.enabled { max } else { 0 }))
    }

    fn configured(&self, options: RegionOptions) -> RegionOptions {
        let options = options
            .key_length(self.key_length)
            .stale_for(self.stale_for)
            .on_store_failure(self.on_store_failure)
            .jitter(f64::from(self.jitter) / 100.0)
            .refresh_early(if self.refresh_early { 1.0 } else { 0.0 })
            .stale_on_failure(self.stale_on_failure.unwrap_or(true));
        let options = match self.expire {
            Some(time) => options.ttl(time),
            None => options,
        };
        let options = match self.error_ttl {
            Some(time) => options.error_ttl(time),
            None => options,
        };
        let options = match self.wait_timeout {
            Some(time) => options.wait_timeout(time, self.on_timeout.unwrap_or(OnTimeout::Fail)),
            None => options,
        };
        match self.local_tier {
            Some(max) => options.local_tier(max, self.local_ttl.unwrap_or(LOCAL_TTL)),
            None => options,
        }
    }
}

/// How long a tier in memory believes what it has, where nothing is said.
pub(super) const LOCAL_TTL: Duration = Duration::from_secs(1);

pub(super) const BEAKER_IS_NOT_BINCODE: &str = "sessions in Beaker's format are `json`, or with `session.format = beaker` also `pickle`; take one of them, \
     or leave it out";

pub(super) const PICKLE_IS_BEAKERS: &str = "pickles are for sessions that Python shares, with `session.format = beaker`; take `bincode` or `json`";

pub(super) const NO_KEY: &str =
    "sessions in cookies are signed with `validate_key` or encrypted with `encrypt_key`";

#[cfg(feature = "cookies")]
const BEAKER_NEEDS_BOTH: &str = "Beaker encrypts with `encrypt_key` and signs with `validate_key`, so both need the same number of keys";
