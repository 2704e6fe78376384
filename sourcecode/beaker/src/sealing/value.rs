//! Encrypted stored values: a version, 24 random bytes, and the ciphertext of AES-256-GCM with its tag. The
//! version and the label are authenticated as well.
//!
//! A random nonce of 12 bytes, as in cookies, is safe for about four thousand million texts, and a busy store
//! sees as many writes in days. Each value therefore has its own key and nonce, which HKDF derives from the
//! secret and the random bytes.

use std::fmt;

use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce};
use hkdf::Hkdf;
use sha2::Sha256;

use super::{SHORTEST_SECRET, random_nonce};
use crate::error::{Error, Result};

const VERSION: u8 = 1;
const RANDOM: usize = 24;
const TAG: usize = 16;

/// Nothing else that is derived from the same secret is the same.
const PURPOSE: &[u8] = b"beaker sealed value 1";

/// Encrypts bytes into bytes, with key rotation: the first key encrypts, all keys decrypt.
#[derive(Clone)]
pub(crate) struct ValueSealer(Vec<Hkdf<Sha256>>);

impl ValueSealer {
    pub(crate) fn new<K: AsRef<[u8]>>(secrets: impl IntoIterator<Item = K>) -> Result<ValueSealer> {
        let key = |secret: K| match secret.as_ref() {
            short if short.len() < SHORTEST_SECRET => Err(Error::config(format!(
                "a key to encrypt with has {} bytes, and needs {SHORTEST_SECRET} at least; \
                 `openssl rand -hex 32` makes one",
                short.len()
            ))),
            secret => Ok(Hkdf::new(None, secret)),
        };
        let keys = secrets.into_iter().map(key).collect::<Result<Vec<_>>>()?;
        if keys.is_empty() {
            let what = "no key to encrypt with was given; one at least is needed";
            return Err(Error::config(what));
        }
        Ok(ValueSealer(keys))
    }

    pub(crate) fn seal(&self, label: &[u8], bytes: &[u8]) -> Result<Vec<u8>> {
        let random = random_nonce::<RANDOM>()?;
        let (cipher, nonce) = derive(&self.0[0], &random);
        let mut sealed = Vec::with_capacity(1 + RANDOM + bytes.len() + TAG);
        sealed.push(VERSION);
        sealed.extend(random);
        sealed.extend(bytes);
        let body = (&mut sealed[1 + RANDOM..]).into();
        let tag =
            cipher.encrypt_inout_detached(&nonce, &associated(label), body).map_err(|_| {
                Error::config("more bytes than AES-GCM accepts cannot be encrypted; store less")
            })?;
        sealed.extend(tag);
        Ok(sealed)
    }

    pub(crate) fn open(&self, label: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (&VERSION, rest) = sealed.split_first()? else { return None };
        let (random, rest) = rest.split_first_chunk::<RANDOM>()?;
        let (body, tag) = rest.split_last_chunk::<TAG>()?;
        let (associated, tag) = (associated(label), (*tag).into());
        self.0.iter().find_map(|key| {
            let (cipher, nonce) = derive(key, random);
            let mut bytes = body.to_vec();
            let place = bytes.as_mut_slice().into();
            cipher.decrypt_inout_detached(&nonce, &associated, place, &tag).ok()?;
            Some(bytes)
        })
    }
}

fn derive(
    key: &Hkdf<Sha256>,
    random: &[u8; RANDOM],
) -> (Aes256Gcm, Nonce<aes_gcm::aead::consts::U12>) {
    let mut derived = [0; 44];
    key.expand_multi_info(&[PURPOSE, random], &mut derived).expect("HKDF gives up to 8160 bytes");
    let (mut key, mut nonce) = ([0; 32], [0; 12]);
    key.copy_from_slice(&derived[..32]);
    nonce.copy_from_slice(&derived[32..]);
    (Aes256Gcm::new(&key.into()), nonce.into())
}

fn associated(label: &[u8]) -> Vec<u8> {
    [&[VERSION], label].concat()
}

/// Hides the keys.
impl fmt::Debug for ValueSealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ValueSealer({} keys)", self.0.len())
    }
}
