//! What to do when TLS could not be agreed on.

use std::error::Error;
use std::io;
use std::sync::Arc;

use rustls::{AlertDescription, Error as Cause};

use crate::error::ErrorKind;

/// What it means if TLS is behind an error, and what to do about it.
pub(in crate::store) fn advice(error: &(dyn Error + 'static)) -> Option<(ErrorKind, &'static str)> {
    let hint = match cause(error)? {
        Cause::InvalidCertificate(_) | Cause::NoCertificatesPresented => {
            "its certificate is none to trust under that name: does the url name the server as the \
             certificate does, and the file of the authority that signed it?"
        }
        Cause::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::HandshakeFailure,
        ) => "it does not take our certificate, or wants one: name it in the url, with its key",
        _ => "does it speak TLS there?",
    };
    Some((ErrorKind::Config, hint))
}

/// The error of TLS in a chain of errors, some of which do not say what they were made of.
fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Cause> {
    let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    let shared = error.downcast_ref::<Arc<dyn Error + Send + Sync>>();
    match (inner, shared) {
        (Some(inner), _) => cause(inner),
        (_, Some(shared)) => cause(&**shared),
        _ => error.downcast_ref().or_else(|| cause(error.source()?)),
    }
}
