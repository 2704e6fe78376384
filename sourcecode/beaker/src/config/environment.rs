//! Settings from environment variables.

use std::env;

use super::origin::Origin;
use super::settings::Settings;
use crate::error::{Error, Result};

impl Settings {
    /// The settings among variables of the environment. Of names that begin with the prefix, the
    /// rest is the key: `__` is a dot, and letters are small ones. With the prefix `BEAKER_`,
    /// `BEAKER_SESSION__TYPE` is `session.type`.
    pub fn from_env(
        prefix: &str,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Settings {
        let mut settings = Settings::default();
        for (name, value) in variables {
            let Some(rest) = name.strip_prefix(prefix) else { continue };
            let key = rest.replace("__", ".").to_lowercase();
            let origin = Origin::Variable { name: name.clone(), prefix: prefix.into() };
            settings.insert(&key, &value, origin);
        }
        settings
    }

    /// The settings in this process's environment, with the prefix `BEAKER_`.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` if such a variable is no text.
    pub fn from_process_env() -> Result<Settings> {
        let mut variables = Vec::new();
        for (name, value) in env::vars_os() {
            let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else {
                continue;
            };
            let value = value.into_string().map_err(|_| {
                Error::config(format!("the environment variable {name} is not in UTF-8"))
            })?;
            variables.push((name.to_owned(), value));
        }
        Ok(Settings::from_env(PREFIX, variables))
    }
}

const PREFIX: &str = "BEAKER_";

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, text: &str) {
        let settings = Settings::from_env("BEAKER_", [(name.to_owned(), "x".to_owned())]);
        assert_eq!(format!("{settings:?}"), text);
    }

    #[test]
    fn names_of_variables() {
        check(
            "BEAKER_SESSION__DATA_DIR",
            "session.data_dir = x  # environment variable BEAKER_SESSION__DATA_DIR\n",
        );
        check(
            "BEAKER_CACHE__SHORT__EXPIRE",
            "cache.short.expire = x  # environment variable BEAKER_CACHE__SHORT__EXPIRE\n",
        );
        check("BEAKER_LONG_TESTS", "");
        check("SESSION__TYPE", "");
    }
}
