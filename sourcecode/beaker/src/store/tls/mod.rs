//! [`Tls`]: connections that nobody can read or change on their way, to servers that are who they say.
//!
//! The server's certificate is always checked, for the name in the url: a connection that is encrypted
//! to whoever answers is open to whoever gets between.

mod advice;
mod files;

use std::fmt;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};

pub(super) use advice::advice;
pub(super) use files::Files;

use crate::error::{Error, Result};

/// Whom a client trusts, and as whom it comes.
#[derive(Clone)]
pub(super) struct Tls(Arc<ClientConfig>);

impl Tls {
    /// With what these files hold, as they are now. Without a file of authorities, those that the
    /// system trusts.
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

    /// What rustls takes.
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

/// Says nothing of the key.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}
