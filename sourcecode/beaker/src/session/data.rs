//! [`SessionData`]: the stored form of a session.

use std::convert::Infallible;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::SessionId;
use crate::clock::Timestamp;
use crate::codec::{Bincode, Codec, Json};
use crate::error::Result;
use crate::record::{Header, Record};
use crate::store::Stored;
use crate::value::Values;

/// What is stored of a session.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionData {
    /// When the session began.
    pub created: Timestamp,
    /// When it was last used.
    pub accessed: Timestamp,
    /// What it holds.
    pub values: Values,
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
    Session(SessionData),
    Forward(Forward),
    Arriving(Arriving),
}

/// What stays under the old id of a session that has a new one.
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
}

/// What is in a stored record, whichever codec it is in; `None` if it is damaged or foreign.
pub(super) fn read(stored: &Stored, codec: &SessionCodec) -> Option<Content> {
    let Record { header, payload } = Record::read(&stored.bytes)?;
    if header.codec != MOVE {
        return decode(header.codec, payload, codec).map(Content::Session);
    }
    let (id, rest) = payload.split_at_checked(SessionId::LENGTH)?;
    let id = str::from_utf8(id).ok()?.parse().ok()?;
    Some(match rest.split_first() {
        None => Content::Forward(Forward { to: id, until: header.fresh_until? }),
        Some((tag, data)) => {
            Content::Arriving(Arriving { from: id, data: decode(*tag, data, codec)? })
        }
    })
}

/// The data in a payload of this codec.
pub(super) fn decode(tag: u8, payload: &[u8], codec: &SessionCodec) -> Option<SessionData> {
    let bincode: &dyn Codec<SessionData> = &Bincode;
    let json: &dyn Codec<SessionData> = &Json;
    let codec = [&**codec, bincode, json].into_iter().find(|codec| codec.tag() == tag)?;
    codec.decode(payload).ok()
}

/// The record of a session; `from` is the id that it is about to leave.
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
