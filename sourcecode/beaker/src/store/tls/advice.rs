//! What to do when TLS could not be agreed on.

use std::error::Error;
use std::io;
use std::sync::Arc;

use rustls::{AlertDescription, CertificateError, Error as Cause};

use crate::error::ErrorKind;

/// What it means if TLS is behind an error, and what to do about it.
pub(in crate::store) fn advice(error: &(dyn Error + 'static)) -> Option<(ErrorKind, &'static str)> {
    use AlertDescription as Alert;
    let hint = match cause(error)? {
        Cause::InvalidCertificate(why) => distrust(why),
        Cause::AlertReceived(
            Alert::AccessDenied
            | Alert::BadCertificate
            | Alert::CertificateExpired
            | Alert::CertificateRequired
            | Alert::CertificateRevoked
            | Alert::CertificateUnknown
            | Alert::DecryptError
            | Alert::HandshakeFailure
            | Alert::UnknownCA
            | Alert::UnsupportedCertificate,
        ) => "it does not take our certificate, or wants one: name it in the url, with its key",
        _ => "does it speak TLS there?",
    };
    Some((ErrorKind::Config, hint))
}

/// Why a server's certificate is none to trust, and what to do.
fn distrust(why: &CertificateError) -> &'static str {
    use CertificateError as Why;
    match why {
        Why::NotValidForName | Why::NotValidForNameContext { .. } => {
            "its certificate is for another name: name the server in the url as the certificate does, \
             in its `subjectAltName`"
        }
        Why::Expired | Why::ExpiredContext { .. } => "its certificate has expired",
        Why::NotValidYet | Why::NotValidYetContext { .. } => {
            "its certificate is not valid yet: is the clock of this machine right?"
        }
        // What webpki says of it has no name of its own.
        Why::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity") => {
            "its certificate is an authority's own, which cannot be a server's: make one with \
             `basicConstraints=CA:FALSE`"
        }
        _ => {
            "its certificate is none to trust: does the url name the file of the authority that \
             signed it?"
        }
    }
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
