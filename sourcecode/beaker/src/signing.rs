//! [`Signer`]: signed texts that nobody else can forge, in two formats, with key rotation.

use std::fmt;
use std::sync::OnceLock;

use data_encoding::{BASE64URL_NOPAD, Encoding, HEXLOWER};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;

use crate::error::{Error, Result};

/// Signs texts and verifies its signatures.
///
/// The keys are a list, newest first: the first key signs, and all keys verify. To rotate keys, put a new key
/// first, and remove the old one when everything that it signed has expired.
#[derive(Clone)]
pub struct Signer {
    format: Format,
}

#[derive(Clone)]
enum Format {
    /// `text.signature`: HMAC-SHA-256 of label and text, in base64url. The label says what the text
    /// is for, so that what was signed for one use is worth nothing for another.
    Own(Vec<OwnKey>),
    /// `signaturetext`: HMAC-SHA-1 of the text, in hex, as Beaker writes it. It has no label.
    Beaker(Vec<Hmac<Sha1>>),
}

/// A key of this length has as many bits as the signature.
const SHORTEST_KEY: usize = 32;

/// A text with a valid signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified<'a> {
    /// The signed text.
    pub text: &'a str,
    /// Whether the newest key signed it. If not, sign the text again.
    pub is_newest: bool,
}

impl Signer {
    /// Creates a signer for this library's own format. Each key must have 32 bytes or more, and be random and
    /// secret: generate it with `openssl rand -hex 32`, for example, and keep it out of the source code.
    pub fn new<K: AsRef<[u8]>>(keys: impl IntoIterator<Item = K>) -> Result<Signer> {
        let own = |key: K| match key.as_ref() {
            short if short.len() < SHORTEST_KEY => Err(Error::config(format!(
                "a signing key has {} bytes, and needs {SHORTEST_KEY} at least; \
                 `openssl rand -hex 32` makes one",
                short.len()
            ))),
            key => Ok(OwnKey::new(key)),
        };
        let keys = keys.into_iter().map(own).collect::<Result<Vec<_>>>()?;
        Signer::of(Format::Own(keys))
    }

    /// Creates a signer for Beaker's format, to share cookies with a Python application, whose `secret` is
    /// the key. HMAC-SHA-1 is still secure for this purpose, but such a signature has no label, so it is
    /// valid for a cookie of any name.
    pub fn beaker<K: AsRef<[u8]>>(keys: impl IntoIterator<Item = K>) -> Result<Signer> {
        let keys: Vec<K> = keys.into_iter().collect();
        if keys.iter().any(|key| key.as_ref().is_empty()) {
            return Err(Error::config("an empty text is no signing key"));
        }
        Signer::of(Format::Beaker(keys.iter().map(|key| keyed(key.as_ref())).collect()))
    }

    /// Creates a signer with a random key, which is lost with the process: for sessions in memory, which are
    /// lost with it as well.
    pub fn random() -> Result<Signer> {
        let mut key = [0; SHORTEST_KEY];
        getrandom::fill(&mut key)
            .map_err(|error| Error::config("the system gave no random key").caused_by(error))?;
        Signer::new([key])
    }

    fn of(format: Format) -> Result<Signer> {
        match &format {
            Format::Own(keys) if keys.is_empty() => {}
            Format::Beaker(keys) if keys.is_empty() => {}
            _ => return Ok(Signer { format }),
        }
        Err(Error::config("no signing key was given; one at least is needed"))
    }

    /// Returns the text with its signature. The label says what the text is for, such as the cookie's name.
    #[must_use]
    pub fn sign(&self, label: &str, text: &str) -> String {
        match &self.format {
            Format::Own(keys) => {
                let tag = keys[0].message(label, text).finalize().into_bytes();
                let mut signed = String::with_capacity(text.len() + 1 + 43);
                signed.push_str(text);
                signed.push('.');
                signed.push_str(BASE64URL_NOPAD.encode_mut_str(&tag, &mut [0; 43]));
                signed
            }
            Format::Beaker(keys) => {
                let tag = keys[0].clone().chain_update(text).finalize().into_bytes();
                let mut signed = String::with_capacity(40 + text.len());
                HEXLOWER.encode_append(&tag, &mut signed);
                signed.push_str(text);
                signed
            }
        }
    }

    /// Whether it is Beaker's format.
    pub(crate) fn is_beakers(&self) -> bool {
        matches!(self.format, Format::Beaker(_))
    }

    /// Returns the text of a signed text, or `None` if none of the keys signed it for this label.
    #[must_use]
    pub fn verify<'a>(&self, label: &str, signed: &'a str) -> Option<Verified<'a>> {
        let (text, key) = match &self.format {
            Format::Own(keys) => {
                let (text, signature) = signed.rsplit_once('.')?;
                let tag: [u8; 32] = decode(&BASE64URL_NOPAD, signature)?;
                let made = |key: &OwnKey| key.message(label, text).verify_slice(&tag).is_ok();
                (text, keys.iter().position(made)?)
            }
            Format::Beaker(keys) => {
                let (signature, text) = signed.split_at_checked(40)?;
                let tag: [u8; 20] = decode(&HEXLOWER, signature)?;
                let made =
                    |key: &Hmac<Sha1>| key.clone().chain_update(text).verify_slice(&tag).is_ok();
                (text, keys.iter().position(made)?)
            }
        };
        Some(Verified { text, is_newest: key == 0 })
    }
}

impl fmt::Debug for Signer {
    /// Hides the keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, keys) = match &self.format {
            Format::Own(keys) => ("own", keys.len()),
            Format::Beaker(keys) => ("beaker", keys.len()),
        };
        write!(f, "Signer({name}, {keys} keys)")
    }
}

/// Begins a code with a key.
pub(crate) fn keyed<M: Mac + KeyInit>(key: &[u8]) -> M {
    <M as KeyInit>::new_from_slice(key).expect("an HMAC takes a key of any length")
}

/// Decodes a text of exactly this many bytes; `None` for any other.
pub(crate) fn decode<const LENGTH: usize>(encoding: &Encoding, text: &str) -> Option<[u8; LENGTH]> {
    let mut bytes = [0; LENGTH];
    let fits = encoding.decode_len(text.len()).ok()? == LENGTH;
    let decoded = fits.then(|| encoding.decode_mut(text.as_bytes(), &mut bytes))?;
    (decoded.ok()? == LENGTH).then_some(bytes)
}

/// A key of our own format.
#[derive(Clone)]
struct OwnKey {
    key: Hmac<Sha256>,
    /// A signer is mostly used for one label, and the first one is in here already: with a session's id
    /// after it, that is a tenth of the time.
    begun: OnceLock<(Box<str>, Hmac<Sha256>)>,
}

impl OwnKey {
    fn new(key: &[u8]) -> OwnKey {
        OwnKey { key: keyed(key), begun: OnceLock::new() }
    }

    fn message(&self, label: &str, text: &str) -> Hmac<Sha256> {
        let (first, begun) = self.begun.get_or_init(|| (label.into(), self.begin(label)));
        let begun = if **first == *label { begun.clone() } else { self.begin(label) };
        begun.chain_update(text)
    }

    /// The label's length comes first, so that no other pair of label and text gives the same bytes.
    fn begin(&self, label: &str) -> Hmac<Sha256> {
        // Four bytes: so a session's id and the cookie's usual name fit into one block of SHA-256.
        let length = u32::try_from(label.len()).unwrap_or(u32::MAX).to_le_bytes();
        self.key.clone().chain_update(length).chain_update(label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &[u8] = b"0123456789abcdef0123456789abcdef";
    const NEW: &[u8] = b"fedcba9876543210fedcba9876543210";

    fn text<'a>(signer: &Signer, label: &str, signed: &'a str) -> Option<&'a str> {
        signer.verify(label, signed).map(|verified| verified.text)
    }

    #[test]
    fn own_format() {
        let signer = Signer::new([OLD]).unwrap();
        let signed = signer.sign("sid", "9f3a");
        assert_eq!(signed, "9f3a.D802QUrJUpS-MukGco00dybMpy0dXF6Kq5QQqRBA-Kw");
        assert_eq!(text(&signer, "sid", &signed), Some("9f3a"));
        assert_eq!(text(&signer, "other", &signed), None);
    }

    #[test]
    fn one_signer_for_several_labels() {
        let signer = Signer::new([OLD]).unwrap();
        let labels = ["sid", "other", "", "sid", "si"];
        let signed = labels.map(|label| signer.sign(label, "9f3a"));
        for (label, signed) in labels.iter().zip(&signed) {
            assert_eq!(*signed, Signer::new([OLD]).unwrap().sign(label, "9f3a"));
            let known = labels.iter().filter(|label| text(&signer, label, signed).is_some());
            assert!(known.into_iter().all(|other| other == label));
        }
    }

    #[test]
    fn beakers_format() {
        // As Beaker signs: the HMAC in hex, then the id.
        let signed = "30e17e2b972587f188ee878c64a007a30d4a37f29f3a";
        let signer = Signer::beaker(["secret"]).unwrap();
        assert_eq!(signer.sign("any", "9f3a"), signed);
        assert_eq!(text(&signer, "any", signed), Some("9f3a"));
    }

    #[test]
    fn old_keys_verify_until_they_are_dropped() {
        let before = Signer::new([OLD]).unwrap().sign("sid", "9f3a");
        let both = Signer::new([NEW, OLD]).unwrap();
        let verified = Verified { text: "9f3a", is_newest: false };
        assert_eq!(both.verify("sid", &before), Some(verified));
        assert_eq!(Signer::new([NEW]).unwrap().verify("sid", &before), None);
        let after = both.sign("sid", "9f3a");
        assert!(both.verify("sid", &after).unwrap().is_newest);
        assert_eq!(after, Signer::new([NEW]).unwrap().sign("sid", "9f3a"));
    }

    #[test]
    fn every_flipped_bit_is_refused() {
        for signer in [Signer::new([OLD]).unwrap(), Signer::beaker([OLD]).unwrap()] {
            let signed = signer.sign("sid", "9f3a");
            for bit in 0..signed.len() * 8 {
                let mut bytes = signed.clone().into_bytes();
                bytes[bit / 8] ^= 1 << (bit % 8);
                if let Ok(text) = String::from_utf8(bytes) {
                    assert_eq!(signer.verify("sid", &text), None, "{text}");
                }
            }
        }
    }

    #[test]
    fn garbage_is_refused() {
        for signer in [Signer::new([OLD]).unwrap(), Signer::beaker([OLD]).unwrap()] {
            for text in ["", ".", "9f3a", "9f3a.", "é".repeat(30).as_str(), "=".repeat(60).as_str()]
            {
                assert_eq!(signer.verify("sid", text), None, "{text}");
            }
        }
    }

    #[test]
    fn weak_keys_are_refused() {
        let message = Signer::new(["secret"]).unwrap_err().to_string();
        assert!(message.contains("6 bytes"), "{message}");
        assert!(Signer::new(Vec::<&str>::new()).is_err());
        assert!(Signer::beaker([""]).is_err());
        assert_eq!(format!("{:?}", Signer::random().unwrap()), "Signer(own, 1 keys)");
    }
}
