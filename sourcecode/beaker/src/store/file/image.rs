//! What a file holds: the store's own header, then the bytes.
//!
//! | bytes | what |
//! |---|---|
//! | 0 to 3 | `BKF1` |
//! | 4 to 7 | CRC-32 of all that follows |
//! | 8 to 15 | the version |
//! | 16 to 23 | expires at: microseconds since 1970; 0: never |
//! | 24 on | the bytes that were put |
//!
//! Numbers are little-endian.

use crate::clock::Timestamp;
use crate::store::Version;

const MAGIC: &[u8; 4] = b"BKF1";
pub(super) const HEADER: usize = 24;

/// The content of a record's file.
#[derive(Debug)]
pub(super) struct Image {
    bytes: Vec<u8>,
    pub(super) version: Version,
    pub(super) expires: Option<Timestamp>,
}

impl Image {
    pub(super) fn build(content: &[u8], version: Version, expires: Option<Timestamp>) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER + content.len());
        bytes.extend(MAGIC);
        bytes.extend([0; 4]);
        bytes.extend(version.number().to_le_bytes());
        bytes.extend(expires.map_or(0, Timestamp::as_micros).to_le_bytes());
        bytes.extend(content);
        let checksum = crc32fast::hash(&bytes[8..]);
        bytes[4..8].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// `None` for bytes that are no file of ours, or a damaged one.
    pub(super) fn read(bytes: Vec<u8>) -> Option<Image> {
        let header = bytes.get(..HEADER)?;
        let checksum = header[4..8].try_into().map(u32::from_le_bytes).ok()?;
        if header[..4] != *MAGIC || checksum != crc32fast::hash(&bytes[8..]) {
            return None;
        }
        let number = |at: usize| header[at..at + 8].try_into().map(u64::from_le_bytes).ok();
        let (version, expires) = (Version::new(number(8)?), number(16)?);
        let expires = (expires != 0).then(|| Timestamp::from_micros(expires));
        Some(Image { bytes, version, expires })
    }

    /// Has the file with this beginning expired? It is believed without its checksum, which only a
    /// look at the whole file can prove.
    pub(super) fn seems_expired(beginning: &[u8; HEADER], now: Timestamp) -> bool {
        let (_, expires) = beginning.split_at(16);
        let expires = expires.try_into().map_or(0, u64::from_le_bytes);
        expires != 0 && Timestamp::from_micros(expires) <= now
    }

    /// The bytes that were put.
    pub(super) fn content(&self) -> &[u8] {
        &self.bytes[HEADER..]
    }
}
