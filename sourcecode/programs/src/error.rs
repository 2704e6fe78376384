//! What goes wrong with programs.

use std::{error, fmt, io};

/// What kind of thing went wrong, for those who tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Something was asked for that is not there: a program's number, a workspace.
    Usage,
    /// A program does not compile, or there is no cargo.
    Build,
    /// A program crashed, or did not end in time, or said too much.
    Program,
    /// A server that a program needs is not there.
    Server,
    /// A file, a folder or a process of the system.
    System,
}

/// What was tried, on what, and what to do next.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn error::Error + Send + Sync>>,
}

/// A result with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error that has no cause but itself.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error { kind, message: message.into(), source: None }
    }

    /// What kind of thing went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// For `map_err`: the system refused something.
    pub(crate) fn system(message: impl Into<String>) -> impl FnOnce(io::Error) -> Error {
        Error::because(ErrorKind::System, message)
    }

    pub(crate) fn because<E: Into<Box<dyn error::Error + Send + Sync>>>(
        kind: ErrorKind,
        message: impl Into<String>,
    ) -> impl FnOnce(E) -> Error {
        move |source| Error { kind, message: message.into(), source: Some(source.into()) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.source.as_ref().map_or(Ok(()), |source| write!(f, ": {source}"))
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
