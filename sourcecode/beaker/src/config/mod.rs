//! [`Settings`] and [`Config`]: Beaker's options as text, from the program, files and the environment. All of
//! them are checked together, and all errors are reported at once.
//!
//! ```
//! use beaker::config::Settings;
//!
//! # fn main() -> beaker::Result<()> {
//! let in_the_program = Settings::from_pairs([
//!     ("session.type", "memory"),
//!     ("session.timeout", "1800"),
//!     ("cache.regions", "short, long"),
//!     ("cache.short.expire", "60"),
//! ]);
//! let config = in_the_program.merged_with(Settings::from_process_env()?).read()?;
//!
//! let sessions = config.session.sessions()?;
//! let mut session = sessions.create();
//! session.save()?;
//!
//! let regions = config.cache.open()?;
//! let points = regions.get("short")?.cache::<u32>("points")?;
//! assert_eq!(points.get_or_create("Kimi", || 100_u32)?, 100);
//! # Ok(())
//! # }
//! ```
//!
//! # Where settings come from
//!
//! | from | with | `session.type` is |
//! |---|---|---|
//! | pairs | [`Settings::from_pairs`] | `("session.type", "file")` |
//! | the environment | [`Settings::from_process_env`] | `BEAKER_SESSION__TYPE=file` |
//! | lines, as a configuration prints them | `text.parse::<Settings>()` | `session.type = file` |
//! | TOML (feature `toml`) | `Settings::from_toml`, `from_toml_file` | `type = "file"` below `[session]` |
//! | INI (feature `ini`) | `Settings::from_ini`, `from_ini_file` | `session.type = file` in a section of your choice, or `type = file` below `[session]` |
//!
//! # Sessions: `session.…`
//!
//! | option | may be | default |
//! |---|---|---|
//! | `type` | a name of [`Backend::open`](crate::Backend::open), or `cookie` (feature `cookies`) | `file` if there is a `data_dir`, else `memory` |
//! | `data_dir`, `lock_dir`, `url`, `urls`, `master`, `table_name`, `deadline`, `max_entries`, `max_bytes`, `max_in_flight`, `queue_timeout` | the options of the [backend](crate::Backend::open); `deadline` and `queue_timeout` in milliseconds | |
//! | `timeout` | the idle timeout in seconds, or `never` | `never` |
//! | `lifetime` | the absolute timeout in seconds, or `never` | `never` |
//! | `touch_every` | seconds; an access is noted if the last noted one is at least this long ago | each access is noted |
//! | `grace` | seconds, 0 to 60, for which an old id still leads to the session | `0` |
//! | `max_per_user` | maximum number of sessions of a user, 1 to 10000; beyond it, the oldest ends | `1000` |
//! | `local_tier` | maximum number of sessions with a copy in memory, 1 to 10000000 | none |
//! | `local_ttl` | seconds, 1 to 60, for which such a copy is used | `1` |
//! | `check_tier_every` | milliseconds, less than `local_ttl`; how often this process asks which copies other processes have replaced | never |
//! | `save_accessed_time`, `auto` | true or false | `true`, `false` |
//! | `key`, `cookie_path`, `cookie_domain` | the cookie's name, path and domain | `beaker.session.id`, `/`, none |
//! | `cookie_expires` | true: until the browser is closed; false: as long as browsers keep a cookie; or seconds | `true` |
//! | `cookie_path_is_cut` | true: a proxy, or axum's `nest`, removes `cookie_path` from the path that the application sees | `false` |
//! | `secure` | true; false; `auto`: if the visitor came over TLS, according to trusted proxies | `true` (Beaker: false) |
//! | `trusted_proxies` | addresses and networks, separated by `,`, for `secure = auto` | none |
//! | `proxy_header` | `x-forwarded-proto`, `forwarded`: the header that the proxies set | `x-forwarded-proto` |
//! | `httponly` | true or false | `true` (Beaker: false) |
//! | `samesite` | `lax`, `strict`, `none` | `lax` |
//! | `partitioned` | true or false | `false` |
//! | `cookie_priority` | `low`, `medium`, `high` | none |
//! | `secret` | keys that sign ids, newest first, separated by `,` | none |
//! | `validate_key`, `encrypt_key` | for `type = cookie`: keys that sign and keys that encrypt the session, newest first, separated by `,`; with `format = beaker`, both encrypt sessions in a store as well | none |
//! | `format` | `own`; `beaker`: as Python's Beaker stores sessions and cookies (feature `python`) | `own` |
//! | `cookie_format` | `own`, `beaker` | that of `format` |
//! | `data_serializer` | `bincode`, `json`; with `format = beaker`, `json`, `pickle` | `bincode`; `pickle` |
//! | `crypto_type` | the cipher of Beaker's format: `cryptography`, `pycryptodome` | `cryptography` |
//! | `encrypt_nonce_bits` | the nonce of Beaker's format: 48, 64, 96, 128, 192, 256 | `128` |
//! | `invalidate_corrupt` | true or false, for `format = beaker`: whether a visitor whose session cannot be read gets a new one | `false` |
//!
//! # Caches: `cache.…`, and `cache.<region>.…` for one region
//!
//! | option | may be | default |
//! |---|---|---|
//! | `type` and the backend's options | as for sessions, without `cookie` | `memory` |
//! | `expire` | seconds, or `never` | `never` |
//! | `stale_for` | seconds after `expire` for which a stale value is served while a new one is computed | `0` |
//! | `error_ttl` | milliseconds for which an error of a loader is remembered; 0 turns that off | `100` |
//! | `wait_timeout` | milliseconds for which a call waits for another one that computes the value | no limit |
//! | `on_timeout` | `fail`, or `create`: after `wait_timeout`, the call computes the value itself | `fail` |
//! | `stale_on_failure` | true or false: whether a stale value is served when the loader fails | `true` |
//! | `local_tier` | number of values that each cache keeps in memory as well, 1 or more | none |
//! | `local_ttl` | milliseconds for which such a value is used | `1000` |
//! | `jitter` | percent of `expire` by which values expire earlier, at random | `0` |
//! | `refresh_early` | true or false: values are recomputed shortly before they expire, at random | `false` |
//! | `on_store_failure` | `fail`, or `bypass`: while the store fails, values are computed without it | `fail` |
//! | `objects` | true or false, for `type = memory`: values are kept without encoding, for `Region::objects`; each cache holds `max_entries` of them, or 10,000 | `false` |
//! | `enabled` | true or false | `true` |
//! | `key_length` | bytes, 80 or more; longer keys are shortened to a hash | `250` |
//! | `format` | `own`, or a form that Python shares in redis or memcached: `dogpile-json`, `dogpile-pickle`, `beaker` (feature `python`) | `own` |
//! | `distributed_lock` | for dogpile.cache: seconds for which a loader holds its lock in the store at most | none |
//! | `stored_for` | for dogpile.cache: seconds for which the store keeps an entry, its `redis_expiration_time` | `expire` and `stale_for` |
//! | `sha1_keys_from` | for dogpile.cache: number of characters from which on a key is hashed; 0 hashes all | none |
//! | `regions` | names, separated by `,`; for `cache.` only | none |
//!
//! A region inherits the options that it does not set itself.
//!
//! # Rate limiters: `limit.<name>.…`
//!
//! | option | may be | default |
//! |---|---|---|
//! | `rule` | `fixed_window`, `token_bucket`: see [`RateLimit`](crate::limit::RateLimit) | `fixed_window` |
//! | `limit`, `window` | for `rule = fixed_window`, which needs both: how many actions are allowed, 1 or more, in each window of so many seconds | |
//! | `burst`, `refill` | for `rule = token_bucket`, which needs both: how many actions are allowed at once, 1 or more, and the seconds in which the bucket refills completely | |
//! | `on_store_failure` | `fail`, or `allow`: while the store fails, all actions are allowed | `fail` |
//! | `type` and the backend's options | as for caches | `memory` |
//!
//! There is a limiter for each name of letters, digits, `_` and `-` that stands in a key. Set
//! `on_store_failure`, `type` and the backend's options below `limit.` to let all limiters inherit them.
//!
//! True may also be written yes, on, y, t or 1, and false no, off, n, f or 0, in any case. Beaker's other
//! options are errors that give the reason; no option is silently ignored.

mod backend;
mod cache;
#[cfg(any(feature = "ini", feature = "toml"))]
mod formats;
mod limit;
mod name;
mod open;
mod print;
mod read;
mod read_limit;
mod read_session;
mod reader;
mod session;
mod settings;
mod shared_cache;
mod words;

use std::fmt;

pub use backend::BackendConfig;
pub use cache::{CacheConfig, RegionConfig};
pub use limit::{LimitConfig, LimiterConfig, Limiters};
pub use print::Keys;
use print::Lines;
use reader::{Problems, note_strays};
pub use session::{
    CookieConfig, CookieFormat, CryptoType, Place, Secure, Serializer, SessionConfig, SessionFormat,
};
pub use settings::Settings;
pub use shared_cache::CacheFormat;

use crate::error::Result;

/// A checked configuration. It prints as lines of `key = value`, with secrets hidden.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// The options under `session.…`.
    pub session: SessionConfig,
    /// The options under `cache.…`.
    pub cache: CacheConfig,
    /// The options under `limit.…`.
    pub limit: LimitConfig,
}

impl Settings {
    /// Checks these settings and returns the configuration. Nothing is opened or written yet.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` with all errors, one per line: the key, the value (secrets are hidden), its
    /// source, and what is allowed or was probably meant.
    pub fn read(&self) -> Result<Config> {
        let problems = Problems::default();
        note_strays(self, &problems);
        let session = SessionConfig::read(self, &problems);
        let cache = CacheConfig::read(self, &problems);
        let limit = LimitConfig::read(self, &problems);
        problems.result().map(|()| Config { session, cache, limit })
    }
}

impl fmt::Display for Config {
    /// Prints the lines of all parts, sorted.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.cache)?;
        if !self.limit.limiters.is_empty() {
            writeln!(f, "{}", self.limit)?;
        }
        self.session.fmt(f)
    }
}

impl fmt::Display for LimitConfig {
    /// Prints sorted lines of `key = value` that can be read again, for each limiter with all its options.
    /// Passwords are hidden, and options that are not set are marked as defaults.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = Lines::default();
        for (name, limiter) in &self.limiters {
            lines.options(&format!("limit.{name}."), limiter.printed());
        }
        lines.fmt(f)
    }
}

impl fmt::Display for SessionConfig {
    /// Prints sorted lines of `key = value` that can be read again. Secrets are hidden. Options that are not
    /// set are included and marked as defaults.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = Lines::default();
        lines.options("session.", self.printed());
        lines.fmt(f)
    }
}

impl fmt::Display for CacheConfig {
    /// Prints sorted lines of `key = value` that can be read again. Passwords are hidden. Options that are
    /// not set are included and marked as defaults; inherited options of a region are marked with their
    /// source.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut lines, base) = (Lines::default(), self.default.printed());
        for (name, region) in &self.regions {
            let prefix = format!("cache.{name}.");
            lines.options(&prefix, region.printed());
            let taken_over = region.printed().into_iter().filter(|(option, value, _)| {
                base.iter().any(|(of_all, as_is, _)| of_all == option && as_is == value)
            });
            for (option, value, _) in taken_over {
                let source = format!("as cache.{option}");
                lines.line(&format!("{prefix}{option}"), &value, Some(&source));
            }
        }
        lines.options("cache.", base);
        let names: Vec<&str> = self.regions.keys().map(String::as_str).collect();
        if !names.is_empty() {
            lines.line("cache.regions", &names.join(", "), None);
        }
        lines.fmt(f)
    }
}
