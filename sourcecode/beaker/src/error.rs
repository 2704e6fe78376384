//! [`Error`]: the one error type, whose message says what was attempted, on what, and what to do next.

use std::error::Error as StdError;
use std::fmt;

/// The result of every operation of this library that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An opaque error. Its [`kind`](Error::kind) tells a program how to react, its message tells a person, and
/// its [`source`](StdError::source) is always the original error.
///
/// `Debug` prints the message and its causes as a sentence instead of a structure, so that a program with `fn
/// main() -> beaker::Result<()>` ends with a readable message.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The kinds of errors, as far as a program can react to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A name, option or key in the program or its configuration is wrong: correct it and start again.
    Config,
    /// A server did not answer within its deadline, or refused the connection: a later call may succeed.
    Unavailable,
    /// The operating system or a server could not read or store, because of a read-only folder or a full
    /// disk, for example.
    Storage,
    /// The value is larger than the store accepts.
    TooLarge,
    /// The codec cannot encode this value, or the bytes do not decode to the requested type.
    Codec,
    /// The session has no such key.
    MissingKey,
    /// No session is stored under this id.
    UnknownSession,
    /// The session was deleted, or moved to a new id, while this handle was open.
    SessionGone,
    /// Other writers changed the same record before each attempt, until the limit of attempts or time.
    Conflict,
    /// The loader of a cached value failed in another call, for whose result this call waited.
    Creation,
    /// The thread or task requested a lock that it already holds.
    WouldDeadlock,
    /// The application that a middleware wraps failed.
    Application,
}

impl Error {
    /// Creates an error of this kind. The message should say what was attempted, on what, and what to do.
    ///
    /// It is meant for backends and applications outside this crate.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error(Box::new(Inner { kind, message: message.into(), source: None }))
    }

    /// Adds the error that caused this one.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
        self.0.source = Some(source.into());
        self
    }

    /// Returns the kind of the error.
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
