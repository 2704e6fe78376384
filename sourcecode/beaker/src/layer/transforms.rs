//! [`Compress`] and [`Encrypt`]: the transforms that the library provides.

use miniz_oxide::deflate::compress_to_vec_zlib;
use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;

use super::Transform;
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::sealing::ValueSealer;

/// The first byte of a stored value that is not compressed.
const AS_IT_IS: u8 = b'=';
const ZLIB: u8 = b'z';

/// Compresses values with zlib: they take less room and less traffic, but more processor time. A value that
/// is short, or that compression would not shorten, is stored unchanged with one additional byte.
///
/// For example, 8 kB of text become 2.3 kB, which takes about 60 µs to compress and 10 µs to decompress; at
/// level 1, they become 2.6 kB in 16 µs.
///
/// The length of a value that was compressed and then encrypted reveals how well it could be compressed. If
/// a value contains both a secret and text that a visitor can choose, do not compress it (this is the
/// BREACH attack).
#[derive(Debug, Clone)]
#[must_use]
pub struct Compress {
    level: u8,
    shortest: usize,
    largest: usize,
}

impl Default for Compress {
    /// Compresses values of 512 bytes or more at level 6, and refuses values of more than 64 MiB.
    fn default() -> Compress {
        Compress { level: 6, shortest: 512, largest: 64 * 1024 * 1024 }
    }
}

impl Compress {
    /// Sets the level of compression, from 1 (the fastest) to 9 (the smallest result). Default: 6.
    pub fn level(mut self, level: u8) -> Compress {
        self.level = level.clamp(1, 9);
        self
    }

    /// Sets the shortest length to compress, in bytes. Shorter values are stored unchanged. Default: 512.
    pub fn from_bytes(mut self, shortest: usize) -> Compress {
        self.shortest = shortest;
        self
    }

    /// Sets the largest length of a value, in bytes. A larger value is refused when it is written and
    /// counts as damaged when it is read, because a few compressed bytes can stand for gigabytes. Default:
    /// 64 MiB.
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

/// Encrypts values with AES-256-GCM, which is authenticated encryption. An attacker who can read the store
/// learns the keys and the lengths of values, but not their content. An attacker who can write to the store
/// can remove values and restore older values of the same key, but cannot create values or move them to
/// another key.
///
/// Secrets form a list, newest first: the first one encrypts, and all of them decrypt. To rotate a secret,
/// put the new one before it, and remove the old one when no value depends on it any more. A value that was
/// encrypted with a removed secret counts as damaged.
///
/// Each value is encrypted with a key of its own, which is derived from the secret and 24 random bytes.
/// Therefore a secret need not be replaced after a certain number of writes. An encrypted value is 41 bytes
/// longer.
#[derive(Debug, Clone)]
pub struct Encrypt {
    sealer: ValueSealer,
}

impl Encrypt {
    /// Creates the layer from a list of secrets, of which the first one encrypts. Each secret has at least
    /// 32 random bytes; `openssl rand -hex 32` generates one.
    ///
    /// # Errors
    ///
    /// Returns `ErrorKind::Config` if a secret is too short, or if there is none.
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

/// The whole key, so that different keys have different labels: its length comes first, so that the end of
/// the namespace is unambiguous.
fn label(key: &Key) -> Vec<u8> {
    let namespace = key.namespace().name().as_bytes();
    let length = (namespace.len() as u64).to_le_bytes();
    [&length, namespace, key.name()].concat()
}
