//! The values of a session: reading and changing them, in memory alone.

use std::sync::Arc;

use super::Session;
use crate::error::Result;
use crate::value::{Value, Values};

impl Session {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.data.values.get(key)
    }

    /// The value of a key that has to be there.
    ///
    /// # Errors
    ///
    /// `ErrorKind::MissingKey`, with the key and the session's id; `ErrorKind::Codec` if it is
    /// [`unreadable`](Session::unreadable).
    pub fn require(&self, key: &str) -> Result<&Value> {
        self.get(key).ok_or_else(|| self.missing(key))
    }

    /// Is there such a key?
    pub fn contains(&self, key: &str) -> bool {
        self.data.values.contains_key(key)
    }

    /// All values, sorted by key.
    pub fn values(&self) -> &Values {
        &self.data.values
    }

    /// Sets a key. If somebody else sets it at the same time, the last to save wins. A key that is set to
    /// the value that it has had is not changed: there is nothing to save, and what somebody else saves
    /// there stays.
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<Value>) {
        self.changes.set(&mut self.data.values, key.into(), value.into());
    }

    /// Removes a key, and gives its value. Where no such key is, nothing is changed.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let removed = self.changes.remove(&mut self.data.values, key);
        if self.has_unreadable(key) {
            self.changes.note_removed(key);
        }
        removed
    }

    /// Replaces a value by what the function makes of it, and gives the new one. When it is saved,
    /// the function is applied to what is stored by then, so it may run more than once; two
    /// requests that add one to a counter make it two more.
    pub fn update<F, V>(&mut self, key: impl Into<String>, update: F) -> Value
    where
        F: Fn(Option<&Value>) -> V + Send + Sync + 'static,
        V: Into<Value>,
    {
        let update = Arc::new(move |old: Option<&Value>| update(old).into());
        self.changes.update(&mut self.data.values, key.into(), update)
    }

    /// Removes all keys.
    pub fn clear(&mut self) {
        self.changes.clear(&mut self.data.values, !self.unreadable.is_empty());
    }

    /// Undoes all changes since it was loaded or saved.
    pub fn revert(&mut self) {
        let values = std::mem::take(&mut self.data.values);
        self.data.values = self.changes.undo(values);
    }
}
