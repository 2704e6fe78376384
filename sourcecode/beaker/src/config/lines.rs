//! Settings as lines of text, `session.timeout = 3600`: how they are printed, and read again.

use std::str::FromStr;

use super::origin::Origin;
use super::quotes::unquoted;
use super::settings::Settings;
use crate::error::{Error, Result};

impl FromStr for Settings {
    type Err = Error;

    /// Reads `key = value` lines, as a configuration prints them. Empty lines and what follows a `#`
    /// are for people. A value that begins with `"` is a JSON string, and so may hold anything.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` for a line that is none of these.
    fn from_str(text: &str) -> Result<Settings> {
        let mut settings = Settings::default();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let pair = line.split_once('=').and_then(|(key, value)| Some((key, unquoted(value)?)));
            let Some((key, value)) = pair else {
                let number = number + 1;
                return Err(Error::config(format!(
                    "could not read line {number} of the settings: \
                     write `key = value`, and `#` before what is not one"
                )));
            };
            settings.insert(key, &value, Origin::Place(format!("line {}", number + 1)));
        }
        Ok(settings)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::quotes::quoted;
    use super::*;

    #[track_caller]
    fn check(value: &str, text: &str) {
        assert_eq!(quoted(value), text);
        assert_eq!(unquoted(text).as_deref(), Some(value));
        assert_eq!(unquoted(&format!(" {text}  # default")).as_deref(), Some(value));
    }

    #[test]
    fn values_in_lines() {
        check("file", "file");
        check("a b=c", "a b=c");
        check("C:\\temp", "C:\\temp");
        check("a#b", "a#b");
        check("a #b", "\"a #b\"");
        check("#b", "\"#b\"");
        check("\"a\"", "\"\\\"a\\\"\"");
        check("a\nb", "\"a\\nb\"");
        check("", "");
        assert_eq!(unquoted("\"a\" b"), None);
        assert_eq!(unquoted("\"a"), None);
    }

    #[test]
    fn a_line_that_is_none_is_named() {
        let message = "a = 1\n\nwhat".parse::<Settings>().unwrap_err().to_string();
        assert!(message.contains("line 3"), "{message}");
    }

    proptest! {
        #[test]
        fn any_value_comes_back(value in any::<String>()) {
            let (value, text) = (value.trim(), quoted(value.trim()));
            prop_assert_eq!(text.lines().count(), usize::from(!text.is_empty()));
            let line = format!("{text}  # default");
            let again = unquoted(&line);
            prop_assert_eq!(again.as_deref(), Some(value));
        }
    }
}
