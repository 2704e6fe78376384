//! [`Settings`] and [`Config`]: Beaker's options, from wherever they are said, checked all at once.
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
//! | `data_dir`, `lock_dir`, `url`, `urls`, `master`, `table_name`, `deadline`, `max_entries`, `max_bytes`, `max_in_flight`, `queue_timeout` | what the [backend](crate::Backend::open) has; `deadline` and `queue_timeout` in milliseconds | |
//! | `timeout` | seconds without use, or `never` | `never` |
//! | `lifetime` | seconds in all, or `never` | `never` |
//! | `touch_every` | seconds between two notes of an access | each one is noted |
//! | `grace` | seconds, 0 to 60, for which an old id leads to the session | `0` |
//! | `max_per_user` | sessions of a user, 1 to 10000; the oldest ends when there is one more | `1000` |
//! | `local_tier` | sessions of which there are copies in memory, 1 to 10000000 | none |
//! | `local_ttl` | seconds, 1 to 60, for which such a copy is shown | `1` |
//! | `save_accessed_time`, `auto` | true or false | `true`, `false` |
//! | `key`, `cookie_path`, `cookie_domain` | the cookie's name, path and domain | `beaker.session.id`, `/`, none |
//! | `cookie_expires` | true: until the browser is closed; false: as long as browsers keep any; seconds | `true` |
//! | `cookie_path_is_cut` | true: a proxy or axum's `nest` takes `cookie_path` away before the application sees a path | `false` |
//! | `secure` | true; false; `auto`: if the visitor came over TLS, as trusted proxies say | `true` (Beaker: false) |
//! | `trusted_proxies` | addresses and networks with `,` between, for `secure = auto` | none |
//! | `proxy_header` | `x-forwarded-proto`, `forwarded`: where the proxies say it | `x-forwarded-proto` |
//! | `httponly` | true or false | `true` (Beaker: false) |
//! | `samesite` | `lax`, `strict`, `none` | `lax` |
//! | `partitioned` | true or false | `false` |
//! | `cookie_priority` | `low`, `medium`, `high` | none |
//! | `secret` | keys that sign ids, newest first, with `,` between | none |
//! | `validate_key`, `encrypt_key` | the same, for `type = cookie`: they sign, they seal | none |
//! | `cookie_format` | `own`, `beaker` | `own` |
//! | `data_serializer` | `bincode`, `json` | `bincode` |
//!
//! # Caches: `cache.…`, and `cache.<region>.…` for one region
//!
//! | option | may be | default |
//! |---|---|---|
//! | `type` and the backend's options | as for sessions, without `cookie` | `memory` |
//! | `expire` | seconds, or `never` | `never` |
//! | `stale_for` | seconds after that in which an old value is given while a new one is made | `0` |
//! | `error_ttl` | milliseconds for which a failure of a creator is remembered; 0 remembers nothing | `100` |
//! | `wait_timeout` | milliseconds that a call waits for another one that makes the value | until that has ended |
//! | `on_timeout` | `fail`, or `create`: after `wait_timeout`, a call makes the value itself | `fail` |
//! | `stale_on_failure` | true or false: whether a stale value is given when the creator fails | `true` |
//! | `local_tier` | values that each cache keeps in memory as well, 1 or more | none |
//! | `local_ttl` | milliseconds for which it believes those | `1000` |
//! | `jitter` | percent of `expire` by which values expire sooner by chance | `0` |
//! | `refresh_early` | true or false: values are made anew before they expire, by chance | `false` |
//! | `on_store_failure` | `fail`, or `bypass`: a call goes on without the store when that fails | `fail` |
//! | `objects` | true or false, for `type = memory`: values are kept as they are, for `Region::objects`; each cache holds `max_entries` of them, or 10,000 | `false` |
//! | `enabled` | true or false | `true` |
//! | `key_length` | bytes, 80 or more | `250` |
//! | `regions` | names with `,` between; for `cache.` only | none |
//!
//! A region takes over what it does not say itself.
//!
//! True is also yes, on, y, t, 1, and false no, off, n, f, 0, in any case. Beaker's other options are
//! refused with a reason; nothing is ignored.

mod backend;
mod cache;
#[cfg(any(feature = "ini", feature = "toml"))]
mod formats;
mod name;
mod open;
mod print;
mod read;
mod reader;
mod session;
mod settings;
mod words;

use std::fmt;

pub use backend::BackendConfig;
pub use cache::{CacheConfig, RegionConfig};
pub use print::Keys;
use print::Lines;
use reader::{Problems, note_strays};
pub use session::{CookieConfig, CookieFormat, Place, Secure, Serializer, SessionConfig};
pub use settings::Settings;

use crate::error::Result;

/// What the settings come to. It prints as lines of `key = value`, with secrets hidden.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// What `session.…` says.
    pub session: SessionConfig,
    /// What `cache.…` says.
    pub cache: CacheConfig,
}

impl Settings {
    /// What these settings come to. Nothing is opened or written yet.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` with all mistakes, a line for each: the key, the value (secrets are
    /// hidden), where it came from, and what is allowed or was probably meant.
    pub fn read(&self) -> Result<Config> {
        let problems = Problems::default();
        note_strays(self, &problems);
        let session = SessionConfig::read(self, &problems);
        let cache = CacheConfig::read(self, &problems);
        problems.result().map(|()| Config { session, cache })
    }
}

impl fmt::Display for Config {
    /// The lines of both parts, sorted.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.cache, self.session)
    }
}

impl fmt::Display for SessionConfig {
    /// Sorted lines of `key = value` that can be read again. Secrets are hidden, and what is not
    /// said is there too, marked as the default.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = Lines::default();
        lines.options("session.", self.printed());
        lines.fmt(f)
    }
}

impl fmt::Display for CacheConfig {
    /// Sorted lines of `key = value` that can be read again. Passwords are hidden. What is not said is
    /// there too, marked as the default; what a region takes over is marked with its source.
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
