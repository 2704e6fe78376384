//! [`Life`]: how long a single session lasts, if it differs from the others. It is an ordinary value of the
//! session, so it moves to a new id with the session, and costs nothing in sessions without one.

use std::borrow::Cow;
use std::time::Duration;

use super::stored::SessionData;
use crate::clock::Timestamp;
use crate::cookie::{CookieLifetime, CookieOptions, LONGEST_LIFETIME};
use crate::value::Value;

/// Where a session keeps its own life: `for 2592000`, `until 1700000000` (seconds), or `browser`.
pub(super) const LIFE: &str = "_life";

/// A cookie that runs out is sent again when a tenth of its time has passed.
const PARTS: u32 = 10;

/// How long a single session lasts: the argument of [`set_life`](super::SessionState::set_life).
///
/// Times are stored in whole seconds, rounded up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Life {
    /// As all other sessions: by [`timeout`](crate::Sessions::timeout),
    /// [`lifetime`](crate::Sessions::lifetime), and the [cookie's lifetime](CookieLifetime).
    #[default]
    Default,
    /// Until it has not been used for this time: its own idle timeout instead of `timeout`. The `lifetime`
    /// still ends it. The browser keeps the cookie for the same time, counted from the last visit.
    For(Duration),
    /// Until this date, whether it is used or not, instead of `timeout` and `lifetime`. The browser keeps the
    /// cookie until then, or for the 400 days to which browsers limit cookies.
    Until(Timestamp),
    /// As all other sessions, but only until the browser is closed: the cookie has no time.
    Browser,
}

impl From<Duration> for Life {
    fn from(time: Duration) -> Life {
        Life::For(time)
    }
}

impl From<Timestamp> for Life {
    fn from(date: Timestamp) -> Life {
        Life::Until(date)
    }
}

impl Life {
    /// Reads what a session keeps; what is damaged is no life of its own.
    fn read(value: &Value) -> Life {
        let seconds = |text: &str| text.parse().ok().map(Duration::from_secs);
        let read = value.as_str().and_then(|text| match text.split_once(' ') {
            Some(("for", time)) => seconds(time).map(Life::For),
            Some(("until", date)) => {
                seconds(date).map(|date| Life::Until(Timestamp::from_micros(0) + date))
            }
            _ => (text == "browser").then_some(Life::Browser),
        });
        read.unwrap_or_default()
    }

    /// Writes what [`read`](Life::read) reads; `None` for a session that keeps nothing.
    pub(super) fn written(self) -> Option<Value> {
        let text = match self {
            Life::Default => return None,
            Life::For(time) => format!("for {}", whole_seconds(time)),
            Life::Until(date) => {
                format!("until {}", whole_seconds(date.since(Timestamp::from_micros(0))))
            }
            Life::Browser => "browser".to_owned(),
        };
        Some(Value::Text(text))
    }

    /// Returns how long the session's cookie is kept, given the lifetime of all cookies.
    pub(super) fn cookie_lifetime(self, of_all: CookieLifetime) -> CookieLifetime {
        match self {
            Life::Default => of_all,
            Life::For(time) => CookieLifetime::For(time),
            // What is left until then is less.
            Life::Until(_) => CookieLifetime::Longest,
            Life::Browser => CookieLifetime::Browser,
        }
    }

    /// Returns the options of its cookie.
    pub(super) fn cookie(self, of_all: &CookieOptions) -> Cow<'_, CookieOptions> {
        match self {
            Life::Default => Cow::Borrowed(of_all),
            own => {
                let lifetime = own.cookie_lifetime(of_all.get_lifetime());
                Cow::Owned(of_all.clone().lifetime(lifetime))
            }
        }
    }

    /// Returns the time after which a cookie that runs out is sent again.
    pub(super) fn reissue_after(self, of_all: CookieLifetime) -> Option<Duration> {
        match (self, self.cookie_lifetime(of_all)) {
            (_, CookieLifetime::For(time)) => Some(time.min(LONGEST_LIFETIME) / PARTS),
            // No browser keeps one until a date that is further away.
            (Life::Until(_), _) => Some(LONGEST_LIFETIME / PARTS),
            (_, CookieLifetime::Browser | CookieLifetime::Longest) => None,
        }
    }
}

fn whole_seconds(time: Duration) -> u64 {
    time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0))
}

impl SessionData {
    /// Returns its own life, if it has one.
    #[inline]
    pub(super) fn life(&self) -> Life {
        self.values.get(LIFE).map_or(Life::Default, Life::read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let second = Duration::from_secs(1);
        let date = |micros| Life::Until(Timestamp::from_micros(micros));
        for (life, read) in [
            (Life::For(second), Life::For(second)),
            (Life::For(second / 2), Life::For(second)),
            (Life::For(Duration::MAX), Life::For(Duration::from_secs(u64::MAX))),
            (date(1_700_000_000_000_000), date(1_700_000_000_000_000)),
            (date(1_700_000_000_000_001), date(1_700_000_001_000_000)),
            (date(u64::MAX), date(u64::MAX)),
            (Life::Browser, Life::Browser),
        ] {
            assert_eq!(Life::read(&life.written().unwrap()), read);
        }
        assert_eq!(Life::Default.written(), None);
    }

    #[test]
    fn what_is_damaged_is_no_life_of_its_own() {
        for text in ["", "for", "for ", "for -1", "for 1 2", "until x", "Browser", "browser "] {
            assert_eq!(Life::read(&text.into()), Life::Default, "{text}");
        }
        assert_eq!(Life::read(&Value::Int(7)), Life::Default);
    }
}
