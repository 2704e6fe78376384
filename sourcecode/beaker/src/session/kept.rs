//! [`Kept`]: what a session in Beaker's format has besides its values, and a save writes back.

use std::borrow::Cow;
#[cfg(feature = "cookies")]
use std::sync::Arc;

#[cfg(feature = "python")]
use crate::pickle::Pickle;

/// What was loaded with a session, is no value of it, and is written back as it was. Sessions in this
/// library's own format have nothing of the kind.
#[derive(Debug, Clone, Default)]
pub(super) struct Kept {
    pub(super) unreadable: Vec<Unreadable>,
    /// Of a record in JSON.
    #[cfg(feature = "cookies")]
    pub(super) place: Option<Arc<Place>>,
    /// Of a pickle: all of it.
    #[cfg(feature = "python")]
    pub(super) graph: Option<Arc<Pickle>>,
}

/// The domain and the path of a session's cookie, which Python may have set for this session alone; as JSON.
#[cfg(feature = "cookies")]
#[derive(Debug)]
pub(super) struct Place {
    pub(super) domain: String,
    pub(super) path: String,
}

impl Kept {
    /// Returns what remains of this when some entries are replaced.
    pub(super) fn without(&self, is_replaced: impl Fn(&Unreadable) -> bool) -> Cow<'_, Kept> {
        if !self.unreadable.iter().any(&is_replaced) {
            return Cow::Borrowed(self);
        }
        let mut kept = self.clone();
        kept.unreadable.retain(|entry| !is_replaced(entry));
        Cow::Owned(kept)
    }
}

/// An entry of a session in Beaker's format that no [`Value`](crate::Value) can hold, such as an integer
/// beyond 64 bits. It is kept and saved again unchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The key as Python writes it: of JSON, with its quotes.
    pub(super) quoted: String,
    /// `None` if it is no Unicode, or no text.
    pub(super) key: Option<String>,
    pub(super) text: String,
    pub(super) why: Cow<'static, str>,
}

impl Unreadable {
    /// Returns the key. A key that is not valid Unicode is returned as it is written, such as `\ud800`.
    #[must_use]
    pub fn key(&self) -> &str {
        self.key.as_deref().unwrap_or_else(|| self.quoted.trim_matches('"'))
    }

    /// Returns what Python has stored, as text: JSON with `NaN`, `Infinity` and integers of any size; of a
    /// pickle, a description such as `datetime.date(…)`.
    #[doc(alias = "json")]
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the reason why no value can hold this entry.
    #[must_use]
    pub fn why(&self) -> &str {
        &self.why
    }

    pub(super) fn has_key(&self, key: &str) -> bool {
        self.key.as_deref() == Some(key)
    }
}
