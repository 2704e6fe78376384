//! `md`: removes an item, or marks it as stale.

use super::items::{Item, Items};
use super::reply::{Answer, Reply, without_details};
use super::request::Request;

const KNOWN: &[u8] = b"bCIkOqT";

pub(super) fn delete(items: &mut Items, tokens: &[&[u8]]) -> Answer {
    let key = Request::key(tokens.first())?;
    let request = Request::new(key, &tokens[1..], KNOWN).map_err(without_details)?;
    let code = match items.get(&request.key).cloned() {
        None => "NF",
        Some(item) if request.number(b'C').is_some_and(|cas: u64| cas != item.cas) => "EX",
        Some(item) if request.has(b'I') => {
            let expires = match request.number(b'T') {
                Some(seconds) => items.expiry(seconds),
                None => item.expires,
            };
            let stale = Item { expires, stale: true, token_sent: false, ..item };
            items.put(&request.key, stale);
            "HD"
        }
        Some(_) => {
            items.remove(&request.key);
            "HD"
        }
    };
    let quiet = code == "HD" && request.has(b'q');
    Ok((!quiet).then(|| Reply::echoing(code, &request, |_| None)))
}
