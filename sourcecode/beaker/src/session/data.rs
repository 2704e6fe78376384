//! [`SessionData`]: the stored form of a session.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::clock::Timestamp;
use crate::codec::{Bincode, Codec, Json};
use crate::record::Record;
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

/// The data in a stored record, whichever codec it is in; `None` if it is damaged or foreign.
pub(super) fn read(stored: &Stored, codec: &SessionCodec) -> Option<SessionData> {
    let record = Record::read(&stored.bytes)?;
    let bincode: &dyn Codec<SessionData> = &Bincode;
    let json: &dyn Codec<SessionData> = &Json;
    let codecs = [&**codec, bincode, json];
    let codec = codecs.into_iter().find(|codec| codec.tag() == record.header.codec)?;
    codec.decode(record.payload).ok()
}
