//! Counters: how [`Store::increment`] changes the value of a key.
//!
//! A counter is stored as its number in decimal digits. If a store cannot keep the time of expiry beside
//! the value, the digits are followed by a space and that time in microseconds since 1970.

use std::time::Duration;

use super::{AsyncStore, Precondition, Store, Stored};
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;

/// The largest number of a counter: 2^53 - 1, because scripts of redis calculate exactly only up to this
/// number.
pub const MAX_COUNT: u64 = (1 << 53) - 1;

/// How often it is tried again while others keep writing. Each time, one of them has succeeded.
pub(super) const TRIES: usize = 10_000;

/// Returns the number of a counter, and its time of expiry if it has one; `None` if the bytes are not a
/// counter.
pub(super) fn parse(bytes: &[u8]) -> Option<(u64, Option<Timestamp>)> {
    let text = std::str::from_utf8(bytes).ok()?;
    let number = |digits: &str| -> Option<u64> {
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
    };
    let (count, end) = match text.split_once(' ') {
        Some((count, end)) => (count, Some(Timestamp::from_micros(number(end)?))),
        None => (text, None),
    };
    number(count).filter(|count| *count <= MAX_COUNT).map(|count| (count, end))
}

/// Rejects an increment that is too large for any counter.
pub(super) fn check(key: &Key, by: u64) -> Result<()> {
    if by <= MAX_COUNT { Ok(()) } else { Err(too_much(key)) }
}

/// Returns the number of an unexpired counter after the increment.
pub(super) fn add(key: &Key, bytes: &[u8], by: u64) -> Result<u64> {
    let (count, _) = parse(bytes).ok_or_else(|| no_counter(key))?;
    let sum = count.checked_add(by).filter(|sum| *sum <= MAX_COUNT);
    sum.ok_or_else(|| too_much(key))
}

pub(super) fn no_counter(key: &Key) -> Error {
    let what = "what lives there is no counter; delete it, or take another key";
    Error::new(ErrorKind::Codec, format!("could not increment {key:?}: {what}"))
}

pub(super) fn too_much(key: &Key) -> Error {
    let what = format!("a counter holds {MAX_COUNT} at most; delete it to begin anew");
    Error::new(ErrorKind::TooLarge, format!("could not increment {key:?}: {what}"))
}

pub(super) fn contended(key: &Key) -> Error {
    let what = "others keep writing there; try again";
    Error::new(ErrorKind::Conflict, format!("could not increment {key:?}: {what}"))
}

/// The write that increments a counter, provided that no other write comes first.
struct Step {
    count: u64,
    text: String,
    ttl: Option<Duration>,
    when: Precondition,
}

impl Step {
    fn from(
        key: &Key,
        found: Option<&Stored>,
        by: u64,
        ttl: Option<Duration>,
        now: Timestamp,
    ) -> Result<Step> {
        let parsed = found.map(|stored| parse(&stored.bytes).ok_or_else(|| no_counter(key)));
        let is_over = |end: Option<Timestamp>| end.is_some_and(|end| end <= now);
        let (count, end) = match (found, parsed.transpose()?) {
            (Some(stored), Some((_, end))) if !is_over(end) => (add(key, &stored.bytes, by)?, end),
            _ => (by, ttl.map(|ttl| now + ttl)),
        };
        let when = found.map_or(Precondition::Absent, |it| Precondition::Unchanged(it.version));
        let text = match end {
            Some(end) => format!("{count} {}", end.as_micros()),
            None => count.to_string(),
        };
        Ok(Step { count, text, ttl: end.map(|end| end.since(now)), when })
    }
}

/// Increments with a read and a conditional write.
pub(crate) fn by_puts<S: Store + ?Sized>(
    store: &S,
    key: &Key,
    by: u64,
    ttl: Option<Duration>,
) -> Result<u64> {
    check(key, by)?;
    for _ in 0..TRIES {
        let step = Step::from(key, store.get(key)?.as_ref(), by, ttl, store.clock().now())?;
        if store.put(key, step.text.as_bytes(), step.ttl, step.when)?.is_some() {
            return Ok(step.count);
        }
    }
    Err(contended(key))
}

/// Does the same for tasks.
pub(crate) async fn by_awaited_puts<S: AsyncStore + ?Sized>(
    store: &S,
    key: &Key,
    by: u64,
    ttl: Option<Duration>,
) -> Result<u64> {
    check(key, by)?;
    for _ in 0..TRIES {
        let found = store.get(key).await?;
        let step = Step::from(key, found.as_ref(), by, ttl, store.clock().now())?;
        if store.put(key, step.text.as_bytes(), step.ttl, step.when).await?.is_some() {
            return Ok(step.count);
        }
    }
    Err(contended(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_told_from_other_values() {
        let end = Some(Timestamp::from_micros(7));
        for (text, expected) in [
            ("0", Some((0, None))),
            ("42", Some((42, None))),
            ("42 7", Some((42, end))),
            ("9007199254740991", Some((MAX_COUNT, None))),
            ("9007199254740992", None),
            ("99999999999999999999", None),
            ("", None),
            (" ", None),
            ("4 ", None),
            ("+4", None),
            ("-4", None),
            ("4 7 7", None),
            ("x", None),
        ] {
            assert_eq!(parse(text.as_bytes()), expected, "{text:?}");
        }
        assert_eq!(parse(&[0xff, b'1']), None);
    }
}
