//! What is kept in redis: under which name a key is, and what a value holds, which is its version, 8 bytes,
//! little-endian, and then the bytes that were put.

use std::sync::atomic::{AtomicU64, Ordering};

use redis::Value;

use crate::key::{Key, Namespace};
use crate::store::{Stored, Version};

/// Redis takes keys of any length; nobody wants to read longer ones.
const LONGEST_PART: usize = 250;

/// `beaker:namespace:name`. Neither part holds a `:`, nor anything that means more in a pattern.
pub(super) fn wire(key: &Key) -> String {
    let name = Namespace::default().key(key.name()).wire(LONGEST_PART);
    prefix(key.namespace()) + &name
}

/// What the keys of a namespace begin with, and no others do: the unnamed one has the empty text.
pub(super) fn prefix(namespace: &Namespace) -> String {
    match namespace.name() {
        "" => "beaker::".into(),
        _ => format!("beaker:{}:", namespace.wire(LONGEST_PART)),
    }
}

/// The bytes of a version. The scripts compare so many.
pub(super) const VERSION: usize = 8;

pub(super) fn build(version: Version, content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(VERSION + content.len());
    bytes.extend(version.number().to_le_bytes());
    bytes.extend(content);
    bytes
}

/// What the answer to a `GET` holds, which is counted if it is no value of ours; `None` if it is no such
/// answer.
pub(super) fn found(answer: Value, damaged: &AtomicU64) -> Option<Option<Stored>> {
    match answer {
        Value::Nil => Some(None),
        Value::BulkString(bytes) => {
            let stored = read(&bytes);
            damaged.fetch_add(u64::from(stored.is_none()), Ordering::Relaxed);
            Some(stored)
        }
        _ => None,
    }
}

/// What was put; `None` if it is no value of ours.
fn read(bytes: &[u8]) -> Option<Stored> {
    let (version, content) = bytes.split_first_chunk::<VERSION>()?;
    let version = Version::new(u64::from_le_bytes(*version));
    Some(Stored { bytes: content.into(), version })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_hold_nothing_that_a_pattern_would_read() {
        let check = |namespace: &str, name: &[u8], expected: &str| {
            assert_eq!(wire(&Namespace::new(namespace).key(name)), expected);
        };
        check("", b"9f3a", "beaker::9f3a");
        check("cities", b"Oslo 1", "beaker:cities:Oslo%201");
        check("a*", b"[b]?\\", "beaker:a%2a:%5bb%5d%3f%5c");
        check("a:b", b"{c}", "beaker:a%3ab:%7bc%7d");
        check("%", b"", "beaker:%25:%");
    }
}
