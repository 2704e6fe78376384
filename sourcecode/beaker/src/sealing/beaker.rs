//! Beaker's format, as its module `cryptography` writes it: HMAC-SHA-1 in hex of all that follows; a
//! nonce in base64, from which PBKDF2 makes this text's key; then, in base64 as well, the 12 bytes that
//! AES-GCM begins with, its tag, and what it makes of the bytes.

use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce};
use data_encoding::BASE64;
use sha1::Sha1;

use super::own::random_nonce;
use crate::error::{Error, Result};
use crate::signing::Signer;

/// The nonce: 16 bytes, as base64.
const NONCE: usize = 24;
const START: usize = 12;
const TAG: usize = 16;

#[derive(Clone)]
pub(super) struct BeakerKey {
    encrypt_key: Vec<u8>,
    validate_key: Vec<u8>,
    signer: Signer,
}

impl BeakerKey {
    pub(super) fn new(encrypt_key: &[u8], validate_key: &[u8]) -> Result<BeakerKey> {
        if encrypt_key.is_empty() {
            return Err(Error::config("an empty text is no `encrypt_key`"));
        }
        let signer = Signer::beaker([validate_key])?;
        Ok(BeakerKey { encrypt_key: encrypt_key.into(), validate_key: validate_key.into(), signer })
    }

    pub(super) fn seal(&self, bytes: &[u8]) -> Result<String> {
        let nonce = BASE64.encode(&random_nonce::<16>()?);
        let start = random_nonce::<START>()?;
        let mut body = bytes.to_vec();
        let tag = self
            .cipher(&nonce)
            .encrypt_inout_detached(&Nonce::from(start), b"", body.as_mut_slice().into())
            .map_err(|_| Error::config("more than AES-GCM takes cannot be sealed; store less"))?;
        let sealed = [&start[..], &tag, &body].concat();
        Ok(self.signer.sign("", &(nonce + &BASE64.encode(&sealed))))
    }

    pub(super) fn open(&self, text: &str) -> Option<Vec<u8>> {
        let (nonce, sealed) = self.signer.verify("", text)?.text.split_at_checked(NONCE)?;
        let sealed = BASE64.decode(sealed.as_bytes()).ok()?;
        let (start, rest) = sealed.split_first_chunk::<START>()?;
        let (tag, body) = rest.split_first_chunk::<TAG>()?;
        let mut bytes = body.to_vec();
        let opened = self.cipher(nonce).decrypt_inout_detached(
            &Nonce::from(*start),
            b"",
            bytes.as_mut_slice().into(),
            &(*tag).into(),
        );
        opened.ok().map(|()| bytes)
    }

    fn cipher(&self, nonce: &str) -> Aes256Gcm {
        let salt = [&self.validate_key, nonce.as_bytes()].concat();
        let mut key = [0; 32];
        pbkdf2::pbkdf2_hmac::<Sha1>(&self.encrypt_key, &salt, 1, &mut key);
        Aes256Gcm::new(&key.into())
    }
}
