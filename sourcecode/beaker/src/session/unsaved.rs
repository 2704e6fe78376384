//! Changes that nobody has saved are told of: forgetting `save` would be silent otherwise.

use super::plan::Intent;
use super::{Session, SessionId};

/// A session whose changes are dropped.
pub(crate) struct Unsaved<'a> {
    pub(crate) id: &'a SessionId,
    /// Never with their values.
    pub(crate) keys: Vec<&'a str>,
}

impl Session {
    /// What was changed, if nobody has asked to save it. Where saving has failed, the program was told so.
    pub(crate) fn unsaved(&self) -> Option<Unsaved<'_>> {
        let is_saved_by_itself = self.deferred && self.sessions.0.auto;
        let is_unsaved = self.intent == Intent::Leave && self.is_modified() && !is_saved_by_itself;
        is_unsaved.then(|| Unsaved { id: &self.id, keys: self.changes.keys(&self.data.values) })
    }
}

/// Of the session of a request the middleware tells, which knows the request.
impl Drop for Session {
    fn drop(&mut self) {
        if !self.deferred
            && !std::thread::panicking()
            && let Some(unsaved) = self.unsaved()
        {
            self.sessions.0.events.unsaved(&unsaved);
        }
    }
}
