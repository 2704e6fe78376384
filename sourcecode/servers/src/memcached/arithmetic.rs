//! `ma`: adds to a number, or subtracts from it.

use super::items::{Item, Items};
use super::reply::{Answer, Reply, without_details};
use super::request::Request;

const KNOWN: &[u8] = b"bcCDJkMNOqtTv";

pub(super) fn arithmetic(items: &mut Items, tokens: &[&[u8]]) -> Answer {
    let key = Request::key(tokens.first())?;
    let request = Request::new(key, &tokens[1..], KNOWN).map_err(without_details)?;
    let down = match request.mode().unwrap_or(b'I') {
        b'I' | b'+' => false,
        b'D' | b'-' => true,
        _ => return Err("CLIENT_ERROR invalid mode for ma M token"),
    };
    let item = match items.get(&request.key).cloned() {
        Some(item) if request.number(b'C').is_some_and(|cas: u64| cas != item.cas) => {
            return Ok(Some(Reply::echoing("EX", &request, |_| None)));
        }
        Some(item) => {
            let delta = request.number(b'D').unwrap_or(1);
            let number = parse(&item.value)
                .ok_or("CLIENT_ERROR cannot increment or decrement non-numeric value")?;
            // As memcached does it: down to zero and no further, up and around.
            let number =
                if down { number.saturating_sub(delta) } else { number.wrapping_add(delta) };
            let expires = match request.number(b'T') {
                Some(seconds) => items.expiry(seconds),
                None => item.expires,
            };
            Item { value: number.to_string().into_bytes(), expires, ..item }
        }
        None => {
            let Some(seconds) = request.number(b'N') else {
                return Ok(Some(Reply::echoing("NF", &request, |_| None)));
            };
            let first: u64 = request.number(b'J').unwrap_or(0);
            let value = first.to_string().into_bytes();
            Item { value, expires: items.expiry(seconds), ..Item::default() }
        }
    };
    let cas = items.put(&request.key, item.clone());
    let mut reply = Reply::echoing("HD", &request, |letter| match letter {
        b'c' => Some(cas.to_string()),
        b't' => Some(items.seconds_left(&item).to_string()),
        _ => None,
    });
    reply.value = request.has(b'v').then_some(item.value);
    Ok((reply.value.is_some() || !request.has(b'q')).then_some(reply))
}

fn parse(value: &[u8]) -> Option<u64> {
    std::str::from_utf8(value).ok()?.trim_end_matches(' ').parse().ok()
}
