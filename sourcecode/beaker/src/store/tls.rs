//! [`Tls`]: encrypted connections to servers whose identity is verified.
//!
//! The certificate of the server is always checked against the host name in the URL, because encryption
//! without that check does not protect against an attacker in between.

use std::error::Error as StdError;
use std::sync::Arc;
use std::{fmt, io};

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{AlertDescription, CertificateError, ClientConfig, Error as Cause, RootCertStore};

use super::parameters::Parameters;
use crate::error::{Error, ErrorKind, Result};

/// The authorities that a client trusts, and its own certificate.
#[derive(Clone)]
pub(super) struct Tls(Arc<ClientConfig>);

impl Tls {
    /// Reads these files as they are now. Without a file of authorities, the root certificates of the
    /// system are trusted.
    pub(super) fn new(files: &Files) -> Result<Tls> {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::config("TLS cannot be set up").caused_by(error))?
            .with_root_certificates(roots(files)?);
        let config = match files.identity()? {
            Some((chain, key)) => config.with_client_auth_cert(chain, key).map_err(|error| {
                let what = "the certificate and the key that the url names do not fit together";
                Error::config(what).caused_by(error)
            })?,
            None => config.with_no_client_auth(),
        };
        Ok(Tls(Arc::new(config)))
    }

    /// Returns the configuration for rustls.
    pub(super) fn config(&self) -> &Arc<ClientConfig> {
        &self.0
    }
}

fn roots(files: &Files) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    if let Some(authorities) = files.authorities()? {
        for authority in authorities {
            roots.add(authority).map_err(|error| {
                let what = "a certificate of an authority that the url names cannot be used";
                Error::config(what).caused_by(error)
            })?;
        }
        return Ok(roots);
    }
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let name = files.names()[0];
        let what = "the system has no certificates of authorities that could be trusted";
        let error = Error::config(format!("{what}; name a file of them in the url as `{name}`"));
        return Err(match found.errors.into_iter().next() {
            Some(cause) => error.caused_by(cause),
            None => error,
        });
    }
    Ok(roots)
}

/// Does not show the key.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

/// Files in PEM format: trusted authorities, the client's certificate and its key. Each is a parameter of
/// the URL, whose name depends on the kind of server.
#[derive(Debug)]
pub(super) struct Files {
    names: [&'static str; 3],
    paths: [Option<String>; 3],
}

/// A certificate with its chain, and its key.
type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

impl Files {
    /// Takes the parameters of these names: authorities, certificate, key.
    pub(super) fn take(parameters: &mut Parameters, names: [&'static str; 3]) -> Files {
        Files { names, paths: names.map(|name| parameters.take(name)) }
    }

    pub(super) fn names(&self) -> [&'static str; 3] {
        self.names
    }

    /// Returns the trusted authorities; `None` stands for those of the system.
    pub(super) fn authorities(&self) -> Result<Option<Vec<CertificateDer<'static>>>> {
        match self.paths[0].as_deref() {
            // As in PostgreSQL's own client.
            None | Some("system") => Ok(None),
            Some(path) => certificates(path).map(Some),
        }
    }

    /// Returns the client's certificate and key, if they are set. The key may be in the file of the
    /// certificate.
    pub(super) fn identity(&self) -> Result<Option<Identity>> {
        let [_, certificate, key] = &self.paths;
        let (certificate, key) = match (certificate, key) {
            (None, None) => return Ok(None),
            (Some(certificate), key) => (certificate, key.as_ref().unwrap_or(certificate)),
            (None, Some(_)) => {
                let [_, certificate, key] = self.names;
                let what =
                    format!("the url has `{key}` and no `{certificate}`, which it belongs to");
                return Err(Error::config(what));
            }
        };
        let read = PrivateKeyDer::from_pem_file(key).map_err(|error| unread("key", key, error))?;
        Ok(Some((certificates(certificate)?, read)))
    }
}

fn certificates(path: &str) -> Result<Vec<CertificateDer<'static>>> {
    let all = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let all = all.map_err(|error| unread("certificates", path, error))?;
    if all.is_empty() {
        return Err(Error::config(format!("the file `{path}` has no certificate in PEM")));
    }
    Ok(all)
}

fn unread(what: &str, path: &str, error: rustls::pki_types::pem::Error) -> Error {
    Error::config(format!("could not read the {what} for TLS, in PEM, from `{path}`"))
        .caused_by(error)
}

/// Explains an error that TLS has caused, and returns what to do about it.
pub(super) fn advice(error: &(dyn StdError + 'static)) -> Option<(ErrorKind, &'static str)> {
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

/// Explains why a server's certificate is not trusted, and what to do.
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
        // webpki has no named variant for this.
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

/// Finds the error of TLS in a chain of errors, some of which do not report their source.
fn cause<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Cause> {
    let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    let shared = error.downcast_ref::<Arc<dyn StdError + Send + Sync>>();
    match (inner, shared) {
        (Some(inner), _) => cause(inner),
        (_, Some(shared)) => cause(&**shared),
        _ => error.downcast_ref().or_else(|| cause(error.source()?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tls::Tls;

    #[track_caller]
    fn check(query: &str, wanted: &[&str]) {
        let (_, mut parameters) = Parameters::split(query);
        let files = Files::take(&mut parameters, ["ca", "cert", "key"]);
        let message = Tls::new(&files).unwrap_err().to_string();
        for part in wanted {
            assert!(message.contains(part), "{query}: {message}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        check("?ca=/none.pem", &["certificates", "`/none.pem`"]);
        check("?key=/none.pem", &["`key`", "no `cert`"]);
        check("?ca=Cargo.toml", &["`Cargo.toml`", "no certificate"]);
    }
}
