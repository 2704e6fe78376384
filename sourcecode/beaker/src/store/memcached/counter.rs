//! A counter in memcached, to which the server itself adds.
//!
//! It is an item of digits, unlike all our other items, with a number of up to 2^64:
//!
//! | bits | what |
//! |---|---|
//! | 62 and 63 | the generation: one more for each counter that replaces an expired one |
//! | 55 to 61 | the number of the last `clear` before it |
//! | 0 to 54 | the count |
//!
//! An addition gives the item a new `cas` number, which therefore does not show whether the counter was
//! cleared: an addition to a cleared counter makes it look newer, until it is replaced. The number of the
//! last `clear` shows it instead; it repeats only after 127 of them.
//!
//! An addition is sent together with a lookup of the item, whose counter may have expired. The generation
//! shows whether the server added to that counter or to a newer one. The flags of the item contain the time
//! of expiry, in milliseconds since 1970, as far as it fits into 32 bits; 0 leaves the expiry to the
//! server, which counts in seconds.

use std::time::Duration;

use memcache::exp::{Arithmetic, GetResult, Set};

use super::commands::{Added, Place};
use super::servers::Mark;
use super::{MemcachedStore, server_ttl};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::store::counter;

const COUNT_BITS: u32 = 55;
const COUNT: u64 = (1 << COUNT_BITS) - 1;
const TURN_BITS: u32 = 7;
const TURN: u64 = (1 << TURN_BITS) - 1;

/// A longer time to live would overflow 32 bits. The server applies it, to the second.
const LONGEST_EXACT: Duration = Duration::from_secs(20 * 24 * 3600);

/// The parts of an item's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counter {
    /// The generation, and the number of the last `clear`.
    life: u64,
    pub(super) count: u64,
}

impl Counter {
    /// Parses an item; returns `None` if it is not a counter.
    pub(super) fn read(item: &GetResult) -> Option<Counter> {
        let text = std::str::from_utf8(item.value.as_deref()?).ok()?.trim_end_matches(' ');
        let are_digits = text.bytes().all(|byte| byte.is_ascii_digit());
        are_digits.then(|| text.parse().ok().map(Counter::of))?
    }

    fn of(number: u64) -> Counter {
        Counter { life: number >> COUNT_BITS, count: number & COUNT }
    }

    /// Returns the first counter, or the one after this if nothing was cleared since the mark.
    fn next(before: Option<Counter>, mark: Mark, count: u64) -> Counter {
        let generation = before.map_or(0, |before| (before.life >> TURN_BITS) + 1) & 3;
        Counter { life: generation << TURN_BITS | turn(mark), count }
    }

    /// Returns whether it was created after the `clear` that wrote this mark.
    pub(super) fn is_after(self, mark: Mark) -> bool {
        self.life & TURN == turn(mark)
    }

    fn number(self) -> u64 {
        self.life << COUNT_BITS | self.count
    }
}

/// Returns the number of a mark, as counters contain it.
fn turn(mark: Mark) -> u64 {
    mark.map_or(0, |mark| u64::from(mark.turn))
}

/// Returns the flags of an item that expires then.
fn flags(end: Option<Timestamp>) -> u32 {
    // Rounded up. A zero would have another meaning.
    end.map_or(0, |end| (end.as_micros().div_ceil(1000) as u32).max(1))
}

/// Returns whether a counter has expired.
pub(super) fn is_over(item: &GetResult, now: Timestamp) -> bool {
    let flags = item.client_flags.unwrap_or(0);
    let left = flags.wrapping_sub((now.as_micros() / 1000) as u32).cast_signed();
    flags != 0 && left <= 0
}

impl MemcachedStore {
    /// Adds to the counter in its place, or creates it.
    pub(super) fn add_to(&self, place: &Place<'_>, by: u64, ttl: Option<Duration>) -> Result<u64> {
        let add = Arithmetic::new(&place.wire).delta(by).return_cas();
        for _ in 0..counter::TRIES {
            let (mark, before, added) = place.add(add.clone(), self.clock.monotonic())?;
            let old = Counter::read(&before);
            let first = || {
                let end = ttl.filter(|ttl| *ttl < LONGEST_EXACT).map(|ttl| self.clock.now() + ttl);
                let number = Counter::next(old, mark, by).number();
                let set = Set::new(&place.wire, number.to_string()).client_flags(flags(end));
                set.ttl(server_ttl(ttl))
            };
            let set = match added {
                Added::To { number, cas } => {
                    let new = Counter::of(number);
                    let lives = match old {
                        Some(old) if old.life == new.life => self.stored(mark, &before).is_some(),
                        // It was created after the lookup.
                        _ => true,
                    };
                    if lives && new.count > counter::MAX_COUNT {
                        place.add(add.clone().decrement(), self.clock.monotonic())?;
                        return Err(counter::too_much(place.key));
                    }
                    if lives {
                        return Ok(new.count);
                    }
                    first().compare_cas(cas)
                }
                Added::ToNothing => first().add(),
                Added::ToNoNumber if old.is_some() => continue,
                Added::ToNoNumber if self.stored(mark, &before).is_some() => {
                    return Err(counter::no_counter(place.key));
                }
                Added::ToNoNumber => match before.item.cas.filter(|_| before.hit()) {
                    Some(dead) => first().compare_cas(dead),
                    None => continue,
                },
            };
            if place.set(set)?.applied() {
                return Ok(by);
            }
        }
        Err(counter::contended(place.key))
    }
}

#[cfg(test)]
mod tests {
    use super::super::servers::Cleared;
    use super::*;

    #[test]
    fn a_number_says_which_counter_it_is_of() {
        let mark = Some(Cleared { cas: u64::MAX, turn: 127 });
        let first = Counter::next(None, None, 7);
        assert_eq!((first.number(), Counter::of(7)), (7, first));
        let mut counter = first;
        for _ in 0..100 {
            let next = Counter::next(Some(counter), mark, counter::MAX_COUNT);
            assert_eq!(Counter::of(next.number()), next);
            assert!(next.life != counter.life && next.is_after(mark) && !next.is_after(None));
            // Adding the same again does not reach the next bits.
            assert_eq!(Counter::of(next.number() + counter::MAX_COUNT).life, next.life);
            counter = next;
        }
        assert!(first.is_after(None) && !first.is_after(mark));
    }

    #[test]
    fn a_counter_is_after_one_of_127_clears() {
        let (mut mark, mut counters) = (None, Vec::new());
        for cas in 0..127 {
            mark = Some(Cleared::read(cas, &Cleared::next(mark)));
            counters.push(Counter::next(None, mark, 1));
            assert_eq!(counters.iter().filter(|counter| counter.is_after(mark)).count(), 1);
        }
        assert_eq!(Cleared::next(mark), [1]);
        for written in [&b""[..], b"\0", b"\x01", b"\xff\xff"] {
            assert!((1..=127).contains(&Cleared::read(7, written).turn), "{written:?}");
        }
    }
}
