//! [`BeakerFormat`]: the record of a session in a store, as Beaker writes it: base64 of the serialized
//! session, or of what a cipher made of it. What is around that differs from store to store, and is the
//! store's.
//!
//! A session that moves to a new id leaves a note in its old record, under a key that Beaker keeps like any
//! other: a Python application finds an empty session there.

use std::str::FromStr;

use data_encoding::BASE64;

use super::{Decoded, Serializer, Written};
use crate::clock::Timestamp;
use crate::cookie::CookieOptions;
use crate::error::{Error, Result};
use crate::sealing::Sealer;
use crate::session::id::SessionId;
use crate::session::kept::Kept;
use crate::session::stored::{Arriving, Content, Forward, SessionData};
use crate::value::Values;

/// In an old record: the new id, and until when requests are led there, in microseconds since 1970.
const MOVED_TO: &str = "_moved_to";

/// In a new record: the old id.
const ARRIVES_FROM: &str = "_arrives_from";

/// How Python's Beaker writes a session that is kept in a store: the argument of
/// [`Sessions::shared_with_beaker`](crate::Sessions::shared_with_beaker).
#[derive(Debug, Clone)]
#[must_use]
pub struct BeakerFormat {
    serializer: Serializer,
    sealer: Option<Sealer>,
    invalidates_corrupt: bool,
}

impl BeakerFormat {
    /// Chooses JSON, Beaker's `data_serializer = json`.
    pub fn json() -> BeakerFormat {
        BeakerFormat { serializer: Serializer::Json, sealer: None, invalidates_corrupt: false }
    }

    /// Chooses pickles, Beaker's default. They are read without running anything: see
    /// [`unreadable`](crate::session::SessionState::unreadable) for objects of Python's classes.
    pub fn pickle() -> BeakerFormat {
        BeakerFormat { serializer: Serializer::Pickle, ..BeakerFormat::json() }
    }

    /// Gives a visitor whose session cannot be read a new one, as Beaker's `invalidate_corrupt = true` does.
    /// What cannot be read stays in the store. Default: the request fails with an error of the kind `Codec`.
    ///
    /// ```
    /// use beaker::session::BeakerFormat;
    ///
    /// let format = BeakerFormat::pickle().invalidate_corrupt();
    /// ```
    pub fn invalidate_corrupt(self) -> BeakerFormat {
        BeakerFormat { invalidates_corrupt: true, ..self }
    }

    /// Sets what encrypts the sessions in the store, for Beaker's `encrypt_key` and `validate_key`. It must
    /// be a [`Sealer::beaker`]. Default: they are not encrypted.
    ///
    /// Beaker signs no session in a store. With AES-GCM, changes are detected; with AES-CTR they are not.
    ///
    /// ```
    /// use beaker::Sealer;
    /// use beaker::session::BeakerFormat;
    ///
    /// # fn main() -> beaker::Result<()> {
    /// let sealer = Sealer::beaker([("the encrypt_key of both", "the validate_key of both")])?;
    /// let format = BeakerFormat::json().sealed_by(sealer);
    /// # Ok(())
    /// # }
    /// ```
    pub fn sealed_by(self, sealer: Sealer) -> BeakerFormat {
        BeakerFormat { sealer: Some(sealer), ..self }
    }

    pub(in crate::session) fn serializer(&self) -> Serializer {
        self.serializer
    }

    pub(in crate::session) fn invalidates_corrupt(&self) -> bool {
        self.invalidates_corrupt
    }

    pub(in crate::session) fn is_sealed(&self) -> bool {
        self.sealer.is_some()
    }

    /// Reads the record under an id.
    ///
    /// # Errors
    ///
    /// `ErrorKind::Codec` for what cannot be read.
    pub(in crate::session) fn read(&self, id: &SessionId, record: &[u8]) -> Result<Content> {
        let decoded = self.decode(record).map_err(|why| {
            Error::codec(format!(
                "could not read the session `{}`, which Python's Beaker shares: {why}; it stays as it is; \
                 compare `data_serializer`, `encrypt_key`, `validate_key`, `crypto_type` and \
                 `encrypt_nonce_bits` of both sides",
                id.short()
            ))
        })?;
        let Decoded { created, accessed, mut values, kept, .. } = decoded;
        if let Some(forward) = take(&mut values, MOVED_TO, forward) {
            return Ok(Content::Forward(forward));
        }
        let from = take(&mut values, ARRIVES_FROM, |text| SessionId::from_str(text).ok());
        if (created, accessed) == (None, None) && values.is_empty() && kept.unreadable.is_empty() {
            return Ok(Content::Emptied);
        }
        let begun = created.or(accessed).unwrap_or(Timestamp::from_micros(0));
        let data = SessionData { created: begun, accessed: accessed.unwrap_or(begun), values };
        Ok(match from {
            None => Content::Session(data, kept),
            Some(from) => Content::Arriving(Arriving { from, data, kept }),
        })
    }

    /// Builds the record of a session; `from` is the id that it is about to leave.
    pub(in crate::session) fn session(
        &self,
        cookie: &CookieOptions,
        data: &SessionData,
        kept: &Kept,
        from: Option<SessionId>,
    ) -> Result<Vec<u8>> {
        let note = from.map(|from| (ARRIVES_FROM, from.as_str().to_owned()));
        self.encode(&Written { id: None, cookie, data, kept, note })
    }

    /// Builds the record that leads from an old id to the new one.
    pub(in crate::session) fn forward(
        &self,
        cookie: &CookieOptions,
        forward: &Forward,
        now: Timestamp,
    ) -> Result<Vec<u8>> {
        let data = SessionData { created: now, accessed: now, values: Values::new() };
        let text = format!("{} {}", forward.to.as_str(), forward.until.as_micros());
        let (kept, note) = (&Kept::default(), Some((MOVED_TO, text)));
        self.encode(&Written { id: None, cookie, data: &data, kept, note })
    }

    fn encode(&self, written: &Written<'_>) -> Result<Vec<u8>> {
        for key in [MOVED_TO, ARRIVES_FROM] {
            if written.data.values.contains_key(key) {
                return Err(Error::config(format!(
                    "the key `{key}` notes that a session moves to another id, and cannot hold a value of \
                     the program; give the value another key"
                )));
            }
        }
        let bytes = self.serializer.encode(written)?;
        Ok(match &self.sealer {
            None => BASE64.encode(&bytes).into_bytes(),
            Some(sealer) => sealer.seal_record(&bytes)?.into_bytes(),
        })
    }

    fn decode(&self, record: &[u8]) -> Result<Decoded, String> {
        let read = |bytes: &[u8]| self.serializer.decode(bytes, false);
        match &self.sealer {
            None => match BASE64.decode(record) {
                Ok(bytes) => read(&bytes),
                Err(_) => Err("it is no base64".to_owned()),
            },
            Some(sealer) => {
                let text = std::str::from_utf8(record).map_err(|_| "it is no text".to_owned())?;
                let mut why = "none of the keys decrypts it".to_owned();
                for bytes in sealer.open_record(text) {
                    match read(&bytes) {
                        Ok(decoded) => return Ok(decoded),
                        Err(reason) => why = reason,
                    }
                }
                Err(why)
            }
        }
    }
}

fn forward(text: &str) -> Option<Forward> {
    let (to, until) = text.split_once(' ')?;
    let until = Timestamp::from_micros(until.parse().ok()?);
    Some(Forward { to: to.parse().ok()?, until })
}

/// Takes a note out of the values.
fn take<T>(values: &mut Values, key: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
    let note = values.remove(key)?;
    note.as_str().and_then(read)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sealing::BeakerCipher;

    /// Made by Beaker 1.14.1 with `data_serializer = json`.
    const RECORD: &str = "eJyrVopPyc9NzMxTslLIK83J0VFQii9ILMkAcpX0lUC8xOTk1OLi1JT4kszcVKCwobkBFOgZmYIUJBelJpZk5ufhUlBanFoEMi4xJRFkIMgm81oAUswhbA==";

    /// What it leaves of a session after `delete()` and `save()`.
    const DELETED: &str = "eJyrVopPyc9NzMxTslLIK83J0VFQii9ILMkAcpX0lWoBpFsJkg==";

    /// The same session, encrypted.
    const BY_CTR: &str = "AAECAwQFBgcICQoLDA0ODw==BdMwqFBxjyTtyXShnalgKqiIaamhYwPqM3OdEalzPBoxMVmfjCUA8sY+geQfodtIjKeszbEVI3sUFF1sBel6OseVmWdDkfGIm2FUVLd1LZtSop8PaGqrYQ==";
    const BY_GCM: &str = "AAECAwQFBgcICQoLDA0ODw==AAECAwQFBgcICQoLzAkn7xeKhHV4YIaMnbbNBFqB0TZGowhxkWi15vmLCarPntx1Dmu/6HW8M1eFvvm3VEHxrSwIsfXVf/nQaA1qcX3+HBCFB76pUIcQAJXmHPpURpvOXpAHSyWBc0sK/6is5AJmJDpJZHM=";

    const KEYS: [(&str, &str); 1] = [("666a19cf7f61c64c", "hoobermas")];

    fn id() -> SessionId {
        "00112233445566778899aabbccddeeff".parse().unwrap()
    }

    fn sealed(cipher: BeakerCipher) -> BeakerFormat {
        BeakerFormat::json().sealed_by(Sealer::beaker_by(cipher, KEYS).unwrap())
    }

    #[track_caller]
    fn session(format: &BeakerFormat, record: &[u8]) -> (SessionData, Kept) {
        match format.read(&id(), record).unwrap() {
            Content::Session(data, kept) => (data, kept),
            _ => panic!("no session"),
        }
    }

    fn written(format: &BeakerFormat, data: &SessionData, kept: &Kept) -> Vec<u8> {
        format.session(&CookieOptions::default(), data, kept, None).unwrap()
    }

    #[test]
    fn reads_what_beaker_stored_and_writes_it_back() {
        let formats = [
            (BeakerFormat::json(), RECORD),
            (sealed(BeakerCipher::aes_ctr()), BY_CTR),
            (sealed(BeakerCipher::aes_gcm()), BY_GCM),
        ];
        for (format, record) in formats {
            let (data, kept) = session(&format, record.as_bytes());
            let at = Timestamp::from_micros(1_700_000_000_250_000);
            assert_eq!((data.created, data.accessed), (at, at));
            let values = [("user".to_owned(), "ada".into()), ("n".to_owned(), 7.into())];
            assert_eq!(data.values, values.into());
            let again = written(&format, &data, &kept);
            assert_eq!(session(&format, &again).0, data);
        }
    }

    #[test]
    fn a_session_that_python_has_deleted_is_none() {
        let read = BeakerFormat::json().read(&id(), DELETED.as_bytes());
        assert!(matches!(read, Ok(Content::Emptied)));
    }

    #[test]
    fn what_cannot_be_read_is_an_error_that_names_the_options() {
        let flipped = BY_GCM.replace("zAkn", "zAkm");
        let other = BeakerFormat::json().sealed_by(Sealer::beaker([("e", "v")]).unwrap());
        for (format, record) in [
            (BeakerFormat::json(), BY_GCM),
            (BeakerFormat::json(), "no base64"),
            (BeakerFormat::json(), ""),
            (BeakerFormat::json(), "e30="),
            (sealed(BeakerCipher::aes_gcm()), flipped.as_str()),
            (sealed(BeakerCipher::aes_gcm()), BY_CTR),
            (sealed(BeakerCipher::aes_ctr()), BY_GCM),
            (sealed(BeakerCipher::aes_gcm()), RECORD),
            (other, BY_GCM),
        ] {
            let Err(error) = format.read(&id(), record.as_bytes()) else {
                panic!("{record} is read")
            };
            let text = error.to_string();
            assert!(text.contains("`0011") && text.contains("`encrypt_key`"), "{text}");
            assert!(!text.contains(id().as_str()), "{text}");
        }
    }

    #[test]
    fn a_move_is_noted_where_python_keeps_it() {
        let format = BeakerFormat::json();
        let (data, kept) = session(&format, RECORD.as_bytes());
        let (cookie, from) = (CookieOptions::default(), SessionId::random());
        let record = format.session(&cookie, &data, &kept, Some(from)).unwrap();
        match format.read(&id(), &record).unwrap() {
            Content::Arriving(arriving) => {
                assert_eq!((arriving.from, arriving.data), (from, data.clone()));
            }
            _ => panic!("it does not arrive"),
        }
        let forward = Forward { to: from, until: Timestamp::from_micros(5) };
        let record = format.forward(&cookie, &forward, data.created).unwrap();
        match format.read(&id(), &record).unwrap() {
            Content::Forward(read) => assert_eq!((read.to, read.until), (from, forward.until)),
            _ => panic!("it leads nowhere"),
        }
        let mut data = data;
        data.values.insert(MOVED_TO.into(), 1.into());
        let error = format.session(&cookie, &data, &kept, None).unwrap_err();
        assert!(error.to_string().contains("`_moved_to`"), "{error}");
    }

    #[test]
    fn the_domain_and_path_of_one_session_are_kept() {
        let python = r#"{"_domain": "example.org", "_path": "/a", "_creation_time": 1.0, "_accessed_time": 2.0}"#;
        let bytes = miniz_oxide::deflate::compress_to_vec_zlib(python.as_bytes(), 6);
        let format = BeakerFormat::json();
        let (data, kept) = session(&format, BASE64.encode(&bytes).as_bytes());
        let again = BASE64.decode(&written(&format, &data, &kept)).unwrap();
        let json = miniz_oxide::inflate::decompress_to_vec_zlib(&again).unwrap();
        assert_eq!(String::from_utf8(json).unwrap(), python);
    }
}
