//! [`Encrypt`]: values that nobody else can read or make.

use super::Transform;
use crate::error::Result;
use crate::key::Key;
use crate::sealing::ValueSealer;

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
