//! What stands under a key: a header, then the bytes that were put.
//!
//! | bytes | what |
//! |---|---|
//! | 0 to 3 | CRC-32 of the key and of all that follows |
//! | 4 to 11 | the version |
//! | 12 to 19 | expires at: microseconds since 1970; 0: never |
//! | 20 on | the bytes that were put |
//!
//! Numbers are little-endian. redb checks its pages only after a crash, so each value has a
//! checksum of its own.

use crate::clock::Timestamp;
use crate::store::Version;

const HEADER: usize = 20;

/// A namespace and a name.
pub(super) type Entry<'a> = (&'a str, &'a [u8]);

/// A value, as it stands in the file.
pub(super) struct Image<'a> {
    pub(super) content: &'a [u8],
    pub(super) version: Version,
    pub(super) expires: Option<Timestamp>,
}

impl<'a> Image<'a> {
    pub(super) fn build(
        key: Entry<'_>,
        content: &[u8],
        version: Version,
        expires: Option<Timestamp>,
    ) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER + content.len());
        bytes.extend([0; 4]);
        bytes.extend(version.number().to_le_bytes());
        bytes.extend(expires.map_or(0, Timestamp::as_micros).to_le_bytes());
        bytes.extend(content);
        let checksum = checksum(key, &bytes[4..]);
        bytes[..4].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// `None` for damaged bytes, and for those of another key.
    pub(super) fn read(key: Entry<'_>, bytes: &'a [u8]) -> Option<Image<'a>> {
        let (written, rest) = bytes.split_first_chunk::<4>()?;
        if u32::from_le_bytes(*written) != checksum(key, rest) {
            return None;
        }
        let (version, rest) = rest.split_first_chunk::<8>()?;
        let (expires, content) = rest.split_first_chunk::<8>()?;
        let expires = u64::from_le_bytes(*expires);
        Some(Image {
            content,
            version: Version::new(u64::from_le_bytes(*version)),
            expires: (expires != 0).then(|| Timestamp::from_micros(expires)),
        })
    }

    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

fn checksum((namespace, name): Entry<'_>, rest: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    // With its length, so that no two keys are the same bytes.
    hasher.update(&(namespace.len() as u64).to_le_bytes());
    for part in [namespace.as_bytes(), name, rest] {
        hasher.update(part);
    }
    hasher.finalize()
}
