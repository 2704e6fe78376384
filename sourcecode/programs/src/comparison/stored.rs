//! What the bytes of a file of the library's file store mean. Numbers are little-endian, times are
//! microseconds since 1970.
//!
//! | bytes | what |
//! |---|---|
//! | 0 to 3 | `BKF1` |
//! | 4 to 7 | CRC-32 of all bytes from 8 on |
//! | 8 to 15 | the version: a random number |
//! | 16 to 23 | when it expires; 0: never |
//! | 24, 25 | the format of the record, its codec |
//! | 26 to 29 | CRC-32 of bytes 24, 25 and all from 30 on |
//! | 30 to 37 | when it was stored |
//! | 38 to 45 | until when it is fresh; all ones: for ever |
//! | 46 on | the payload |

use std::collections::BTreeSet;

use super::piece::{Piece, Sort};

const MAGIC: &[u8] = b"BKF1";
const PAYLOAD: usize = 46;
const BYTES_A_LINE: usize = 16;

/// A time that only the bytes show is taken for one if it is so near to one that was printed.
const NEAR: u64 = 60_000_000;

/// The bytes, field by field if they are such a file. `printed` are the times that the output shows
/// elsewhere.
pub(super) fn describe(bytes: &[u8], printed: &BTreeSet<u64>) -> Vec<Vec<Piece>> {
    if bytes.len() < PAYLOAD || !bytes.starts_with(MAGIC) {
        return plain(bytes, printed);
    }
    let stored = number(bytes, 30).unwrap_or(0);
    let is_near = printed.iter().any(|&time| time.abs_diff(stored) <= NEAR);
    let stored_at = if is_near { Piece::Time(stored) } else { hex(&bytes[30..38]) };
    let version = format!("{:016x}", number(bytes, 8).unwrap_or(0));
    let field = |name: &str, piece| vec![Piece::Text(format!("{name}: ")), piece];
    let mut lines = vec![
        field("magic", Piece::text("BKF1")),
        field("checksum of the file", checksum(&bytes[4..8], &[&bytes[8..]])),
        field("version", Piece::Name(Sort::Version, version)),
        field("expires", limit(number(bytes, 16), 0, stored)),
        field("format and codec of the record", hex(&bytes[24..26])),
        field("checksum of the record", checksum(&bytes[26..30], &[&bytes[24..26], &bytes[30..]])),
        field("stored at", stored_at),
        field("fresh until", limit(number(bytes, 38), u64::MAX, stored)),
    ];
    // The payload may say again when it was stored.
    let known = printed.iter().copied().chain(is_near.then_some(stored)).collect();
    lines.extend(plain(&bytes[PAYLOAD..], &known));
    lines
}

/// Bytes as they are, but for the printed times among them.
fn plain(bytes: &[u8], printed: &BTreeSet<u64>) -> Vec<Vec<Piece>> {
    let (mut lines, mut start, mut at) = (Vec::new(), 0, 0);
    let literal = |bytes: &[u8]| -> Vec<Vec<Piece>> {
        let chunks = bytes.chunks(BYTES_A_LINE);
        chunks.map(|bytes| vec![Piece::text("bytes: "), hex(bytes)]).collect()
    };
    while at < bytes.len() {
        match number(bytes, at).filter(|time| printed.contains(time)) {
            Some(time) => {
                lines.extend(literal(&bytes[start..at]));
                lines.push(vec![Piece::text("time: "), Piece::Time(time)]);
                at += 8;
                start = at;
            }
            None => at += 1,
        }
    }
    lines.extend(literal(&bytes[start..]));
    lines
}

fn number(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes)
}

/// A checksum is shown only if it is wrong.
fn checksum(found: &[u8], parts: &[&[u8]]) -> Piece {
    let mut hasher = crc32fast::Hasher::new();
    parts.iter().for_each(|part| hasher.update(part));
    if found == hasher.finalize().to_le_bytes() { Piece::text("ok") } else { hex(found) }
}

/// A time limit is compared by its distance from when the record was stored.
fn limit(limit: Option<u64>, never: u64, stored: u64) -> Piece {
    match limit.unwrap_or(never) {
        time if time == never => Piece::text("never"),
        time => Piece::Text(format!("stored at {:+} µs", i128::from(time) - i128::from(stored))),
    }
}

fn hex(bytes: &[u8]) -> Piece {
    let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Piece::Text(hex.join(" "))
}
