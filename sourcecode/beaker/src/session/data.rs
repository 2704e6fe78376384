//! [`SessionData`]: the stored form of a session.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::codec::{Bincode, Codec, Json};
use crate::record::Record;
use crate::store::Stored;
use crate::value::Values;

/// What is stored of a session. Its order of fields is the order in every record stored so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionData {
    /// When the session began.
    pub created: Timestamp,
    /// When it was last used.
    pub accessed: Timestamp,
    /// What it holds.
    pub values: Values,
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
