//! The stored form of a session: [`SessionData`], its records, and why a cookie is rejected.

use std::convert::Infallible;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::id::SessionId;
use super::kept::Kept;
use crate::clock::Timestamp;
use crate::codec::{Bincode, Codec, Json};
use crate::error::Result;
use crate::record::{Header, Record};
use crate::store::{Stored, Version};
use crate::value::Values;

/// The stored content of a session: the type that a [`Codec`] encodes.
///
/// # Examples
///
/// ```
/// use beaker::codec::{Codec, Json};
/// use beaker::session::SessionData;
/// use beaker::{Timestamp, Values};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let at = Timestamp::from_micros(1_700_000_000_000_000);
/// let data = SessionData { created: at, accessed: at, values: Values::new() };
/// let bytes = Json.encode(&data)?;
/// assert_eq!(Codec::<SessionData>::decode(&Json, &bytes)?, data);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "codecs build it")]
pub struct SessionData {
    /// When the session began.
    pub created: Timestamp,
    /// When it was last used.
    pub accessed: Timestamp,
    /// The values.
    pub values: Values,
}

/// Where a session says whose it is.
pub(super) const USER: &str = "_user";

impl SessionData {
    pub(super) fn user(&self) -> Option<&str> {
        self.values.get(USER)?.as_str()
    }
}

/// Three things in this order, as in every record stored so far. In JSON: `[created, accessed,
/// {"key": value}]`.
impl Serialize for SessionData {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.created, self.accessed, &self.values).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SessionData {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<SessionData, D::Error> {
        let (created, accessed, values) = Deserialize::deserialize(deserializer)?;
        Ok(SessionData { created, accessed, values })
    }
}

/// A codec for sessions.
pub type SessionCodec = Arc<dyn Codec<SessionData>>;

/// In the place of a codec's tag: the record is about a session that gets a new id.
///
/// The payload is the id that the session has now, or the id that it comes from, the tag of a codec, and
/// the encoded session.
const MOVE: u8 = 0;

/// What a stored record holds.
pub(super) enum Content {
    Session(SessionData, Kept),
    Forward(Forward),
    Arriving(Arriving),
    /// What Beaker leaves of a session that Python has deleted.
    #[cfg(feature = "python")]
    Emptied,
}

/// The record that stays under the old id of a session that has moved to a new one.
pub(super) struct Forward {
    pub(super) to: SessionId,
    /// Until then requests are led there. Who ends the session is led there longer.
    pub(super) until: Timestamp,
}

/// A session under its new id. It is one from when the old id leads here: until then the session is
/// there, and whatever becomes of it there becomes of it.
pub(super) struct Arriving {
    pub(super) from: SessionId,
    pub(super) data: SessionData,
    pub(super) kept: Kept,
}

/// Reads a stored record, whichever codec it is in; `None` if it is damaged or foreign.
pub(super) fn read(stored: &Stored, codec: &SessionCodec) -> Option<Content> {
    let Record { header, payload } = Record::read(&stored.bytes)?;
    if header.codec != MOVE {
        let data = decode(header.codec, payload, codec)?;
        return Some(Content::Session(data, Kept::default()));
    }
    let (id, rest) = payload.split_at_checked(SessionId::LENGTH)?;
    let id = str::from_utf8(id).ok()?.parse().ok()?;
    Some(match rest.split_first() {
        None => Content::Forward(Forward { to: id, until: header.fresh_until? }),
        Some((tag, data)) => {
            let data = decode(*tag, data, codec)?;
            Content::Arriving(Arriving { from: id, data, kept: Kept::default() })
        }
    })
}

/// Decodes the data in a payload of this codec.
pub(super) fn decode(tag: u8, payload: &[u8], codec: &SessionCodec) -> Option<SessionData> {
    let bincode: &dyn Codec<SessionData> = &Bincode;
    let json: &dyn Codec<SessionData> = &Json;
    let codec = [&**codec, bincode, json].into_iter().find(|codec| codec.tag() == tag)?;
    codec.decode(payload).ok()
}

/// Builds the record of a session; `from` is the id that it is about to leave.
pub(super) fn session(
    data: &SessionData,
    from: Option<SessionId>,
    codec: &SessionCodec,
    stored_at: Timestamp,
    fresh_until: Option<Timestamp>,
) -> Result<Vec<u8>> {
    let Some(from) = from else {
        let header = Header { codec: codec.tag(), stored_at, fresh_until };
        return header.build(|bytes| codec.encode_into(data, bytes));
    };
    let header = Header { codec: MOVE, stored_at, fresh_until };
    header.build(|bytes| {
        bytes.extend(from.as_str().as_bytes());
        bytes.push(codec.tag());
        codec.encode_into(data, bytes)
    })
}

impl Forward {
    pub(super) fn record(&self, now: Timestamp) -> Vec<u8> {
        let header = Header { codec: MOVE, stored_at: now, fresh_until: Some(self.until) };
        let append = |bytes: &mut Vec<u8>| {
            bytes.extend(self.to.as_str().as_bytes());
            Ok::<(), Infallible>(())
        };
        header.build(append).unwrap_or_else(|never| match never {})
    }
}

/// A session that may be used, as it is stored.
pub(crate) struct Found {
    /// The id that it has now.
    pub(super) id: SessionId,
    pub(super) data: SessionData,
    pub(super) kept: Kept,
    pub(super) version: Version,
}

/// Where a session came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// It is new, because the visitor sent no session cookie.
    New,
    /// It was loaded from the store.
    Loaded,
    /// It is new, because the visitor's cookie was rejected for this reason.
    Rejected(Rejection),
    /// The store could not be reached, so the visitor's session is unknown: the session is empty, cannot be
    /// saved, and leaves the visitor's cookie as it is. See [`OnStoreFailure::Empty`](super::OnStoreFailure).
    Unavailable,
}

/// Why a cookie was rejected. None of these reasons is an error for the visitor, who gets a new session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rejection {
    /// The signature is not valid: the cookie is forged, truncated, or signed with a key that was removed.
    Signature,
    /// The signed text is not a session id.
    Id,
    /// No session is stored under the id: it was deleted, or has expired.
    Unknown,
    /// The session has just moved to a new id, and no [`grace`](crate::session::Sessions::grace) period is
    /// set in which the old id leads to it. The cookie with the new id may be on its way to the browser, so
    /// this cookie is not removed there.
    Moved,
    /// The stored record is damaged, or written in an unknown codec.
    Damaged,
    /// The idle timeout has passed.
    TimedOut,
    /// The absolute timeout has passed.
    TooOld,
}
