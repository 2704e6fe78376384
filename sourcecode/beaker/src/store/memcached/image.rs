//! What an item holds: when it expires, then the bytes that were put.
//!
//! memcached counts in whole seconds, so each item says itself when it expires: 8 bytes,
//! microseconds since 1970, little-endian; 0: never.

use crate::clock::Timestamp;

pub(super) fn build(expires: Option<Timestamp>, content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(8 + content.len());
    bytes.extend(expires.map_or(0, Timestamp::as_micros).to_le_bytes());
    bytes.extend(content);
    bytes
}

/// When it expires, and the bytes that were put; `None` if it is no item of ours.
pub(super) fn read(bytes: &[u8]) -> Option<(Option<Timestamp>, &[u8])> {
    let (expires, content) = bytes.split_first_chunk::<8>()?;
    let expires = u64::from_le_bytes(*expires);
    Some(((expires != 0).then(|| Timestamp::from_micros(expires)), content))
}
