//! `SET` and its options.

use super::items::{Item, Items};
use super::reply::{Answer, NO_NUMBER, OK, Refusal, Reply, SYNTAX, wrong_number_of_arguments};
use super::request::number;

/// What was asked for besides the value.
#[derive(Debug, Default)]
struct Options {
    if_absent: bool,
    if_present: bool,
    give_old: bool,
    keep_ttl: bool,
    expires: Option<i64>,
}

/// `SET key value [NX | XX] [GET] [EX | PX | EXAT | PXAT time | KEEPTTL]`.
pub(super) fn set(items: &mut Items, arguments: &[&[u8]]) -> Answer {
    let [key, value, options @ ..] = arguments else {
        return Err(wrong_number_of_arguments("set"));
    };
    let options = Options::read(options, items.now())?;
    let old = items.get(key).cloned();
    let met = !(options.if_absent && old.is_some() || options.if_present && old.is_none());
    if met {
        let kept = old.as_ref().and_then(|old| old.expires).filter(|_| options.keep_ttl);
        let expires = options.expires.or(kept);
        items.put(key, Item { value: value.to_vec(), expires });
    }
    Ok(match old {
        Some(old) if options.give_old => Reply::Bulk(old.value),
        None if options.give_old => Reply::Nil,
        _ if met => OK,
        _ => Reply::Nil,
    })
}

impl Options {
    fn read(mut words: &[&[u8]], now: i64) -> Result<Options, Refusal> {
        let mut options = Options::default();
        let mut time = None;
        while let [word, rest @ ..] = words {
            words = rest;
            match word.to_ascii_uppercase().as_slice() {
                b"NX" if !options.if_present => options.if_absent = true,
                b"XX" if !options.if_absent => options.if_present = true,
                b"GET" => options.give_old = true,
                b"KEEPTTL" if time.is_none() => options.keep_ttl = true,
                unit @ (b"EX" | b"PX" | b"EXAT" | b"PXAT")
                    if time.is_none() && !options.keep_ttl =>
                {
                    let [amount, rest @ ..] = words else { return Err(SYNTAX) };
                    words = rest;
                    time = Some((unit.to_vec(), *amount));
                }
                _ => return Err(SYNTAX),
            }
        }
        if let Some((unit, amount)) = time {
            options.expires = Some(expiry(&unit, number(amount).ok_or(NO_NUMBER)?, now)?);
        }
        Ok(options)
    }
}

/// The point in time that is meant, in milliseconds since 1970.
fn expiry(unit: &[u8], amount: i64, now: i64) -> Result<i64, Refusal> {
    let ms = if unit.starts_with(b"E") { amount.checked_mul(1000) } else { Some(amount) };
    let begin = if unit.ends_with(b"AT") { 0 } else { now };
    let at = ms.filter(|_| amount > 0).and_then(|ms| ms.checked_add(begin));
    at.ok_or("ERR invalid expire time in 'set' command".into())
}
