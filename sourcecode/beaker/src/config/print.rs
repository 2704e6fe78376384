//! How options are printed: quoted so that they can be read again, with secrets hidden.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use super::words::{self, Printed};
use crate::nearest::nearest;

/// Sorted lines of `key = value`. Secrets are hidden, and defaults say that they are.
#[derive(Default)]
pub(super) struct Lines(BTreeMap<String, String>);

impl Lines {
    /// A line, and what is to be remarked on it.
    pub(super) fn line(&mut self, key: &str, value: &str, mark: Option<&str>) {
        let mark = mark.map(|mark| format!("  # {mark}")).unwrap_or_default();
        self.0.insert(key.into(), format!("{}{mark}", quoted(&redacted(key, value))));
    }

    /// Lines of the options below a prefix. What is as if nothing had been said is marked.
    pub(super) fn options(&mut self, prefix: &str, options: impl IntoIterator<Item = Printed>) {
        for (name, value, default) in options {
            let mark = (default.as_ref() == Some(&value)).then_some("default");
            self.line(&format!("{prefix}{name}"), &value, mark);
        }
    }
}

impl fmt::Display for Lines {
    /// With no line break at the end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> =
            self.0.iter().map(|(key, value)| format!("{key} = {value}")).collect();
        f.write_str(&lines.join("\n"))
    }
}

/// The keys of an option such as `session.secret`, newest first. `Debug` and `Display` print only the length
/// of the text.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys(String);

impl Keys {
    /// Creates keys from a text with `,` between them. A key therefore contains no comma and no surrounding
    /// white space.
    pub(super) fn new(text: &str) -> Keys {
        Keys(text.to_owned())
    }

    /// Returns the keys, newest first.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        words::list(&self.0)
    }
}

impl fmt::Display for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redact(&self.0))
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Stands where a secret would: what is printed says how long it is, and no more.
pub(super) fn redact(secret: &str) -> String {
    format!("{OPENS}{}{CLOSES}", secret.chars().count())
}

const OPENS: &str = "(hidden, ";
const CLOSES: &str = " characters)";

/// Whether a text holds what is printed in place of a secret.
pub(super) fn holds_redacted(text: &str) -> bool {
    text.match_indices(OPENS).any(|(at, _)| {
        let rest = text[at + OPENS.len()..].trim_start_matches(|c: char| c.is_ascii_digit());
        rest.starts_with(CLOSES)
    })
}

/// The options that are secrets.
pub(super) const SECRETS: [&str; 3] = ["secret", "validate_key", "encrypt_key"];

/// The options whose names only look as if they were.
const HARMLESS: [&str; 4] = ["key", "key_length", "secure", "sha1_keys_from"];

/// Whether values of this name are secret. An unknown name is judged by its looks, because `secert` contains
/// a secret too.
fn is_secret(name: &str) -> bool {
    let option = name.rsplit('.').next().unwrap_or(name).to_lowercase();
    let suspicious = ["secr", "key", "pass", "pwd", "token", "credential"];
    let is_suspicious = suspicious.iter().any(|part| option.contains(part));
    !HARMLESS.contains(&option.as_str()) && (is_suspicious || nearest(&option, SECRETS).is_some())
}

/// A value as it may be printed.
pub(super) fn redacted(name: &str, value: &str) -> String {
    let is_to_hide = is_secret(name) && !holds_redacted(value);
    let is_address =
        ["url", "urls", "master"].iter().any(|option| name.rsplit('.').next() == Some(option));
    if is_to_hide { redact(value) } else { without_passwords(value, is_address) }
}

/// `redis://user:(hidden, 8 characters)@host`. Rather too much is hidden than too little: a
/// password may hold any of the marks that end other parts of an address.
fn without_passwords(value: &str, is_address: bool) -> String {
    let mut chunks = value.split("://");
    let first = chunks.next().unwrap_or_default();
    // In an address, the scheme may be left out.
    let first = if is_address { without_password(first) } else { without_parameter(first) };
    chunks.map(without_password).fold(first, |text, chunk| text + "://" + &chunk)
}

fn without_password(chunk: &str) -> String {
    let secret = chunk.rfind('@').and_then(|end| {
        let start = chunk[..end].find(':')? + 1;
        Some((start, end))
    });
    match secret {
        Some((start, end)) if start < end => {
            let (before, after) = (&chunk[..start], without_parameter(&chunk[end..]));
            format!("{before}{}{after}", redact(&chunk[start..end]))
        }
        _ => without_parameter(chunk),
    }
}

/// `?password=…`, as databases take it.
fn without_parameter(text: &str) -> String {
    let Some(at) = text.to_ascii_lowercase().find("password=") else { return text.into() };
    let (before, rest) = text.split_at(at + "password=".len());
    let end = rest.find(['&', ' ']).unwrap_or(rest.len());
    let (secret, after) = rest.split_at(end);
    format!("{before}{}{}", redact(secret), without_parameter(after))
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
pub(super) fn unquoted(text: &str) -> Option<Cow<'_, str>> {
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
    fn check_line(value: &str, text: &str) {
        assert_eq!(quoted(value), text);
        assert_eq!(unquoted(text).as_deref(), Some(value));
        assert_eq!(unquoted(&format!(" {text}  # default")).as_deref(), Some(value));
    }

    #[test]
    fn values_in_lines() {
        check_line("file", "file");
        check_line("a b=c", "a b=c");
        check_line("C:\\temp", "C:\\temp");
        check_line("a#b", "a#b");
        check_line("a #b", "\"a #b\"");
        check_line("#b", "\"#b\"");
        check_line("\"a\"", "\"\\\"a\\\"\"");
        check_line("a\nb", "\"a\\nb\"");
        check_line("", "");
        assert_eq!(unquoted("\"a\" b"), None);
        assert_eq!(unquoted("\"a"), None);
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

    #[track_caller]
    fn check(name: &str, value: &str, text: &str) {
        assert_eq!(redacted(name, value), text);
        assert_eq!(holds_redacted(text), value != text, "{text}");
    }

    #[test]
    fn secrets_are_hidden_and_the_rest_is_not() {
        check("session.secret", "abc", "(hidden, 3 characters)");
        check("session.secert", "äöü", "(hidden, 3 characters)");
        check("sesion.valdate_key", "abc", "(hidden, 3 characters)");
        check("password", "abc", "(hidden, 3 characters)");
        check("session.key", "sid", "sid");
        check("session.secure", "true", "true");
        check("cache.key_length", "250", "250");
        check("session.url", "redis://host:6379/0", "redis://host:6379/0");
        check("session.url", "127.0.0.1:11211;b:1", "127.0.0.1:11211;b:1");
    }

    #[test]
    fn passwords_in_addresses_are_hidden() {
        check("url", "redis://u:p@h:1/0", "redis://u:(hidden, 1 characters)@h:1/0");
        check("url", "redis://:p/w@h", "redis://:(hidden, 3 characters)@h");
        check("url", "u:pw@h:1", "u:(hidden, 2 characters)@h:1");
        check("url", ":pw@h", ":(hidden, 2 characters)@h");
        check(
            "urls",
            "redis://:p@a,redis://:pp@b",
            "redis://:(hidden, 1 characters)@a,redis://:(hidden, 2 characters)@b",
        );
        check(
            "url",
            "postgres://h/d?user=u&password=pw&x=1",
            "postgres://h/d?user=u&password=(hidden, 2 characters)&x=1",
        );
        check("url", "host=h password=pw", "host=h password=(hidden, 2 characters)");
    }
}
