//! Sessions as Python's Beaker writes them: one dictionary with the values of the program and, under names
//! that begin with `_`, what Beaker keeps itself. It is JSON, packed by zlib, or a pickle.
//!
//! What no [`Value`](crate::Value) can hold goes back as Python wrote it.

mod json;
#[cfg(feature = "python")]
mod pickled;
#[cfg(feature = "python")]
mod record;

#[cfg(feature = "python")]
pub use record::BeakerFormat;

use super::id::SessionId;
use super::kept::Kept;
use super::stored::SessionData;
use crate::clock::Timestamp;
use crate::cookie::CookieOptions;
use crate::error::{Error, Result};
use crate::value::{Value, Values};

/// The names of Beaker's own entries.
const DOMAIN: &str = "_domain";
const PATH: &str = "_path";
const ID: &str = "_id";
const CREATED: &str = "_creation_time";
const ACCESSED: &str = "_accessed_time";
const RESERVED: [&str; 5] = [DOMAIN, PATH, ID, CREATED, ACCESSED];

/// How Beaker turns a session into bytes: its `data_serializer`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Serializer {
    #[default]
    Json,
    #[cfg(feature = "python")]
    Pickle,
}

/// A session to be written.
pub(super) struct Written<'a> {
    /// In a cookie, where it stands among the values.
    pub(super) id: Option<&'a SessionId>,
    /// The cookie whose path and domain Beaker repeats.
    pub(super) cookie: &'a CookieOptions,
    pub(super) data: &'a SessionData,
    pub(super) kept: &'a Kept,
    /// What is noted about a move to another id.
    pub(super) note: Option<(&'static str, String)>,
}

/// A session as it was read.
pub(super) struct Decoded {
    pub(super) id: Option<SessionId>,
    pub(super) created: Option<Timestamp>,
    pub(super) accessed: Option<Timestamp>,
    pub(super) values: Values,
    pub(super) kept: Kept,
}

impl Serializer {
    pub(super) fn encode(self, written: &Written<'_>) -> Result<Vec<u8>> {
        if let Some(key) = RESERVED.into_iter().find(|key| written.data.values.contains_key(*key)) {
            return Err(Error::config(format!(
                "the key `{key}` is one of Beaker's own in its format, and cannot hold a value of the \
                 program; give the value another key"
            )));
        }
        match self {
            Serializer::Json => json::encode(written),
            #[cfg(feature = "python")]
            Serializer::Pickle => pickled::encode(written),
        }
    }

    /// Returns the reason if Beaker has not made this.
    pub(super) fn decode(self, bytes: &[u8], is_in_cookie: bool) -> Result<Decoded, String> {
        match self {
            Serializer::Json => json::decode(bytes, is_in_cookie).map_err(str::to_owned),
            #[cfg(feature = "python")]
            Serializer::Pickle => pickled::decode(bytes),
        }
    }
}

/// Python's time: seconds since 1970.
fn seconds(time: Timestamp) -> f64 {
    time.as_micros() as f64 / 1e6
}

fn moment(seconds: &Value) -> Option<Timestamp> {
    let micros = seconds.as_float()? * 1e6;
    (0.0..9e18).contains(&micros).then(|| Timestamp::from_micros(micros.round() as u64))
}
