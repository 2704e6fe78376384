//! `ms`: writes an item, if the conditions that came with it hold.

use super::items::{self, Item, Items};
use super::reply::{Answer, Reply};
use super::request::{BAD_FORMAT, Refusal, Request};

const KNOWN: &[u8] = b"bcCFIkOqsTM";

/// The number of bytes that follow the line, without their end.
pub(super) fn data_length(tokens: &[&[u8]]) -> Result<usize, Refusal> {
    Request::key(tokens.first())?;
    let length = tokens.get(1).and_then(|length| std::str::from_utf8(length).ok());
    let length = length.and_then(|length| length.parse::<i32>().ok());
    let length = length.filter(|&length| (0..i32::MAX - 2).contains(&length));
    length.and_then(|length| usize::try_from(length).ok()).ok_or(BAD_FORMAT)
}

/// Writes the first `length` bytes of `data`. Of a value that is too large, `data` need not hold
/// everything.
pub(super) fn set(items: &mut Items, tokens: &[&[u8]], length: usize, data: &[u8]) -> Answer {
    let sent_key = Request::key(tokens.first())?;
    let request = Request::new(sent_key, &tokens[2..], KNOWN)?;
    let mode = request.mode().unwrap_or(b'S');
    if !b"EAPRS".contains(&mode) {
        return Err("CLIENT_ERROR invalid mode for ms M token");
    }
    let client_flags = request.number(b'F').unwrap_or(0);
    if items::too_large(&request.key, length, client_flags) {
        // Whoever reads the old value now would take it for the new one.
        items.remove(&request.key);
        return Err("SERVER_ERROR object too large for cache");
    }
    if data.get(length..length + 2) != Some(b"\r\n") {
        return Err("CLIENT_ERROR bad data chunk");
    }
    let item = Item {
        value: data[..length].to_vec(),
        client_flags,
        expires: request.number(b'T').and_then(|seconds| items.expiry(seconds)),
        ..Item::default()
    };
    let stored = store(items, &request, mode, item)?;
    let (code, cas) = match stored {
        Ok(cas) => ("HD", cas),
        Err(code) => (code, 0),
    };
    if code == "HD" && request.has(b'q') {
        return Ok(None);
    }
    let own = |letter| (letter == b'c').then(|| cas.to_string());
    Ok(Some(Reply::echoing(code, &request, own)))
}

/// The new cas, or the code that says which condition did not hold.
fn store(
    items: &mut Items,
    request: &Request<'_>,
    mode: u8,
    mut item: Item,
) -> Result<Result<u64, &'static str>, Refusal> {
    let compare: Option<u64> = request.number(b'C');
    let old = items.get(&request.key).cloned();
    match (&old, compare) {
        (Some(_), _) if mode == b'E' => return Ok(Err("NS")),
        (None, _) if b"APR".contains(&mode) => return Ok(Err("NS")),
        (None, Some(_)) => return Ok(Err("NF")),
        (Some(old), Some(cas)) if cas != old.cas => {
            // A writer that comes too late may still leave its value, marked as such.
            item.stale = request.has(b'I') && cas < old.cas;
            if !item.stale {
                return Ok(Err("EX"));
            }
        }
        _ => {}
    }
    if let Some(old) = old.filter(|_| b"AP".contains(&mode)) {
        let parts = [old.value.as_slice(), item.value.as_slice()];
        let value = if mode == b'A' { parts.concat() } else { [parts[1], parts[0]].concat() };
        if items::too_large(&request.key, value.len(), old.client_flags) {
            return Err("SERVER_ERROR out of memory storing object");
        }
        item = Item { value, ..old };
    }
    Ok(Ok(items.put(&request.key, item)))
}
