//! Telling whoever runs the server what went wrong. The visitor is told nothing of it.

use crate::error::Error;

/// An error that nobody else gets to see: an event of `tracing` (feature of that name; the target is
/// `beaker::middleware`), or a line of the standard error output.
pub(super) fn log(what: &str, error: &Error) {
    #[cfg(feature = "tracing")]
    tracing::error!(target: "beaker::middleware", error = ?error, "{what}");
    #[cfg(not(feature = "tracing"))]
    eprintln!("beaker: {what}: {error:?}");
}
