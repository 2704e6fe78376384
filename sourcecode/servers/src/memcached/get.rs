//! `mg`: reads an item, and lets one of many readers make it anew.

use super::items::{Item, Items};
use super::reply::{Answer, Reply};
use super::request::Request;

const KNOWN: &[u8] = b"bcfhklOqstuvNRT";

pub(super) fn get(items: &mut Items, tokens: &[&[u8]]) -> Answer {
    let key = Request::key(tokens.first())?;
    let request = Request::new(key, &tokens[1..], KNOWN)?;
    let created = items.get(&request.key).is_none();
    if created {
        let Some(seconds) = request.number(b'N') else { return Ok(miss(&request)) };
        // Room for the value of whoever asked first, who is told so.
        let item = Item { expires: items.expiry(seconds), ..Item::default() };
        items.put(&request.key, item);
    }
    let Some(mut item) = items.get(&request.key).cloned() else { return Ok(miss(&request)) };
    let reply = hit(items, &request, &mut item, created);
    if !request.has(b'u') {
        item.fetched = true;
        item.accessed = items.now();
    }
    if let Some(kept) = items.get(&request.key) {
        *kept = item;
    }
    Ok(Some(reply))
}

fn miss(request: &Request<'_>) -> Option<Reply> {
    (!request.has(b'q')).then(|| Reply::echoing("EN", request, |_| None))
}

fn hit(items: &Items, request: &Request<'_>, item: &mut Item, created: bool) -> Reply {
    let mut won = created;
    let mut reply = Reply::echoing("HD", request, |letter| match letter {
        b'T' => {
            item.expires = request.number(b'T').and_then(|seconds| items.expiry(seconds));
            None
        }
        b'R' => {
            let left = items.seconds_left(item);
            let soon = left >= 0 && request.number(b'R').is_some_and(|limit: i64| left < limit);
            won |= soon && !item.token_sent;
            None
        }
        b'c' => Some(item.cas.to_string()),
        b'f' => Some(item.client_flags.to_string()),
        b'h' => Some(u8::from(item.fetched).to_string()),
        b'l' => Some(items.now().saturating_sub(item.accessed).as_secs().to_string()),
        b's' => Some(item.value.len().to_string()),
        b't' => Some(items.seconds_left(item).to_string()),
        _ => None,
    });
    if item.token_sent {
        reply.flag(b'Z', b"");
    }
    if item.stale {
        reply.flag(b'X', b"");
        won |= !item.token_sent;
    }
    if won {
        reply.flag(b'W', b"");
        item.token_sent = true;
    }
    if request.has(b'v') {
        reply.value = Some(item.value.clone());
    }
    reply
}
