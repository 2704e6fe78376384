//! The options of a back end, as texts.

#[cfg(any(
    feature = "memcached",
    feature = "postgres",
    feature = "redis",
    feature = "sqlite"
))]
use std::time::Duration;

use crate::error::{Error, Result};

/// The options that were given for a back end.
#[derive(Clone, Copy)]
pub(super) struct Options<'a> {
    pub(super) name: &'a str,
    pub(super) given: &'a [(&'a str, &'a str)],
}

impl<'a> Options<'a> {
    pub(super) fn get(self, option: &str) -> Option<&'a str> {
        self.given.iter().rev().find(|(name, _)| *name == option).map(|(_, value)| *value)
    }

    pub(super) fn required(self, option: &str, what: &str) -> Result<&'a str> {
        let missing = || format!("the back end `{}` needs `{option}`, {what}", self.name);
        self.get(option).filter(|value| !value.is_empty()).ok_or_else(|| Error::config(missing()))
    }

    /// The option as a whole number.
    pub(super) fn number(self, option: &str) -> Result<Option<usize>> {
        let wrong = |value| {
            let name = self.name;
            format!("the back end `{name}`: `{option}` is a whole number, not `{value}`")
        };
        let number = self.get(option).map(|value| value.parse().map_err(|_| wrong(value)));
        number.transpose().map_err(Error::config)
    }

    /// How long a server may take for one operation: `deadline`, in milliseconds; 2 seconds if
    /// nothing is said.
    #[cfg(any(feature = "memcached", feature = "postgres", feature = "redis", feature = "sqlite"))]
    pub(super) fn deadline(self) -> Result<Duration> {
        match self.get("deadline").map(str::parse) {
            None => Ok(Duration::from_secs(2)),
            Some(Ok(ms @ 1..)) => Ok(Duration::from_millis(ms)),
            Some(_) => {
                let wanted = "a whole number of milliseconds, 1 or more";
                Err(Error::config(format!("the back end `{}`: `deadline` is {wanted}", self.name)))
            }
        }
    }

    /// Refuses all other options.
    pub(super) fn only(self, known: &[&str]) -> Result<()> {
        match self.given.iter().find(|(option, _)| !known.contains(option)) {
            None => Ok(()),
            Some((option, _)) => {
                let known = if known.is_empty() { "none".into() } else { known.join(", ") };
                let name = self.name;
                Err(Error::config(format!(
                    "the back end `{name}` has no option `{option}`; it has: {known}"
                )))
            }
        }
    }
}
