//! Beaker's format of an encrypted text: HMAC-SHA-1 in hex of all that follows; a nonce in base64, from which
//! PBKDF2 derives the key of this text; then, in base64 as well, what the cipher made of the bytes. A session
//! in a store has no HMAC.
//!
//! The cipher depends on the Python package that Beaker finds:
//!
//! | `crypto_type` | cipher | its output |
//! |---|---|---|
//! | `cryptography` | AES-256-GCM | 12 bytes to begin with, the tag, the encrypted bytes |
//! | `pycrypto`, `pycryptodome` | AES-256-CTR, whose counter begins at 0 | the encrypted bytes |

use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce};
use ctr::Ctr128BE;
use ctr::cipher::{KeyIvInit, StreamCipher};
use data_encoding::BASE64;
use sha1::Sha1;

use super::{NONCE, TAG, random_nonce};
use crate::error::{Error, Result};
use crate::signing::Signer;

type AesCtr = Ctr128BE<aes_gcm::aes::Aes256>;

/// The lengths of the nonce that Beaker knows: bits, bytes, and characters of base64 that are used.
const NONCES: [(usize, usize, usize); 6] =
    [(48, 6, 8), (64, 8, 12), (96, 12, 16), (128, 16, 24), (192, 24, 32), (256, 32, 44)];

/// Which cipher Beaker uses, and how long its nonce is: [`Sealer::beaker_by`](super::Sealer::beaker_by).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BeakerCipher {
    algorithm: Algorithm,
    nonce_bytes: usize,
    nonce_length: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Gcm,
    Ctr,
}

impl BeakerCipher {
    /// Chooses AES-256-GCM, for Beaker's `crypto_type = cryptography`. The nonce has 128 bits.
    #[must_use]
    pub fn aes_gcm() -> BeakerCipher {
        BeakerCipher { algorithm: Algorithm::Gcm, nonce_bytes: 16, nonce_length: 24 }
    }

    /// Chooses AES-256-CTR, for Beaker's `crypto_type = pycryptodome` or `pycrypto`. The nonce has 128 bits.
    ///
    /// AES-CTR does not detect changes. In a cookie, the signature does; a session in a store has none, so
    /// anybody who can write to the store can change it.
    #[must_use]
    pub fn aes_ctr() -> BeakerCipher {
        BeakerCipher { algorithm: Algorithm::Ctr, ..BeakerCipher::aes_gcm() }
    }

    /// Sets the length of the nonce, Beaker's `encrypt_nonce_bits`: 48, 64, 96, 128, 192 or 256. Default: 128,
    /// as in Beaker.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` for another number.
    ///
    /// ```
    /// use beaker::sealing::BeakerCipher;
    ///
    /// assert!(BeakerCipher::aes_gcm().nonce_bits(48).is_ok());
    /// assert!(BeakerCipher::aes_gcm().nonce_bits(50).is_err());
    /// ```
    pub fn nonce_bits(self, bits: usize) -> Result<BeakerCipher> {
        match NONCES.iter().find(|(known, ..)| *known == bits) {
            Some(&(_, nonce_bytes, nonce_length)) => {
                Ok(BeakerCipher { nonce_bytes, nonce_length, ..self })
            }
            None => Err(Error::config(format!(
                "Beaker has no nonce of {bits} bits; `encrypt_nonce_bits` is 48, 64, 96, 128, 192 or 256"
            ))),
        }
    }
}

/// A pair of keys, and the cipher.
#[derive(Clone)]
pub(super) struct BeakerKey {
    cipher: BeakerCipher,
    encrypt_key: Vec<u8>,
    validate_key: Vec<u8>,
    signer: Signer,
}

impl BeakerKey {
    pub(super) fn new(
        cipher: BeakerCipher,
        encrypt_key: &[u8],
        validate_key: &[u8],
    ) -> Result<BeakerKey> {
        if encrypt_key.is_empty() {
            return Err(Error::config("an empty text is no `encrypt_key`"));
        }
        let signer = Signer::beaker([validate_key])?;
        let (encrypt_key, validate_key) = (encrypt_key.into(), validate_key.into());
        Ok(BeakerKey { cipher, encrypt_key, validate_key, signer })
    }

    pub(super) fn seal(&self, bytes: &[u8]) -> Result<String> {
        Ok(self.signer.sign("", &self.seal_unsigned(bytes)?))
    }

    pub(super) fn open(&self, text: &str) -> Option<Vec<u8>> {
        self.open_unsigned(self.signer.verify("", text)?.text)
    }

    pub(super) fn seal_unsigned(&self, bytes: &[u8]) -> Result<String> {
        let random = random_nonce::<32>()?;
        let mut text = BASE64.encode(&random[..self.cipher.nonce_bytes]);
        text.truncate(self.cipher.nonce_length);
        let sealed = self.encrypt(&text, bytes)?;
        BASE64.encode_append(&sealed, &mut text);
        Ok(text)
    }

    pub(super) fn open_unsigned(&self, text: &str) -> Option<Vec<u8>> {
        let (nonce, sealed) = text.split_at_checked(self.cipher.nonce_length)?;
        self.decrypt(nonce, &BASE64.decode(sealed.as_bytes()).ok()?)
    }

    fn encrypt(&self, nonce: &str, bytes: &[u8]) -> Result<Vec<u8>> {
        let key = self.key(nonce);
        let mut body = bytes.to_vec();
        match self.cipher.algorithm {
            Algorithm::Ctr => {
                AesCtr::new(&key.into(), &[0; 16].into()).apply_keystream(&mut body);
                Ok(body)
            }
            Algorithm::Gcm => {
                let start = random_nonce::<NONCE>()?;
                let tag = Aes256Gcm::new(&key.into())
                    .encrypt_inout_detached(&Nonce::from(start), b"", body.as_mut_slice().into())
                    .map_err(|_| {
                        Error::config(
                            "more bytes than AES-GCM accepts cannot be encrypted; store less",
                        )
                    })?;
                Ok([&start[..], &tag, &body].concat())
            }
        }
    }

    fn decrypt(&self, nonce: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let key = self.key(nonce);
        match self.cipher.algorithm {
            Algorithm::Ctr => {
                let mut bytes = sealed.to_vec();
                AesCtr::new(&key.into(), &[0; 16].into()).apply_keystream(&mut bytes);
                Some(bytes)
            }
            Algorithm::Gcm => {
                let (start, rest) = sealed.split_first_chunk::<NONCE>()?;
                let (tag, body) = rest.split_first_chunk::<TAG>()?;
                let mut bytes = body.to_vec();
                let opened = Aes256Gcm::new(&key.into()).decrypt_inout_detached(
                    &Nonce::from(*start),
                    b"",
                    bytes.as_mut_slice().into(),
                    &(*tag).into(),
                );
                opened.ok().map(|()| bytes)
            }
        }
    }

    /// Derives the key of one text.
    fn key(&self, nonce: &str) -> [u8; 32] {
        let salt = [&self.validate_key, nonce.as_bytes()].concat();
        let mut key = [0; 32];
        pbkdf2::pbkdf2_hmac::<Sha1>(&self.encrypt_key, &salt, 1, &mut key);
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONCE_TEXT: &str = "AAECAwQFBgcICQoLDA0ODw==";

    fn key(cipher: BeakerCipher) -> BeakerKey {
        BeakerKey::new(cipher, b"666a19cf7f61c64c", b"hoobermas").unwrap()
    }

    #[test]
    fn derives_the_key_that_beaker_derives() {
        let derived = data_encoding::HEXLOWER.encode(&key(BeakerCipher::aes_gcm()).key(NONCE_TEXT));
        assert_eq!(derived, "f2b791fd06dfc6451897378fe8485a9cf11ddb7ffa26460bab5045c6105250fe");
    }

    /// Made by Beaker 1.14.1 with `pycryptodome`, and with a nonce of 48 bits.
    #[test]
    fn opens_what_beaker_encrypted_with_aes_ctr() {
        let signed = "2035ba9dc861b61bc0b6dfdef5389265665950a0AAECAwQFBgcICQoLDA0ODw==BdP2chs0xduwQce32adyJX/\
            iRrSpnnu4z+LRX6l50gdlRM7hb/sEK8MxHntFXLIfl8C3UXagdfLhMQBAlmR9cVMZEELH+taEan/r+VVdyX/GfW+Rf6j/\
            nCTHknxbQFMy5t/UkOtIezur9UGAB1MT/XhGmgXGk6UFn08=";
        let short = "AAECAwQFQW6SUVLXBmKV9tRMD1gh4ofmr4MYCw7SPkHpQF5Nalvce/0weoDBSUtZiwnaWQ4jd9KnYaArMgXCLBvP\
            uFr02oga3dcWWrd7lYbh+xWVAJQ41w0FnzaFVmhctmbLZlnnTRLNbZUb6oC2hRQVtXyUS8/I/WhaV7X4EgI=";
        let long = key(BeakerCipher::aes_ctr()).open(signed).unwrap();
        let short_nonce = BeakerCipher::aes_ctr().nonce_bits(48).unwrap();
        assert_eq!(key(short_nonce).open_unsigned(short).unwrap(), long);
        assert!(long.starts_with(b"\x78\x9c"), "{}", long.escape_ascii());
    }

    #[test]
    fn opens_what_it_encrypted_with_each_nonce() {
        for cipher in [BeakerCipher::aes_gcm(), BeakerCipher::aes_ctr()] {
            for (bits, _, length) in NONCES {
                let key = key(cipher.nonce_bits(bits).unwrap());
                let sealed = key.seal_unsigned(b"Kimi").unwrap();
                assert_eq!(key.open_unsigned(&sealed).unwrap(), b"Kimi", "{bits}");
                assert!(sealed.is_char_boundary(length) && sealed.len() > length);
            }
        }
    }
}
