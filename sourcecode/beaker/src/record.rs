//! The envelope of all stored values, with the codec, the times and a checksum.
//!
//! | bytes | what |
//! |---|---|
//! | 0 | the format of this envelope: 1 |
//! | 1 | the tag of the codec |
//! | 2 to 5 | CRC-32 of all other bytes |
//! | 6 to 13 | when it was stored: microseconds since 1970 |
//! | 14 to 21 | until when it is fresh, in the same unit; all ones: forever |
//! | 22 on | the payload |
//!
//! Numbers are little-endian. The checksum detects damage, for example by a disk or a broken connection. It
//! does not protect against an attacker who can write to the store.

use crate::clock::Timestamp;

const FORMAT: u8 = 1;
const LENGTH: usize = 22;

/// Holds a stored value and its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "programs build it; a field more would be another format"
)]
pub struct Record<'a> {
    /// The header, which describes the payload.
    pub header: Header,
    /// The encoded value.
    pub payload: &'a [u8],
}

/// Describes the payload of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "programs build it; a field more would be another format"
)]
pub struct Header {
    /// The codec of the payload: [`Codec::tag`](crate::codec::Codec::tag).
    pub codec: u8,
    /// When the record was written.
    pub stored_at: Timestamp,
    /// Until when the value is fresh; `None` means forever.
    pub fresh_until: Option<Timestamp>,
}

impl Header {
    /// Builds a record from this header and the payload that the function appends.
    pub fn build<E>(
        &self,
        append_payload: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<Vec<u8>, E> {
        let mut bytes = Vec::with_capacity(512);
        let fresh_until = self.fresh_until.map_or(u64::MAX, Timestamp::as_micros);
        bytes.extend([FORMAT, self.codec, 0, 0, 0, 0]);
        bytes.extend(self.stored_at.as_micros().to_le_bytes());
        bytes.extend(fresh_until.to_le_bytes());
        append_payload(&mut bytes)?;
        let checksum = checksum(&bytes);
        bytes[2..6].copy_from_slice(&checksum.to_le_bytes());
        Ok(bytes)
    }
}

impl<'a> Record<'a> {
    /// Parses a record. Returns `None` if the bytes are damaged or are not a record.
    pub fn read(bytes: &'a [u8]) -> Option<Record<'a>> {
        let (header, payload) = bytes.split_at_checked(LENGTH)?;
        let number = |at: usize| header[at..at + 8].try_into().map(u64::from_le_bytes).ok();
        let stored = header[2..6].try_into().map(u32::from_le_bytes).ok()?;
        if header[0] != FORMAT || stored != checksum(bytes) {
            return None;
        }
        let fresh_until = number(14)?;
        let header = Header {
            codec: header[1],
            stored_at: Timestamp::from_micros(number(6)?),
            fresh_until: (fresh_until != u64::MAX).then(|| Timestamp::from_micros(fresh_until)),
        };
        Some(Record { header, payload })
    }
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&bytes[..2]);
    hasher.update(&bytes[6..]);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(header: Header, payload: &[u8]) -> Vec<u8> {
        let append = |bytes: &mut Vec<u8>| {
            bytes.extend(payload);
            Ok::<(), ()>(())
        };
        header.build(append).unwrap()
    }

    fn header() -> Header {
        let at = Timestamp::from_micros(1_234_567_890_000_000);
        Header { codec: 1, stored_at: at, fresh_until: None }
    }

    #[test]
    fn reads_what_was_written() {
        let limited = Header { fresh_until: Some(Timestamp::from_micros(7)), ..header() };
        for (header, payload) in
            [(header(), b"Kimi".as_slice()), (limited, b"Kimi"), (limited, b"")]
        {
            assert_eq!(Record::read(&bytes(header, payload)), Some(Record { header, payload }));
        }
    }

    proptest::proptest! {
        #[test]
        fn read_inverts_build(codec: u8, stored: u64, fresh: Option<u32>, payload: Vec<u8>) {
            let fresh_until = fresh.map(|fresh| Timestamp::from_micros(fresh.into()));
            let header = Header { codec, stored_at: Timestamp::from_micros(stored), fresh_until };
            let bytes = bytes(header, &payload);
            assert_eq!(Record::read(&bytes), Some(Record { header, payload: &payload }));
        }
    }

    #[test]
    fn every_cut_is_refused() {
        let bytes = bytes(header(), b"Kimi");
        for length in 0..bytes.len() {
            assert_eq!(Record::read(&bytes[..length]), None, "cut at {length}");
        }
    }

    #[test]
    fn every_flipped_bit_is_refused() {
        let bytes = bytes(header(), b"Kimi");
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Record::read(&damaged), None, "bit {bit}");
        }
    }
}
