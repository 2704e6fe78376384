//! [`LimitConfig`]: the options of rate limiters, typed; and the limiters that they describe.

use std::collections::BTreeMap;
use std::time::Duration;

use super::backend::BackendConfig;
use super::words::{self, ConfigOption, Printed, chosen, in_seconds, set, shown};
#[cfg(feature = "tokio")]
use crate::backend::AsyncBackend;
use crate::backend::Backend;
use crate::error::{Error, Result};
#[cfg(feature = "tokio")]
use crate::limit::AsyncRateLimiter;
use crate::limit::{OnStoreFailure, RateLimit, RateLimiter, Rule};
use crate::nearest::nearest;

/// The options under `limit.…`. They print as lines of `key = value`, with passwords hidden.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LimitConfig {
    /// The rate limiters by name.
    pub limiters: BTreeMap<String, LimiterConfig>,
}

/// The options of one rate limiter.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LimiterConfig {
    /// `type` and the backend's options: where actions are counted.
    pub backend: BackendConfig,
    /// `rule`, with `limit` and `window`, or with `burst` and `refill`: what the limiter allows.
    pub rule: RateLimit,
    /// `on_store_failure`: whether a check fails together with the store (`fail`), or allows the action
    /// (`allow`).
    pub on_store_failure: OnStoreFailure,
}

/// What is said about a limiter, or about all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) rule: Option<Rule>,
    pub(super) limit: Option<u32>,
    pub(super) window: Option<Duration>,
    pub(super) burst: Option<u32>,
    pub(super) refill: Option<Duration>,
    pub(super) on_store_failure: OnStoreFailure,
}

/// All options of a limiter but `type` and those of backends.
pub(super) const OPTIONS: &[ConfigOption<Said>] = &[
    ConfigOption(
        "rule",
        |it, text| set(&mut it.rule, words::choice(text, RULES).map(Some)),
        |it| it.rule.and_then(|rule| chosen(rule, RULES)),
    ),
    ConfigOption(
        "limit",
        |it, text| set(&mut it.limit, words::count(text).map(Some)),
        |it| it.limit.and_then(shown),
    ),
    ConfigOption(
        "window",
        |it, text| set(&mut it.window, words::some_seconds(text).map(Some)),
        |it| it.window.and_then(in_seconds),
    ),
    ConfigOption(
        "burst",
        |it, text| set(&mut it.burst, words::count(text).map(Some)),
        |it| it.burst.and_then(shown),
    ),
    ConfigOption(
        "refill",
        |it, text| set(&mut it.refill, words::some_seconds(text).map(Some)),
        |it| it.refill.and_then(in_seconds),
    ),
    ConfigOption(
        "on_store_failure",
        |it, text| set(&mut it.on_store_failure, words::choice(text, STORE_FAILURES)),
        |it| chosen(it.on_store_failure, STORE_FAILURES),
    ),
];

const RULES: &[(&str, Rule)] =
    &[("fixed_window", Rule::FixedWindow), ("token_bucket", Rule::TokenBucket)];

const STORE_FAILURES: &[(&str, OnStoreFailure)] =
    &[("fail", OnStoreFailure::Fail), ("allow", OnStoreFailure::Allow)];

impl LimitConfig {
    /// Opens the backends and returns the rate limiters that this configuration describes. Limiters with the
    /// same backend options share one backend, except for memory. The name of a limiter is its namespace in
    /// the store.
    ///
    /// # Errors
    ///
    /// The same as for [`Backend::open`], and as for [`RateLimiter::new`] if fields were changed after
    /// reading.
    ///
    /// ```
    /// use beaker::config::Settings;
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let settings = Settings::from_pairs([
    ///     ("limit.log-in.limit", "5"),
    ///     ("limit.log-in.window", "60"),
    ///     ("limit.pages.rule", "token_bucket"),
    ///     ("limit.pages.burst", "20"),
    ///     ("limit.pages.refill", "10"),
    /// ]);
    /// let limiters = settings.read()?.limit.open()?;
    /// let attempts = limiters.get("log-in")?;
    /// assert_eq!(attempts.check("Kimi")?.remaining, 4);
    /// # Ok(())
    /// # }
    /// ```
    pub fn open(&self) -> Result<Limiters<RateLimiter>> {
        self.open_by(BackendConfig::open, |backend: Backend, name, config| {
            let limiter = RateLimiter::new(backend, name, config.rule)?;
            Ok(limiter.on_store_failure(config.on_store_failure))
        })
    }

    /// Opens the backends and returns the rate limiters for an asynchronous program, as
    /// [`open`](LimitConfig::open) does for a blocking one.
    ///
    /// # Errors
    ///
    /// The same as for [`open`](LimitConfig::open).
    ///
    /// ```
    /// use beaker::config::Settings;
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    /// # runtime.block_on(async {
    /// let settings =
    ///     Settings::from_pairs([("limit.log-in.limit", "5"), ("limit.log-in.window", "60")]);
    /// let limiters = settings.read()?.limit.open_async()?;
    /// assert_eq!(limiters.get("log-in")?.check("Kimi").await?.remaining, 4);
    /// # Ok::<(), beaker::Error>(())
    /// # }).unwrap();
    /// ```
    #[cfg(feature = "tokio")]
    pub fn open_async(&self) -> Result<Limiters<AsyncRateLimiter>> {
        self.open_by(BackendConfig::open_async, |backend: AsyncBackend, name, config| {
            let limiter = AsyncRateLimiter::new(backend, name, config.rule)?;
            Ok(limiter.on_store_failure(config.on_store_failure))
        })
    }

    fn open_by<B: Clone, L>(
        &self,
        open: impl Fn(&BackendConfig) -> Result<B>,
        limiter: impl Fn(B, &str, &LimiterConfig) -> Result<L>,
    ) -> Result<Limiters<L>> {
        let mut opened: Vec<(&BackendConfig, B)> = Vec::new();
        let mut limiters = BTreeMap::new();
        for (name, config) in &self.limiters {
            let same = opened.iter().find(|(other, _)| **other == config.backend);
            let backend = match same {
                Some((_, backend)) if config.backend.name() != "memory" => backend.clone(),
                _ => open(&config.backend)?,
            };
            opened.push((&config.backend, backend.clone()));
            limiters.insert(name.clone(), limiter(backend, name, config)?);
        }
        Ok(Limiters(limiters))
    }
}

impl LimiterConfig {
    /// Its options, what they are, and what they are by default.
    pub(super) fn printed(&self) -> Vec<Printed> {
        let (limit, time) = (Some(self.rule.limit), Some(self.rule.time));
        let said = Said {
            rule: Some(self.rule.rule),
            on_store_failure: self.on_store_failure,
            ..match self.rule.rule {
                Rule::FixedWindow => Said { limit, window: time, ..Said::default() },
                Rule::TokenBucket => Said { burst: limit, refill: time, ..Said::default() },
            }
        };
        let default = Said { rule: Some(Rule::FixedWindow), ..Said::default() };
        let mut printed = self.backend.printed("memory");
        for option in OPTIONS {
            if let Some(value) = (option.2)(&said) {
                printed.push((option.0, value, (option.2)(&default)));
            }
        }
        printed
    }
}

/// The rate limiters of a configuration, by name.
#[derive(Debug, Clone)]
#[must_use]
pub struct Limiters<L>(BTreeMap<String, L>);

impl<L: Clone> Limiters<L> {
    /// Returns the limiter with this name. A clone of a limiter is the same limiter.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` if the configuration has no limiter of this name.
    ///
    /// ```
    /// use beaker::config::Settings;
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let settings =
    ///     Settings::from_pairs([("limit.log-in.limit", "5"), ("limit.log-in.window", "60")]);
    /// let limiters = settings.read()?.limit.open()?;
    /// let error = limiters.get("login").unwrap_err().to_string();
    /// assert!(error.contains("did you mean `log-in`?"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn get(&self, name: &str) -> Result<L> {
        self.0.get(name).cloned().ok_or_else(|| {
            let none = format!("the configuration has no rate limiter `{name}`");
            let names = || self.0.keys().map(String::as_str);
            Error::config(match nearest(name, names()) {
                Some(near) => format!("{none}; did you mean `{near}`?"),
                None => format!("{none}; set `limit.{name}.limit` and `limit.{name}.window`"),
            })
        })
    }
}
