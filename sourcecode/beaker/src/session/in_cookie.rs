//! Sessions that are kept in the visitor's cookie, and nowhere else.
//!
//! This library's own form is: a version, the codec's tag, the id in 16 bytes, and the encoded
//! session. Beaker's is zlib of a JSON object with the values and, under names that begin with `_`, the
//! rest.

use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER};

use super::beaker_json;
use super::data::{self, SessionCodec, SessionData};
use super::{Rejection, SessionId};
use crate::error::{Error, ErrorKind, Result};
use crate::sealing::Sealer;
use crate::signing::Signer;

const VERSION: u8 = 1;

/// The most that browsers keep of a cookie: its name, its value and its attributes (RFC 6265).
const LARGEST_COOKIE: usize = 4096;

/// What keeps others from making a cookie, and maybe from reading it.
#[derive(Debug)]
pub(super) enum Carrier {
    Signed(Signer),
    Sealed(Sealer),
}

/// What was in a cookie.
pub(super) struct Carried {
    pub(super) id: SessionId,
    pub(super) data: SessionData,
    /// Signed or sealed with the newest key.
    pub(super) is_newest: bool,
}

impl Carrier {
    fn is_beakers(&self) -> bool {
        match self {
            Carrier::Signed(signer) => signer.is_beakers(),
            Carrier::Sealed(sealer) => sealer.is_beakers(),
        }
    }

    /// The cookie's value for a session.
    pub(super) fn pack(
        &self,
        cookie: &str,
        id: &SessionId,
        data: &SessionData,
        codec: &SessionCodec,
    ) -> Result<String> {
        let beakers = self.is_beakers();
        let content = match beakers {
            true => beaker_json::encode(id, data)?,
            false => {
                let mut content = vec![VERSION, codec.tag()];
                content.extend(HEXLOWER.decode(id.as_str().as_bytes()).unwrap_or_default());
                codec.encode_into(data, &mut content)?;
                content
            }
        };
        match self {
            Carrier::Sealed(sealer) => sealer.seal(&label(cookie), &content),
            Carrier::Signed(signer) if beakers => {
                Ok(signer.sign(&label(cookie), &BASE64.encode(&content)))
            }
            Carrier::Signed(signer) => {
                Ok(signer.sign(&label(cookie), &BASE64URL_NOPAD.encode(&content)))
            }
        }
    }

    /// The session in a cookie's value.
    pub(super) fn unpack(
        &self,
        cookie: &str,
        value: &str,
        codec: &SessionCodec,
    ) -> Result<Carried, Rejection> {
        let beakers = self.is_beakers();
        let (content, is_newest) = match self {
            Carrier::Sealed(sealer) => {
                let opened = sealer.open(&label(cookie), value).ok_or(Rejection::Signature)?;
                (opened.bytes, opened.is_newest)
            }
            Carrier::Signed(signer) => {
                let signed = signer.verify(&label(cookie), value).ok_or(Rejection::Signature)?;
                let encoding = if beakers { BASE64 } else { BASE64URL_NOPAD };
                let content = encoding.decode(signed.text.as_bytes());
                (content.map_err(|_| Rejection::Damaged)?, signed.is_newest)
            }
        };
        let unpacked = if beakers { beaker_json::decode(&content) } else { own(&content, codec) };
        let (id, data) = unpacked.ok_or(Rejection::Damaged)?;
        Ok(Carried { id, data, is_newest })
    }
}

fn own(content: &[u8], codec: &SessionCodec) -> Option<(SessionId, SessionData)> {
    let (&[VERSION, tag], rest) = content.split_first_chunk::<2>()? else { return None };
    let (id, payload) = rest.split_first_chunk::<16>()?;
    let id = HEXLOWER.encode(id).parse().ok()?;
    Some((id, data::decode(tag, payload, codec)?))
}

/// Not the cookie's name alone: a signed id of the same cookie is something else.
fn label(cookie: &str) -> String {
    format!("session in {cookie}")
}

/// Refuses a `Set-Cookie` header that browsers would drop in silence.
pub(super) fn check_size(cookie: &str, header: &str) -> Result<()> {
    let size = header.len();
    if size <= LARGEST_COOKIE {
        return Ok(());
    }
    let over = size - LARGEST_COOKIE;
    Err(Error::new(
        ErrorKind::TooLarge,
        format!(
            "the cookie `{cookie}` takes {size} bytes with its name and attributes, {over} more than \
             the {LARGEST_COOKIE} that browsers keep; keep less in the session, or a back end for it"
        ),
    ))
}
