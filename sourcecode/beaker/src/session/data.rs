//! [`SessionData`]: the stored form of a session.

use std::convert::Infallible;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::SessionId;
use crate::clock::Timestamp;
use crate::codec::{Bincode, Codec, Json};
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

/// In the place of a codec's tag: the payload is the id that the session has now.
const FORWARD: u8 = 0;

/// What a stored record holds.
pub(super) enum Content {
    Session(SessionData),
    /// The session has this id now.
    Forward(SessionId),
}

/// What is in a stored record, whichever codec it is in; `None` if it is damaged or foreign.
pub(super) fn read(stored: &Stored, codec: &SessionCodec) -> Option<Content> {
    let Record { header, payload } = Record::read(&stored.bytes)?;
    if header.codec == FORWARD {
        return str::from_utf8(payload).ok()?.parse().ok().map(Content::Forward);
    }
    decode(header.codec, payload, codec).map(Content::Session)
}

/// The data in a payload of this codec.
pub(super) fn decode(tag: u8, payload: &[u8], codec: &SessionCodec) -> Option<SessionData> {
    let bincode: &dyn Codec<SessionData> = &Bincode;
    let json: &dyn Codec<SessionData> = &Json;
    let codec = [&**codec, bincode, json].into_iter().find(|codec| codec.tag() == tag)?;
    codec.decode(payload).ok()
}

/// The record that leads from an old id to the new one until then.
pub(super) fn forward(to: &SessionId, now: Timestamp, until: Timestamp) -> Vec<u8> {
    let header = Header { codec: FORWARD, stored_at: now, fresh_until: Some(until) };
    let append = |bytes: &mut Vec<u8>| {
        bytes.extend(to.as_str().as_bytes());
        Ok::<(), Infallible>(())
    };
    header.build(append).unwrap_or_else(|never| match never {})
}
