//! The protocol: which command is which, and how long it is.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::items::{self, Items};
use super::reply::Reply;
use super::request::{Refusal, Request};
use super::{arithmetic, delete, get, set};
use crate::built_in::{Progress, Protocol};

/// A line without an end is given up after so many bytes, as memcached does.
const LINE_LIMIT: usize = 2048;

/// memcached's items in the memory of this process, and the commands on them.
#[derive(Debug, Default)]
pub struct Memory {
    items: Mutex<Items>,
}

impl Protocol for Memory {
    fn answer(&self, input: &[u8], answer: &mut Vec<u8>) -> Progress {
        let Some(end) = input.iter().position(|&byte| byte == b'\n') else {
            return if input.len() > LINE_LIMIT { Progress::Close } else { Progress::Incomplete };
        };
        let (line, rest) = (&input[..end], &input[end + 1..]);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let tokens: Vec<&[u8]> =
            line.split(|&byte| byte == b' ').filter(|token| !token.is_empty()).collect();
        let Some((&command, tokens)) = tokens.split_first() else {
            return refuse("ERROR", answer, end + 1);
        };
        let reply = match command {
            b"mg" | b"ms" | b"md" | b"ma" if tokens.is_empty() => Err("ERROR"),
            b"mg" => get::get(&mut self.items(), tokens),
            b"md" => delete::delete(&mut self.items(), tokens),
            b"ma" => arithmetic::arithmetic(&mut self.items(), tokens),
            b"me" => debug(&mut self.items(), tokens),
            b"ms" => match set::data_length(tokens) {
                Ok(length) if rest.len() < length + 2 && !self.is_huge(length) => {
                    return Progress::Incomplete;
                }
                Ok(length) => {
                    let reply = set::set(&mut self.items(), tokens, length, rest);
                    return finish(reply, answer, end + 1 + length + 2);
                }
                Err(refusal) => Err(refusal),
            },
            b"mn" => Ok(Some(Reply::new("MN"))),
            b"version" => Ok(Some(Reply::new("VERSION 1.6.18"))),
            b"flush_all" => self.flush_all(tokens),
            b"quit" => return Progress::Close,
            _ => Err("ERROR"),
        };
        finish(reply, answer, end + 1)
    }

    fn clear(&self) {
        self.items().clear();
    }
}

impl Memory {
    pub(super) fn advance(&self, time: Duration) {
        self.items().advance(time);
    }

    /// Whether a value is refused whatever its key, so that its bytes need not be kept.
    fn is_huge(&self, length: usize) -> bool {
        items::too_large(b"", length, 0)
    }

    fn flush_all(&self, tokens: &[&[u8]]) -> Result<Option<Reply>, Refusal> {
        let (quiet, tokens) = match tokens.split_last() {
            Some((&b"noreply", before)) => (true, before),
            _ => (false, tokens),
        };
        let delay = tokens.first().map_or(Ok(0), |token| {
            let delay = std::str::from_utf8(token).ok().and_then(|text| text.parse::<i32>().ok());
            delay.ok_or("CLIENT_ERROR invalid exptime argument")
        })?;
        if delay > 0 {
            return Err("SERVER_ERROR this small memcached flushes at once or not at all");
        }
        self.items().clear();
        Ok((!quiet).then(|| Reply::new("OK")))
    }

    fn items(&self) -> MutexGuard<'_, Items> {
        // No command leaves the items half changed, whoever panicked.
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn finish(reply: Result<Option<Reply>, Refusal>, answer: &mut Vec<u8>, used: usize) -> Progress {
    match reply {
        Ok(Some(reply)) => reply.write(answer),
        Ok(None) => {}
        Err(refusal) => return refuse(refusal, answer, used),
    }
    Progress::Used(used)
}

fn refuse(refusal: Refusal, answer: &mut Vec<u8>, used: usize) -> Progress {
    Reply::new(refusal).write(answer);
    Progress::Used(used)
}

/// `me`: what is known of an item.
fn debug(items: &mut Items, tokens: &[&[u8]]) -> Result<Option<Reply>, Refusal> {
    let key = Request::key(tokens.first())?;
    let now = items.now();
    let Some(item) = items.get(key).cloned() else { return Ok(Some(Reply::new("EN"))) };
    let mut reply = Reply::new("ME");
    reply.flags.push(key.to_vec());
    for (name, value) in [
        ("exp", items.seconds_left(&item).to_string()),
        ("la", now.saturating_sub(item.accessed).as_secs().to_string()),
        ("cas", item.cas.to_string()),
        ("fetch", if item.fetched { "yes" } else { "no" }.to_owned()),
        ("cls", "1".to_owned()),
        ("size", items::size(key, item.value.len(), item.client_flags).to_string()),
    ] {
        reply.flags.push(format!("{name}={value}").into_bytes());
    }
    Ok(Some(reply))
}
