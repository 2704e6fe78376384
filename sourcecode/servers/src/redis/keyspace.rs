//! The protocol: which command is which.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::items::Items;
use super::reply::{
    self, Answer, NO_NUMBER, OK, Refusal, Reply, SYNTAX, wrong_number_of_arguments,
};
use super::request::{Request, number};
use super::{scan, scripts, set};
use crate::built_in::{Progress, Protocol};

/// redis' keys in the memory of this process, and the commands on them.
#[derive(Debug, Default)]
pub struct Keyspace {
    items: Mutex<Items>,
}

impl Protocol for Keyspace {
    fn answer(&self, input: &[u8], answer: &mut Vec<u8>) -> Progress {
        let (words, used) = match Request::read(input) {
            Request::Incomplete => return Progress::Incomplete,
            Request::Words(words, used) => (words, used),
            Request::Broken(refusal) => {
                reply::write(&Err(refusal.into()), answer);
                return Progress::Close;
            }
        };
        let Some((command, arguments)) = words.split_first() else {
            return Progress::Used(used);
        };
        let command = command.to_ascii_lowercase();
        reply::write(&self.run(&command, words[0], arguments), answer);
        if command == b"quit" { Progress::Close } else { Progress::Used(used) }
    }

    fn clear(&self) {
        let mut items = self.items();
        items.clear();
        items.scripts.clear();
    }
}

impl Keyspace {
    pub(super) fn advance(&self, time: Duration) {
        self.items().advance(time);
    }

    fn run(&self, command: &[u8], sent: &[u8], arguments: &[&[u8]]) -> Answer {
        let items = &mut self.items();
        let miscounted = || {
            let name = String::from_utf8_lossy(command).into_owned();
            Err(wrong_number_of_arguments(&name))
        };
        match (command, arguments) {
            (b"ping", []) => Ok(Reply::Simple("PONG")),
            (b"ping", [text]) => Ok(Reply::bulk(text)),
            (b"quit", _) => Ok(OK),
            (b"hello", _) => hello(arguments),
            (b"client", _) => client(arguments),
            (b"select", [database]) => select(database),
            (b"get", [key]) => {
                Ok(items.get(key).map_or(Reply::Nil, |item| Reply::bulk(&item.value)))
            }
            (b"set", _) => set::set(items, arguments),
            (b"del" | b"unlink", [_, ..]) => {
                Ok(Reply::Integer(arguments.iter().map(|key| i64::from(items.remove(key))).sum()))
            }
            (b"exists", [_, ..]) => {
                let there = arguments.iter().filter(|key| items.get(key).is_some()).count();
                Ok(Reply::Integer(there as i64))
            }
            (b"pexpire", [key, time]) => expire(items, key, time),
            (b"pttl", [key]) => Ok(Reply::Integer(time_left(items, key))),
            (b"scan", _) => scan::scan(items, arguments),
            (b"flushall", []) => {
                items.clear();
                Ok(OK)
            }
            (b"flushall", _) => Err(SYNTAX),
            (b"script", _) => scripts::script(items, arguments),
            (b"eval", _) => scripts::eval(items, arguments),
            (b"evalsha", _) => scripts::evalsha(items, arguments),
            (b"cluster", _) => Err("ERR This instance has cluster support disabled".into()),
            (
                b"ping" | b"select" | b"get" | b"del" | b"unlink" | b"exists" | b"pexpire"
                | b"pttl",
                _,
            ) => miscounted(),
            _ => Err(unknown(sent, arguments)),
        }
    }

    fn items(&self) -> MutexGuard<'_, Items> {
        // No command leaves the items half changed, whoever panicked.
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unknown(command: &[u8], arguments: &[&[u8]]) -> Refusal {
    let arguments: String =
        arguments.iter().map(|text| format!("'{}' ", String::from_utf8_lossy(text))).collect();
    let command = String::from_utf8_lossy(command);
    format!("ERR unknown command '{command}', with args beginning with: {arguments}").into()
}

/// Version 2 of the protocol is all that is spoken here.
fn hello(arguments: &[&[u8]]) -> Answer {
    match arguments.first().map(|version| number(version)) {
        None | Some(Some(2)) => {
            let texts = [("server", "redis"), ("version", "7.0.15"), ("mode", "standalone")];
            let texts = texts.into_iter().flat_map(|(name, value)| [name, value]);
            let mut replies: Vec<Reply> = texts.map(Reply::bulk).collect();
            replies.extend([Reply::bulk("proto"), Reply::Integer(2)]);
            Ok(Reply::Array(replies))
        }
        Some(None) => Err("ERR Protocol version is not an integer or out of range".into()),
        Some(Some(_)) => Err("NOPROTO unsupported protocol version".into()),
    }
}

fn client(arguments: &[&[u8]]) -> Answer {
    match arguments.first().map(|name| name.to_ascii_uppercase()).as_deref() {
        Some(b"SETINFO" | b"SETNAME") => Ok(OK),
        Some(b"GETNAME") => Ok(Reply::Nil),
        Some(_) => {
            Err("ERR this small redis knows CLIENT SETINFO, SETNAME and GETNAME only".into())
        }
        None => Err(wrong_number_of_arguments("client")),
    }
}

fn select(database: &[u8]) -> Answer {
    match number(database) {
        Some(0) => Ok(OK),
        Some(1..16) => Err("ERR this small redis has database 0 only".into()),
        Some(_) => Err("ERR DB index is out of range".into()),
        None => Err(NO_NUMBER),
    }
}

fn expire(items: &mut Items, key: &[u8], time: &[u8]) -> Answer {
    let at = number(time).ok_or(NO_NUMBER)?.checked_add(items.now());
    let at = at.ok_or("ERR invalid expire time in 'pexpire' command")?;
    let Some(item) = items.get(key) else { return Ok(Reply::Integer(0)) };
    item.expires = Some(at);
    Ok(Reply::Integer(1))
}

/// Milliseconds; -1: it does not expire; -2: there is no such key.
fn time_left(items: &mut Items, key: &[u8]) -> i64 {
    let now = items.now();
    items.get(key).map_or(-2, |item| item.expires.map_or(-1, |at| at - now))
}
