//! [`ConfigOption`]: an option and the forms of its values as text, which are Beaker's.

use std::ops::RangeInclusive;
use std::time::Duration;

pub(super) use crate::backend::options::{ParseResult, number};
use crate::cookie::CookieLifetime;

/// An option of `C`, a row of the table of all: its name, how a text is read into its field, and what
/// the field is as text, if it has a value.
pub(super) struct ConfigOption<C>(
    pub(super) &'static str,
    pub(super) fn(&mut C, &str) -> ParseResult<()>,
    pub(super) fn(&C) -> Option<String>,
);

/// An option as it is printed: its name, its value, and what that is where nothing was said.
pub(super) type Printed = (&'static str, String, Option<String>);

/// What there is to print of the options that have a value.
pub(super) fn printed<'a, C>(
    options: &'static [ConfigOption<C>],
    config: &'a C,
    default: &'a C,
) -> impl Iterator<Item = Printed> + 'a {
    options
        .iter()
        .filter_map(|ConfigOption(name, _, show)| Some((*name, show(config)?, show(default))))
}

/// Sets a field to what was understood.
pub(super) fn set<T>(field: &mut T, understood: ParseResult<T>) -> ParseResult<()> {
    *field = understood?;
    Ok(())
}

const TRUE: [&str; 6] = ["true", "yes", "on", "y", "t", "1"];
const FALSE: [&str; 6] = ["false", "no", "off", "n", "f", "0"];

/// Nobody waits for longer, and the end of it can still be written as a date.
const LONGEST: u64 = 100 * 365 * 24 * 3600;

/// `true`, `yes`, `on`, `y`, `t`, `1` or `false`, `no`, `off`, `n`, `f`, `0`, in any case.
pub(super) fn boolean(text: &str) -> ParseResult<bool> {
    let text = text.to_lowercase();
    match (TRUE.contains(&text.as_str()), FALSE.contains(&text.as_str())) {
        (true, _) => Ok(true),
        (_, true) => Ok(false),
        _ => Err("allowed are `true` (yes, on, y, t, 1) and `false` (no, off, n, f, 0)".into()),
    }
}

/// Whole seconds, or `never`.
pub(super) fn seconds_or_never(text: &str) -> ParseResult<Option<Duration>> {
    let allowed = || format!("allowed are whole seconds, 1 to {LONGEST} (100 years), and `never`");
    match text == "never" {
        true => Ok(None),
        false => whole(text, 1..=LONGEST).map(Duration::from_secs).map(Some).ok_or_else(allowed),
    }
}

/// Whole seconds, of which there may be none.
pub(super) fn seconds(text: &str) -> ParseResult<Duration> {
    let allowed = || format!("allowed are whole seconds, 0 to {LONGEST} (100 years)");
    whole(text, 0..=LONGEST).map(Duration::from_secs).ok_or_else(allowed)
}

/// Whole seconds, one or more.
pub(super) fn some_seconds(text: &str) -> ParseResult<Duration> {
    let allowed = || format!("allowed are whole seconds, 1 to {LONGEST} (100 years)");
    whole(text, 1..=LONGEST).map(Duration::from_secs).ok_or_else(allowed)
}

/// How many of something there may be.
pub(super) fn count(text: &str) -> ParseResult<u32> {
    let most = u32::MAX;
    let count = whole(text, 1..=most.into()).and_then(|count| u32::try_from(count).ok());
    count.ok_or_else(|| format!("allowed is a whole number, 1 to {most}"))
}

/// Whole milliseconds, with a minimum.
pub(super) fn milliseconds(text: &str, least: u64) -> ParseResult<Duration> {
    let most = LONGEST * 1000;
    let allowed = || format!("allowed are whole milliseconds, {least} to {most} (100 years)");
    whole(text, least..=most).map(Duration::from_millis).ok_or_else(allowed)
}

/// How long an old id leads to its session.
pub(super) fn grace(text: &str) -> ParseResult<Duration> {
    let allowed = || "allowed are whole seconds, 0 to 60".to_owned();
    whole(text, 0..=60).map(Duration::from_secs).ok_or_else(allowed)
}

/// As [`seconds`] reads it.
pub(super) fn in_seconds(time: Duration) -> Option<String> {
    shown(time.as_secs())
}

/// As [`milliseconds`] reads it.
pub(super) fn in_milliseconds(time: Duration) -> Option<String> {
    shown(time.as_millis())
}

/// As [`seconds_or_never`] reads it.
pub(super) fn in_seconds_or_never(time: Option<Duration>) -> Option<String> {
    time.map_or(shown("never"), in_seconds)
}

/// How long a browser keeps the cookie. `1` and `0` are words for true and false, as in Beaker.
pub(super) fn cookie_expires(text: &str) -> ParseResult<CookieLifetime> {
    match (boolean(text), whole(text, 2..=LONGEST)) {
        (Ok(true), _) => Ok(CookieLifetime::Browser),
        (Ok(false), _) => Ok(CookieLifetime::Longest),
        (_, Some(seconds)) => Ok(CookieLifetime::For(Duration::from_secs(seconds))),
        _ => Err("allowed are `true` (until the browser is closed), `false` (as long as \
                  browsers keep any) and whole seconds, 2 or more"
            .into()),
    }
}

/// A whole number in this range.
pub(super) fn number_in(text: &str, range: RangeInclusive<usize>) -> ParseResult<usize> {
    let (least, most) = (*range.start(), *range.end());
    let number = number(text, least).ok().filter(|number| range.contains(number));
    number.ok_or_else(|| format!("allowed is a whole number, {least} to {most}"))
}

/// A part in whole percent.
pub(super) fn percent(text: &str) -> ParseResult<u8> {
    let percent = whole(text, 0..=100).and_then(|percent| u8::try_from(percent).ok());
    percent.ok_or_else(|| "allowed are whole percents, 0 to 100, without the sign".into())
}

/// One of these words, in any case.
pub(super) fn choice<T: Copy>(text: &str, choices: &[(&str, T)]) -> ParseResult<T> {
    let text = text.to_lowercase();
    let found = choices.iter().find(|(word, _)| *word == text).map(|(_, choice)| *choice);
    found.ok_or_else(|| {
        let words: Vec<String> = choices.iter().map(|(word, _)| format!("`{word}`")).collect();
        format!("allowed are {}", words.join(", "))
    })
}

/// The word for this choice.
pub(super) fn chosen<T: Copy + PartialEq>(choice: T, choices: &[(&str, T)]) -> Option<String> {
    choices.iter().find(|(_, this)| *this == choice).and_then(|(word, _)| shown(word))
}

/// A value that is printed as it is.
pub(super) fn shown(value: impl ToString) -> Option<String> {
    Some(value.to_string())
}

/// Items with `,` between them; empty ones are skipped, as in Beaker.
pub(super) fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

fn whole(text: &str, allowed: RangeInclusive<u64>) -> Option<u64> {
    text.parse().ok().filter(|number| allowed.contains(number) && is_whole(text))
}

/// Digits alone: `parse` would take `+5` as well.
fn is_whole(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_are_beakers() {
        for (text, value) in [("True", true), ("y", true), ("1", true), ("OFF", false)] {
            assert_eq!(boolean(text), Ok(value));
        }
        for text in ["", "2", "truth", "none"] {
            assert!(boolean(text).is_err(), "{text}");
        }
    }

    #[test]
    fn seconds_are_whole() {
        assert_eq!(seconds_or_never("3600"), Ok(Some(Duration::from_secs(3600))));
        assert_eq!(seconds_or_never("never"), Ok(None));
        for text in ["0", "-5", "+5", "1.5", "", "None", "1 hour", "99999999999999999999"] {
            assert!(seconds_or_never(text).is_err(), "{text}");
        }
    }

    #[test]
    fn percents_have_no_sign() {
        assert_eq!((percent("0"), percent("100")), (Ok(0), Ok(100)));
        for text in ["", "101", "-1", "5%", "0.5", "+5"] {
            assert!(percent(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_cookie_expires() {
        assert_eq!(cookie_expires("yes"), Ok(CookieLifetime::Browser));
        assert_eq!(cookie_expires("0"), Ok(CookieLifetime::Longest));
        assert_eq!(cookie_expires("300"), Ok(CookieLifetime::For(Duration::from_secs(300))));
        for text in ["01", "-1", "tomorrow"] {
            assert!(cookie_expires(text).is_err(), "{text}");
        }
    }
}
