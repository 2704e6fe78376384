//! [`Compress`] and [`Encrypt`]: the transforms that are here already.

use miniz_oxide::deflate::compress_to_vec_zlib;
use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;

use super::Transform;
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::sealing::ValueSealer;

/// The first byte of what is stored.
const AS_IT_IS: u8 = b'=';
const ZLIB: u8 = b'z';

/// Compresses values with zlib: less to store and to send, for more work. A value that is short, or
/// that would not get shorter, is stored as it is, with one byte more.
///
/// 8 kB of text become 2.3 kB, which takes about 60 µs, and 10 µs to undo; at level 1, 2.6 kB in 16 µs.
///
/// What is compressed and then encrypted tells by its length how well it could be compressed. Where a
/// visitor can put text of his own beside a secret, in the same value, do not compress it.
#[derive(Debug, Clone)]
#[must_use]
pub struct Compress {
    level: u8,
    shortest: usize,
    largest: usize,
}

impl Default for Compress {
    /// Values of 512 bytes and more, at level 6, and none of more than 64 MiB.
    fn default() -> Compress {
        Compress { level: 6, shortest: 512, largest: 64 * 1024 * 1024 }
    }
}

impl Compress {
    /// From 1, the quickest, to 9, the smallest.
    pub fn level(mut self, level: u8) -> Compress {
        self.level = level.clamp(1, 9);
        self
    }

    /// Values of fewer bytes are stored as they are.
    pub fn from_bytes(mut self, shortest: usize) -> Compress {
        self.shortest = shortest;
        self
    }

    /// A value of more bytes is refused when it is written, and counts as damaged when it is read: a
    /// few bytes can stand for gigabytes.
    pub fn at_most(mut self, largest: usize) -> Compress {
        self.largest = largest;
        self
    }
}

impl Transform for Compress {
    fn pack(&self, key: &Key, bytes: &[u8]) -> Result<Vec<u8>> {
        if bytes.len() > self.largest {
            let (size, largest) = (bytes.len(), self.largest);
            let what =
                format!("could not write {key:?}: it has {size} bytes, and compressing takes");
            let next = "store less, or raise `Compress::at_most`";
            return Err(Error::new(ErrorKind::TooLarge, format!("{what} {largest}; {next}")));
        }
        if bytes.len() >= self.shortest {
            let mut packed = compress_to_vec_zlib(bytes, self.level);
            if packed.len() < bytes.len() {
                packed.insert(0, ZLIB);
                return Ok(packed);
            }
        }
        Ok([&[AS_IT_IS], bytes].concat())
    }

    fn unpack(&self, _: &Key, stored: &[u8]) -> Option<Vec<u8>> {
        match stored.split_first()? {
            (&AS_IT_IS, bytes) => (bytes.len() <= self.largest).then(|| bytes.to_vec()),
            (&ZLIB, packed) => decompress_to_vec_zlib_with_limit(packed, self.largest).ok(),
            _ => None,
        }
    }
}

/// Encrypts values with AES-256-GCM. Whoever can read the store learns keys and lengths, and nothing
/// of the values. Whoever can write to it can remove values and put back older ones of the same key,
/// and can neither make new ones nor move one to another key.
///
/// Keys are a list, newest first: the first encrypts, all decrypt. To replace a key, put the new one
/// before it, and drop the old one when nothing is left that it encrypted. What was encrypted with a
/// dropped key counts as damaged.
///
/// Each value has a key of its own, derived from yours and 24 random bytes, so there is no number of
/// writes after which a key must be replaced. A value takes 41 bytes more.
#[derive(Debug, Clone)]
pub struct Encrypt {
    sealer: ValueSealer,
}

impl Encrypt {
    /// Encrypts with the first of these secrets. Each is 32 random bytes or more;
    /// `openssl rand -hex 32` makes one.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` for a short secret, and for none.
    pub fn new<K: AsRef<[u8]>>(secrets: impl IntoIterator<Item = K>) -> Result<Encrypt> {
        Ok(Encrypt { sealer: ValueSealer::new(secrets)? })
    }
}

impl Transform for Encrypt {
    fn pack(&self, key: &Key, bytes: &[u8]) -> Result<Vec<u8>> {
        self.sealer.seal(&label(key), bytes)
    }

    fn unpack(&self, key: &Key, stored: &[u8]) -> Option<Vec<u8>> {
        self.sealer.open(&label(key), stored)
    }
}

/// The key in full, and no two keys the same: with the length first, a namespace ends where it ends.
fn label(key: &Key) -> Vec<u8> {
    let namespace = key.namespace().name().as_bytes();
    let length = (namespace.len() as u64).to_le_bytes();
    [&length, namespace, key.name()].concat()
}
