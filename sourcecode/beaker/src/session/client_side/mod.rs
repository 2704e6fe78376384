//! Sessions that are kept only in the visitor's cookie.
//!
//! This library's own format is a version, the codec's tag, the id in 16 bytes, and the encoded session.
//! Beaker's format is described in [`beaker`](super::beaker).

use std::time::Duration;

use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER};

use super::beaker::{Decoded, Serializer, Written};
use super::id::SessionId;
use super::kept::Kept;
use super::stored::{self, Rejection, SessionCodec, SessionData};
use crate::cookie::CookieOptions;
use crate::error::{Error, ErrorKind, Result};
use crate::sealing::Sealer;
use crate::signing::Signer;

const VERSION: u8 = 1;

/// The most that browsers keep of a cookie. They count its name, its value and, the older ones, its
/// attributes (RFC 6265).
const LARGEST_COOKIE: usize = 4096;

/// The most that Beaker sends, of what comes after its signature. A visitor whose session would take
/// more is answered with an error, even if the request only reads: Beaker sends each cookie anew.
const BEAKERS_LARGEST: usize = 4064;

/// Its signature.
const BEAKERS_SIGNATURE: usize = 40;

/// Room for what Python's zlib may need more than ours does: 12 bytes in 20,000 sessions that were
/// tried, which are 16 characters; and for another time of the access.
const BEAKERS_MARGIN: usize = 28;

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
    pub(super) kept: Kept,
    /// Signed or encrypted with the newest key.
    pub(super) is_newest: bool,
}

/// Why there is no session in a cookie.
#[derive(Debug)]
pub(super) enum NotRead {
    Rejected(Rejection),
    /// It is signed with one of the keys, and this is what is wrong with the session in it.
    Unreadable(String),
}

impl From<Rejection> for NotRead {
    fn from(reason: Rejection) -> NotRead {
        NotRead::Rejected(reason)
    }
}

/// How a session is turned into bytes: in this library's format, and in Beaker's.
#[derive(Clone, Copy)]
pub(super) struct Codecs<'a> {
    pub(super) own: &'a SessionCodec,
    pub(super) beakers: Serializer,
}

impl Carrier {
    /// Tells whether its cookies are Beaker's.
    pub(super) fn is_beakers(&self) -> bool {
        match self {
            Carrier::Signed(signer) => signer.is_beakers(),
            Carrier::Sealed(sealer) => sealer.is_beakers(),
        }
    }

    /// Returns the `Set-Cookie` header with a session in it. `longest` is what is left of its lifetime.
    ///
    /// # Errors
    ///
    /// `ErrorKind::TooLarge` for what browsers or Beaker would not take; what the codec fails with.
    pub(super) fn header(
        &self,
        cookie: &CookieOptions,
        id: &SessionId,
        data: &SessionData,
        kept: &Kept,
        codecs: Codecs<'_>,
        longest: Option<Duration>,
    ) -> Result<String> {
        let value = self.pack(cookie, id, data, kept, codecs)?;
        let header = cookie.set(&value, longest);
        self.check_size(cookie.get_name(), &value, &header)?;
        Ok(header)
    }

    /// Returns the cookie's value for a session.
    fn pack(
        &self,
        cookie: &CookieOptions,
        id: &SessionId,
        data: &SessionData,
        kept: &Kept,
        codecs: Codecs<'_>,
    ) -> Result<String> {
        let beakers = self.is_beakers();
        let label = &label(cookie.get_name());
        let content = match beakers {
            true => {
                codecs.beakers.encode(&Written { id: Some(id), cookie, data, kept, note: None })?
            }
            false => {
                let codec = codecs.own;
                let mut content = vec![VERSION, codec.tag()];
                content.extend(HEXLOWER.decode(id.as_str().as_bytes()).unwrap_or_default());
                codec.encode_into(data, &mut content)?;
                content
            }
        };
        match self {
            Carrier::Sealed(sealer) => sealer.seal(label, &content),
            Carrier::Signed(signer) if beakers => Ok(signer.sign(label, &BASE64.encode(&content))),
            Carrier::Signed(signer) => Ok(signer.sign(label, &BASE64URL_NOPAD.encode(&content))),
        }
    }

    /// Refuses a `Set-Cookie` header that a browser would drop in silence, or Beaker would not take.
    fn check_size(&self, cookie: &str, value: &str, header: &str) -> Result<()> {
        if !self.is_beakers() {
            let what = format!("the cookie `{cookie}` takes");
            let counted = "bytes with its name and attributes";
            return at_most(LARGEST_COOKIE, header.len(), &what, counted, "browsers keep");
        }
        // As Beaker and newer browsers count: without the attributes.
        let browsers = LARGEST_COOKIE.saturating_sub(cookie.len());
        let beakers = BEAKERS_SIGNATURE + BEAKERS_LARGEST - BEAKERS_MARGIN;
        let what = format!("the value of the cookie `{cookie}` takes");
        at_most(browsers.min(beakers), value.len(), &what, "bytes", "browsers and Beaker take")
    }

    /// Reads the session in a cookie's value.
    pub(super) fn unpack(
        &self,
        cookie: &str,
        value: &str,
        codecs: Codecs<'_>,
    ) -> Result<Carried, NotRead> {
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
        let (id, data, kept) = match beakers {
            true => read_beakers(&content, codecs.beakers).map_err(NotRead::Unreadable)?,
            false => {
                let (id, data) = own(&content, codecs.own).ok_or(Rejection::Damaged)?;
                (id, data, Kept::default())
            }
        };
        Ok(Carried { id, data, kept, is_newest })
    }
}

fn read_beakers(
    content: &[u8],
    serializer: Serializer,
) -> Result<(SessionId, SessionData, Kept), String> {
    let Decoded { id, created, accessed, values, kept } = serializer.decode(content, true)?;
    match (id, created, accessed) {
        (Some(id), Some(created), Some(accessed)) => {
            Ok((id, SessionData { created, accessed, values }, kept))
        }
        _ => Err("it has no id, or no times".to_owned()),
    }
}

fn own(content: &[u8], codec: &SessionCodec) -> Option<(SessionId, SessionData)> {
    let (&[VERSION, tag], rest) = content.split_first_chunk::<2>()? else { return None };
    let (id, payload) = rest.split_first_chunk::<16>()?;
    let id = HEXLOWER.encode(id).parse().ok()?;
    Some((id, stored::decode(tag, payload, codec)?))
}

/// Not the cookie's name alone: a signed id of the same cookie is something else.
fn label(cookie: &str) -> String {
    format!("session in {cookie}")
}

fn at_most(most: usize, size: usize, what: &str, counted: &str, who: &str) -> Result<()> {
    if size <= most {
        return Ok(());
    }
    let over = size - most;
    let message = format!(
        "{what} {size} {counted}, {over} more than the {most} that {who}; keep less in the session, \
         or a backend for it"
    );
    Err(Error::new(ErrorKind::TooLarge, message))
}
