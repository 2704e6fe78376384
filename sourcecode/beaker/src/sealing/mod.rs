//! [`Sealer`]: encrypted texts that nobody else can read or forge, in two formats, with key rotation.

mod beaker;
#[cfg(feature = "layers")]
mod value;

use std::fmt;

use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce};
pub use beaker::BeakerCipher;
use beaker::BeakerKey;
use data_encoding::BASE64URL_NOPAD;
use hkdf::Hkdf;
use sha2::Sha256;
#[cfg(feature = "layers")]
pub(crate) use value::ValueSealer;

use crate::error::{Error, Result};

/// Encrypts bytes into a text for a cookie, and decrypts them. The encryption is authenticated (AEAD), so
/// changes are detected.
///
/// The keys are a list, newest first: the first key encrypts, and all keys decrypt, as with a
/// [`Signer`](crate::Signer).
#[derive(Clone)]
pub struct Sealer {
    format: Format,
}

#[derive(Clone)]
enum Format {
    Own(Vec<OwnKey>),
    Beaker(Vec<BeakerKey>),
}

/// The content of an encrypted text.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Opened {
    /// The decrypted bytes.
    pub bytes: Vec<u8>,
    /// Whether the newest key encrypted it. If not, encrypt the bytes again.
    pub is_newest: bool,
}

impl Sealer {
    /// Creates a sealer for this library's own format: AES-256-GCM, with keys that HKDF-SHA-256 derives from
    /// the secrets. Each secret must have 32 bytes or more and be random, as for
    /// [`Signer::new`](crate::Signer::new).
    ///
    /// Each text has a random nonce of 96 bits, so a key is safe for about four thousand million texts;
    /// replace it before that.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` for a secret that is too short, and for an empty list.
    pub fn new<K: AsRef<[u8]>>(secrets: impl IntoIterator<Item = K>) -> Result<Sealer> {
        let keys = secrets.into_iter().map(|secret| OwnKey::derive(secret.as_ref()));
        Sealer::of(Format::Own(keys.collect::<Result<_>>()?))
    }

    /// Creates a sealer for the format of Beaker's module `cryptography`, to share cookies with a Python
    /// application. Each key is a pair of Beaker's `encrypt_key` and `validate_key`. This format has no
    /// label, so such a text is valid for a cookie of any name.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` for an empty key, and for an empty list.
    pub fn beaker<E, V>(keys: impl IntoIterator<Item = (E, V)>) -> Result<Sealer>
    where
        E: AsRef<[u8]>,
        V: AsRef<[u8]>,
    {
        Sealer::beaker_by(BeakerCipher::aes_gcm(), keys)
    }

    /// Creates a sealer for Beaker's format with another of its ciphers, or another length of the nonce. It
    /// must be the one that the Python application uses, because nothing in the text tells which it was.
    ///
    /// # Errors
    ///
    /// The same as for [`beaker`](Sealer::beaker).
    ///
    /// ```
    /// use beaker::Sealer;
    /// use beaker::sealing::BeakerCipher;
    ///
    /// # fn main() -> beaker::Result<()> {
    /// // crypto_type = pycryptodome
    /// let sealer = Sealer::beaker_by(BeakerCipher::aes_ctr(), [("encrypt key", "validate key")])?;
    /// let sealed = sealer.seal("", b"Kimi")?;
    /// assert_eq!(sealer.open("", &sealed).unwrap().bytes, b"Kimi");
    /// # Ok(())
    /// # }
    /// ```
    pub fn beaker_by<E, V>(
        cipher: BeakerCipher,
        keys: impl IntoIterator<Item = (E, V)>,
    ) -> Result<Sealer>
    where
        E: AsRef<[u8]>,
        V: AsRef<[u8]>,
    {
        let key = |(encrypt, validate): (E, V)| {
            BeakerKey::new(cipher, encrypt.as_ref(), validate.as_ref())
        };
        Sealer::of(Format::Beaker(keys.into_iter().map(key).collect::<Result<_>>()?))
    }

    fn of(format: Format) -> Result<Sealer> {
        match &format {
            Format::Own(keys) if keys.is_empty() => {}
            Format::Beaker(keys) if keys.is_empty() => {}
            _ => return Ok(Sealer { format }),
        }
        Err(Error::config("no key to seal with was given; one at least is needed"))
    }

    /// Whether it is Beaker's format.
    pub(crate) fn is_beakers(&self) -> bool {
        matches!(self.format, Format::Beaker(_))
    }

    /// Encrypts the bytes and returns them as text. The label says what the text is for, such as the cookie's
    /// name, and the text can only be decrypted with the same label. (Beaker's format has no label.)
    ///
    /// # Errors
    ///
    /// `ErrorKind::Config` if the system has no random numbers.
    pub fn seal(&self, label: &str, bytes: &[u8]) -> Result<String> {
        match &self.format {
            Format::Own(keys) => keys[0].seal(label, bytes),
            Format::Beaker(keys) => keys[0].seal(bytes),
        }
    }

    /// Encrypts the bytes as Beaker does for sessions in a store: nothing signs the text.
    #[cfg(feature = "python")]
    pub(crate) fn seal_record(&self, bytes: &[u8]) -> Result<String> {
        match &self.format {
            Format::Own(_) => Err(Error::config(NOT_BEAKERS)),
            Format::Beaker(keys) => keys[0].seal_unsigned(bytes),
        }
    }

    /// Decrypts what [`seal_record`](Sealer::seal_record) or Beaker encrypted, with each of the keys: without
    /// a signature, AES-CTR cannot tell which is the right one.
    #[cfg(feature = "python")]
    pub(crate) fn open_record(&self, text: &str) -> impl Iterator<Item = Vec<u8>> {
        let keys = match &self.format {
            Format::Own(_) => &[],
            Format::Beaker(keys) => keys.as_slice(),
        };
        keys.iter().filter_map(|key| key.open_unsigned(text))
    }

    /// Decrypts a text; `None` if none of the keys encrypted it for this label.
    #[must_use]
    pub fn open(&self, label: &str, text: &str) -> Option<Opened> {
        let found = match &self.format {
            Format::Own(keys) => {
                decode(text).and_then(|sealed| first(keys, |key| key.open(label, &sealed)))
            }
            Format::Beaker(keys) => first(keys, |key| key.open(text)),
        };
        found.map(|(at, bytes)| Opened { bytes, is_newest: at == 0 })
    }
}

fn first<K>(keys: &[K], open: impl Fn(&K) -> Option<Vec<u8>>) -> Option<(usize, Vec<u8>)> {
    keys.iter().enumerate().find_map(|(at, key)| Some((at, open(key)?)))
}

/// Hides the keys.
impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, keys) = match &self.format {
            Format::Own(keys) => ("own", keys.len()),
            Format::Beaker(keys) => ("beaker", keys.len()),
        };
        write!(f, "Sealer({name}, {keys} keys)")
    }
}

/// Hides the bytes.
impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Opened({} bytes, newest: {})", self.bytes.len(), self.is_newest)
    }
}

#[cfg(feature = "python")]
const NOT_BEAKERS: &str = "the sealer of sessions that Python's Beaker shares is in this library's own format; \
                           create it with `Sealer::beaker`";

const VERSION: u8 = 1;
const NONCE: usize = 12;
const TAG: usize = 16;

/// A secret of this length has as many bits as the key.
const SHORTEST_SECRET: usize = 32;

/// What the key is for: nothing else that is derived from the same secret is the same.
const PURPOSE: &[u8] = b"beaker sealed cookie 1";

/// This library's own format: base64url of a version, a nonce, and what AES-256-GCM makes of the bytes,
/// with its tag. The version and the label are authenticated as well.
#[derive(Clone)]
struct OwnKey(Aes256Gcm);

impl OwnKey {
    fn derive(secret: &[u8]) -> Result<OwnKey> {
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

    fn seal(&self, label: &str, bytes: &[u8]) -> Result<String> {
        let mut sealed = Vec::with_capacity(1 + NONCE + bytes.len() + TAG);
        let nonce = random_nonce()?;
        sealed.push(VERSION);
        sealed.extend(nonce);
        sealed.extend(bytes);
        let nonce = Nonce::from(nonce);
        let tag = self
            .0
            .encrypt_inout_detached(&nonce, &associated(label), (&mut sealed[1 + NONCE..]).into())
            .map_err(|_| {
                Error::config("more bytes than AES-GCM accepts cannot be encrypted; store less")
            })?;
        sealed.extend(tag);
        Ok(BASE64URL_NOPAD.encode(&sealed))
    }

    fn open(&self, label: &str, sealed: &[u8]) -> Option<Vec<u8>> {
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

/// Decodes an encrypted text of this version.
fn decode(text: &str) -> Option<Vec<u8>> {
    let sealed = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
    (sealed.first() == Some(&VERSION)).then_some(sealed)
}

fn associated(label: &str) -> Vec<u8> {
    let mut data = Vec::with_capacity(1 + label.len());
    data.push(VERSION);
    data.extend(label.as_bytes());
    data
}

fn random_nonce<const LENGTH: usize>() -> Result<[u8; LENGTH]> {
    let mut nonce = [0; LENGTH];
    getrandom::fill(&mut nonce)
        .map_err(|error| Error::config("the system gave no random numbers").caused_by(error))?;
    Ok(nonce)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &[u8] = b"0123456789abcdef0123456789abcdef";
    const NEW: &[u8] = b"fedcba9876543210fedcba9876543210";

    fn own() -> Sealer {
        Sealer::new([OLD]).unwrap()
    }

    fn beaker() -> Sealer {
        Sealer::beaker([("e".repeat(32), "v".repeat(32))]).unwrap()
    }

    fn ctr() -> Sealer {
        Sealer::beaker_by(BeakerCipher::aes_ctr(), [("e", "v")]).unwrap()
    }

    fn opens(sealer: &Sealer, text: &str) -> Option<Vec<u8>> {
        sealer.open("sid", text).map(|opened| opened.bytes)
    }

    #[test]
    fn what_was_sealed_is_opened_again_and_for_its_label_alone() {
        for sealer in [own(), beaker(), ctr()] {
            for bytes in [b"".as_slice(), b"Kimi", &[0; 3000]] {
                let sealed = sealer.seal("sid", bytes).unwrap();
                assert_eq!(opens(&sealer, &sealed).as_deref(), Some(bytes));
                assert_ne!(sealed, sealer.seal("sid", bytes).unwrap(), "each has its own nonce");
            }
        }
        assert_eq!(own().open("other", &own().seal("sid", b"Kimi").unwrap()), None);
    }

    /// Made by Beaker 1.14.1 with `cryptography`: the plaintext is zlib of JSON.
    #[test]
    fn opens_what_beaker_sealed() {
        let sealed = "26ef9c439df429ad84e144a95d8bf394d4cce5c13XXynO3kOfIlbNs64oKLUw==SXwPAUBOyiMj\
            DoNcAnbagu5wuDFYVeHVuAt8koYYTEFNusKCdK8tPynud5xgCXQqGyzvdTnM9Pcg0iA4RcgcZO29VUMhSIk4kY1K\
            NnacJvKbgCoelzxyfyglCGTCS4K1lXHHiVvBBKrUPLbBkep7Vtw2zesuLjLUbICRUMnqchPAaaIe8J8ONrIbd6JI\
            FZUXx3zEk3CvMoi8l2fUWwwtOsmhPiSneuvlmpXjgLUtJw==";
        let bytes = opens(&beaker(), sealed).unwrap();
        assert!(bytes.starts_with(b"\x78\x9c"), "{}", bytes.escape_ascii());
    }

    #[test]
    fn old_keys_open_until_they_are_dropped() {
        let sealed = own().seal("sid", b"Kimi").unwrap();
        let both = Sealer::new([NEW, OLD]).unwrap();
        let opened = both.open("sid", &sealed).unwrap();
        assert!(opened.bytes == b"Kimi" && !opened.is_newest);
        assert!(both.open("sid", &both.seal("sid", b"").unwrap()).unwrap().is_newest);
        assert_eq!(Sealer::new([NEW]).unwrap().open("sid", &sealed), None);
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_refused() {
        for sealer in [own(), beaker(), ctr()] {
            let sealed = sealer.seal("sid", b"Kimi Raikkonen").unwrap();
            for bit in 0..sealed.len() * 8 {
                let mut bytes = sealed.clone().into_bytes();
                bytes[bit / 8] ^= 1 << (bit % 8);
                if let Ok(text) = String::from_utf8(bytes) {
                    assert_eq!(opens(&sealer, &text), None, "{text}");
                }
            }
            for length in 0..sealed.len() {
                assert_eq!(opens(&sealer, &sealed[..length]), None, "cut at {length}");
            }
        }
    }

    #[test]
    fn garbage_and_weak_keys_are_refused() {
        for sealer in [own(), beaker(), ctr()] {
            for text in ["", ".", "AQ", "é".repeat(50).as_str(), "=".repeat(90).as_str()] {
                assert_eq!(opens(&sealer, text), None, "{text}");
            }
        }
        assert!(Sealer::new(["short"]).unwrap_err().to_string().contains("5 bytes"));
        assert!(Sealer::new(Vec::<&str>::new()).is_err());
        assert!(Sealer::beaker([("", "v")]).is_err() && Sealer::beaker([("e", "")]).is_err());
        assert_eq!(format!("{:?}", own()), "Sealer(own, 1 keys)");
    }
}
