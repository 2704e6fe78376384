//! [`Keys`]: secrets that are not shown.

use std::fmt;

use crate::config::redact::redact;
use crate::config::words;

/// The keys of an option such as `session.secret`, newest first. `Debug` and `Display` say how long
/// the text is, and nothing else.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys(String);

impl Keys {
    /// Keys with `,` between them. So a key has no comma in it, and no white space around it.
    pub(super) fn new(text: &str) -> Keys {
        Keys(text.to_owned())
    }

    /// The keys, newest first.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        words::list(&self.0)
    }
}

impl fmt::Display for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redact(&self.0))
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
