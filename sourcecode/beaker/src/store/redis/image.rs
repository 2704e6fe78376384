//! What a value holds: its version, 8 bytes, little-endian; then the bytes that were put.

use std::sync::atomic::{AtomicU64, Ordering};

use redis::Value;

use crate::store::{Stored, Version};

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
