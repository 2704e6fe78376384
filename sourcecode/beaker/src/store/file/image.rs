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

/// Why a file is no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unread {
    /// It was one of ours.
    Damaged,
    /// Nothing in it is of this store: it is somebody else's, and not ours to remove.
    Foreign,
}

impl Unread {
    /// A loss of power can leave zeros, or nothing, in the place of what was written.
    fn of(bytes: &[u8]) -> Unread {
        if bytes.iter().all(|byte| *byte == 0) { Unread::Damaged } else { Unread::Foreign }
    }
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

    /// What the file holds, or why it is no record.
    pub(super) fn read(bytes: Vec<u8>) -> Result<Image, Unread> {
        let Some(header) = bytes.first_chunk::<HEADER>() else {
            let has_begun = MAGIC.starts_with(&bytes) || bytes.starts_with(MAGIC);
            return Err(if has_begun { Unread::Damaged } else { Unread::of(&bytes) });
        };
        let number = |at: usize| {
            let number = header[at..at + 8].try_into();
            number.map_or(0, u64::from_le_bytes)
        };
        let checksum = crc32fast::hash(&bytes[8..]);
        match (header.starts_with(MAGIC), header[4..8] == checksum.to_le_bytes()) {
            (true, true) => {
                let (version, expires) = (Version::new(number(8)), number(16));
                let expires = (expires != 0).then(|| Timestamp::from_micros(expires));
                Ok(Image { bytes, version, expires })
            }
            (false, false) => Err(Unread::of(&bytes)),
            // One of the two tells whose it is.
            _ => Err(Unread::Damaged),
        }
    }

    /// Does a file with this beginning hold a record? If not, only a look at the whole file tells whose
    /// it is.
    pub(super) fn begins(beginning: &[u8; HEADER]) -> bool {
        beginning.starts_with(MAGIC)
    }

    /// Has the file with this beginning expired? It is believed without its checksum, which only a
    /// look at the whole file can prove.
    pub(super) fn seems_expired(beginning: &[u8; HEADER], now: Timestamp) -> bool {
        let (_, expires) = beginning.split_at(16);
        let expires = expires.try_into().map_or(0, u64::from_le_bytes);
        Image::begins(beginning) && expires != 0 && Timestamp::from_micros(expires) <= now
    }

    /// The bytes that were put.
    pub(super) fn content(&self) -> &[u8] {
        &self.bytes[HEADER..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_ours_in_whatever_place_it_is_damaged() {
        let whole = Image::build(b"content", Version::new(7), Some(Timestamp::from_micros(9)));
        let image = Image::read(whole.clone()).unwrap();
        assert_eq!((image.content(), image.version.number()), (b"content".as_slice(), 7));
        for at in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[at / 8] ^= 1 << (at % 8);
            assert_eq!(Image::read(bytes).unwrap_err(), Unread::Damaged, "bit {at}");
        }
        for length in 0..whole.len() {
            let (cut, zeros) = (whole[..length].to_vec(), vec![0; length]);
            assert_eq!(Image::read(cut).unwrap_err(), Unread::Damaged, "{length} bytes");
            assert_eq!(Image::read(zeros).unwrap_err(), Unread::Damaged, "{length} zeros");
        }
    }

    #[test]
    fn what_others_write_is_theirs() {
        let pickle = b"\x80\x04\x95\x1a\x00\x00\x00\x00\x00\x00\x00}\x94\x8c\x07session\x94}\x94s.";
        for bytes in
            [pickle.as_slice(), b"BK", b"{}", b"x", &[0xff; 100], b"BKG1 and more than a header"]
        {
            let expected = if bytes == b"BK" { Unread::Damaged } else { Unread::Foreign };
            assert_eq!(Image::read(bytes.to_vec()).unwrap_err(), expected, "{bytes:?}");
        }
    }
}
