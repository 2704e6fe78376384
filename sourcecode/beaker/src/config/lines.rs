//! Settings as lines of text, `session.timeout = 3600`: how they are printed, and read again.

use std::borrow::Cow;
use std::str::FromStr;

use super::origin::Origin;
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

/// A value as it stands in a line.
pub(super) fn quoted(value: &str) -> Cow<'_, str> {
    let is_plain = !value.chars().any(char::is_control)
        && !value.starts_with(['"', '#'])
        && comment_starts(value).is_none();
    match is_plain && value.trim() == value {
        true => value.into(),
        false => serde_json::Value::from(value).to_string().into(),
    }
}

/// The value that stands in a line, without the comment after it.
fn unquoted(text: &str) -> Option<Cow<'_, str>> {
    let text = text.trim();
    if !text.starts_with('"') {
        let end = if text.starts_with('#') { Some(0) } else { comment_starts(text) };
        return Some(text[..end.unwrap_or(text.len())].trim_end().into());
    }
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<String>();
    let value = values.next()?.ok()?;
    let rest = text[values.byte_offset()..].trim_start();
    (rest.is_empty() || rest.starts_with('#')).then_some(value.into())
}

/// Where ` #` is: a `#` within a word belongs to it.
fn comment_starts(text: &str) -> Option<usize> {
    let mut before = ' ';
    text.char_indices().find_map(|(at, c)| {
        let starts = c == '#' && before.is_whitespace() && at > 0;
        before = c;
        starts.then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
