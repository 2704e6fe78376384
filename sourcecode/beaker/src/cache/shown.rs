//! [`Shown`]: a key for those who read errors and logs.

use std::fmt;

use super::Shared;

/// `key`, or `function(key)` in a cache that only one function has.
pub(super) struct Shown<'a> {
    function: Option<&'static str>,
    key: &'a [u8],
}

impl<V> Shared<V> {
    pub(super) fn shown<'a>(&self, key: &'a [u8]) -> Shown<'a> {
        Shown { function: self.function, key }
    }
}

impl Shown<'_> {
    /// Not more than the first bytes.
    #[cfg(feature = "tracing")]
    pub(super) fn cut(self, longest: usize) -> Self {
        Shown { key: &self.key[..self.key.len().min(longest)], ..self }
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.key.escape_ascii();
        match self.function {
            Some(function) => write!(f, "{function}({key})"),
            None => write!(f, "{key}"),
        }
    }
}
