//! [`Error`]: what was tried, on what, and what to do next.

use std::error::Error as StdError;
use std::fmt;

/// The result of everything in this library that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An opaque error. [`kind`](Error::kind) tells what a program can do about it, the message tells
/// a person, and [`source`](StdError::source) is always the original error.
///
/// `Debug` prints the message and its causes, so that `fn main() -> beaker::Result<()>` ends with
/// a sentence and not with a structure.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What went wrong, as far as a program can act on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A name, option or key in the program or its configuration is wrong: mend it and start again.
    Config,
    /// A server did not answer within its deadline, or refused: a later call may work.
    Unavailable,
    /// The operating system or a server refused to store or to read: a folder that cannot be
    /// written, a full disk.
    Storage,
    /// The value is larger than the store takes.
    TooLarge,
    /// A value has no form in the codec, or the bytes are not what the type says.
    Codec,
    /// The session has no such key.
    MissingKey,
    /// No session is stored under that id.
    UnknownSession,
    /// The session was deleted, or had its id changed, while this handle was open.
    SessionGone,
    /// Others kept writing the same record, and the bounded number of tries is used up.
    Conflict,
    /// What a cache's value is made by failed, in a call that this one waited for.
    Creation,
    /// The thread asked for a lock that it holds already.
    WouldDeadlock,
    /// The application that a middleware wraps failed.
    Application,
}

impl Error {
    /// An error of this kind; the message says what was tried, on what, and what to do.
    ///
    /// For backends and applications outside this crate.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error(Box::new(Inner { kind, message: message.into(), source: None }))
    }

    /// The same, caused by another error.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
        self.0.source = Some(source.into());
        self
    }

    /// What a program can act on.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The same with another text where `rewrite` has one: for what must not be shown. A cause whose text
    /// is rewritten becomes a text alone.
    pub(crate) fn rewritten(mut self, rewrite: impl Fn(&str) -> Option<String>) -> Error {
        if let Some(message) = rewrite(&self.0.message) {
            self.0.message = message;
        }
        let causes = self.0.source.as_deref().map(|source| chain(source.to_string(), source));
        if let Some(causes) = causes.and_then(|causes| rewrite(&causes)) {
            self.0.source = Some(causes.into());
        }
        self
    }

    pub(crate) fn config(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Config, message)
    }

    pub(crate) fn codec(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Codec, message)
    }

    pub(crate) fn storage(message: impl Into<String>, source: std::io::Error) -> Error {
        Error::new(ErrorKind::Storage, message).caused_by(source)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&chain(self.0.message.clone(), self))
    }
}

/// The text and what the error was caused by.
fn chain(mut text: String, error: &dyn StdError) -> String {
    let mut cause = error.source();
    while let Some(error) = cause {
        // Some errors repeat their causes in their own text.
        let reason = error.to_string();
        if !text.ends_with(&reason) {
            text = text + ": " + &reason;
        }
        cause = error.source();
    }
    text
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_is_the_message_and_its_causes() {
        let cause = std::io::Error::other("disk full");
        let error = Error::storage("could not write `a.cache`; free some space", cause);
        assert_eq!(format!("{error}"), "could not write `a.cache`; free some space");
        assert_eq!(format!("{error:?}"), "could not write `a.cache`; free some space: disk full");
        assert_eq!(error.kind(), ErrorKind::Storage);
    }

    #[test]
    fn what_must_not_be_shown_is_rewritten_in_the_causes_too() {
        let hide = |text: &str| text.contains("secret").then(|| text.replace("secret", "…"));
        let cause = || std::io::Error::other("no secret");
        let error = Error::storage("secret a", cause()).rewritten(hide);
        assert_eq!((format!("{error}"), format!("{error:?}")), ("… a".into(), "… a: no …".into()));
        let nested = Error::codec("b").caused_by(Error::storage("c", cause())).rewritten(hide);
        assert_eq!(format!("{nested:?}"), "b: c: no …");
        let kept = Error::storage("d", std::io::Error::other("disk full")).rewritten(hide);
        assert!(kept.source().unwrap().is::<std::io::Error>());
    }

    #[test]
    fn crosses_threads() {
        fn check<T: Send + Sync + 'static>() {}
        check::<Error>();
    }
}
