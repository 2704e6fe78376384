//! This library's own format: base64url of a version, a nonce, and what AES-256-GCM makes of the bytes,
//! with its tag. The version and the label are authenticated as well.

use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce};
use data_encoding::BASE64URL_NOPAD;
use hkdf::Hkdf;
use sha2::Sha256;

use crate::error::{Error, Result};

const VERSION: u8 = 1;
const NONCE: usize = 12;
const TAG: usize = 16;

/// A secret of this length has as many bits as the key.
pub(super) const SHORTEST_SECRET: usize = 32;

/// What the key is for: nothing else that is derived from the same secret is the same.
const PURPOSE: &[u8] = b"beaker sealed cookie 1";

#[derive(Clone)]
pub(super) struct OwnKey(Aes256Gcm);

impl OwnKey {
    pub(super) fn derive(secret: &[u8]) -> Result<OwnKey> {
        if secret.len() < SHORTEST_SECRET {
            return Err(Error::config(format!(
                "a key to seal with has {} bytes, and needs {SHORTEST_SECRET} at least; \
                 `openssl rand -hex 32` makes one",
                secret.len()
            )));
        }
        let mut key = [0; 32];
        Hkdf::<Sha256>::new(None, secret)
            .expand(PURPOSE, &mut key)
            .expect("HKDF gives up to 8160 bytes");
        Ok(OwnKey(Aes256Gcm::new(&key.into())))
    }

    pub(super) fn seal(&self, label: &str, bytes: &[u8]) -> Result<String> {
        let mut sealed = Vec::with_capacity(1 + NONCE + bytes.len() + TAG);
        let nonce = random_nonce()?;
        sealed.push(VERSION);
        sealed.extend(nonce);
        sealed.extend(bytes);
        let nonce = Nonce::from(nonce);
        let tag = self
            .0
            .encrypt_inout_detached(&nonce, &associated(label), (&mut sealed[1 + NONCE..]).into())
            .map_err(|_| Error::config("more than AES-GCM takes cannot be sealed; store less"))?;
        sealed.extend(tag);
        Ok(BASE64URL_NOPAD.encode(&sealed))
    }

    pub(super) fn open(&self, label: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (head, rest) = sealed.split_at_checked(1 + NONCE)?;
        let (body, tag) = rest.split_last_chunk::<TAG>()?;
        let nonce = Nonce::from(<[u8; NONCE]>::try_from(&head[1..]).ok()?);
        let mut bytes = body.to_vec();
        let opened = self.0.decrypt_inout_detached(
            &nonce,
            &associated(label),
            bytes.as_mut_slice().into(),
            &(*tag).into(),
        );
        opened.ok().map(|()| bytes)
    }
}

/// The bytes of a sealed text, if it is one of this version.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let sealed = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
    (sealed.first() == Some(&VERSION)).then_some(sealed)
}

fn associated(label: &str) -> Vec<u8> {
    let mut data = Vec::with_capacity(1 + label.len());
    data.push(VERSION);
    data.extend(label.as_bytes());
    data
}

pub(super) fn random_nonce<const LENGTH: usize>() -> Result<[u8; LENGTH]> {
    let mut nonce = [0; LENGTH];
    getrandom::fill(&mut nonce)
        .map_err(|error| Error::config("the system gave no random numbers").caused_by(error))?;
    Ok(nonce)
}
