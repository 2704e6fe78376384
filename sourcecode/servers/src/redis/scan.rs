//! `SCAN`: all keys, some at a time.

use super::glob;
use super::items::Items;
use super::reply::{Answer, NO_NUMBER, Reply, SYNTAX, wrong_number_of_arguments};
use super::request::number;

/// `SCAN cursor [MATCH pattern] [COUNT number]`.
///
/// Keys come in the order of their hashes, and a cursor is a hash. So a key that is there from the
/// first step to the last is given, whatever is added or removed meanwhile.
pub(super) fn scan(items: &Items, arguments: &[&[u8]]) -> Answer {
    let [cursor, options @ ..] = arguments else {
        return Err(wrong_number_of_arguments("scan"));
    };
    let cursor = std::str::from_utf8(cursor).ok().and_then(|cursor| cursor.parse::<u64>().ok());
    let cursor = cursor.ok_or("ERR invalid cursor")?;
    let (mut pattern, mut count) = (None, 10);
    for option in options.chunks(2) {
        let [name, value] = option else { return Err(SYNTAX) };
        match name.to_ascii_uppercase().as_slice() {
            b"MATCH" => pattern = Some(*value),
            b"COUNT" => match number(value).ok_or(NO_NUMBER)? {
                wanted @ 1.. => count = wanted as usize,
                _ => return Err(SYNTAX),
            },
            _ => return Err(SYNTAX),
        }
    }
    let mut keys: Vec<(u64, &[u8])> = items.keys().map(|key| (hash(key), key)).collect();
    keys.retain(|(hash, _)| *hash >= cursor);
    keys.sort_unstable();
    let next = keys.get(count).map_or(0, |(hash, _)| *hash);
    let found = keys.iter().take_while(|(hash, _)| next == 0 || *hash < next);
    let found = found.filter(|(_, key)| pattern.is_none_or(|p| glob::matches(p, key)));
    let found = found.map(|(_, key)| Reply::bulk(key)).collect();
    Ok(Reply::Array(vec![Reply::bulk(next.to_string()), Reply::Array(found)]))
}

/// Never 0, which is the cursor of the beginning and the end (FNV-1a).
fn hash(key: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
    key.iter().fold(0xcbf2_9ce4_8422_2325, step).max(1)
}
