//! [`Files`]: the certificates and the key that a url names.

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::error::{Error, Result};
use crate::store::parameters::Parameters;

/// Files in PEM: authorities to trust, our certificate, and its key. Each is a parameter of the url,
/// which the clients of each server have names of their own for.
#[derive(Debug)]
pub(in crate::store) struct Files {
    names: [&'static str; 3],
    paths: [Option<String>; 3],
}

/// A certificate with those above it, and its key.
type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

impl Files {
    /// Takes the parameters of these names: authorities, certificate, key.
    pub(in crate::store) fn take(parameters: &mut Parameters, names: [&'static str; 3]) -> Files {
        Files { names, paths: names.map(|name| parameters.take(name)) }
    }

    pub(super) fn names(&self) -> [&'static str; 3] {
        self.names
    }

    /// The authorities to trust; `None` for those of the system.
    pub(super) fn authorities(&self) -> Result<Option<Vec<CertificateDer<'static>>>> {
        match self.paths[0].as_deref() {
            // As PostgreSQL's own client has it.
            None | Some("system") => Ok(None),
            Some(path) => certificates(path).map(Some),
        }
    }

    /// What we show of ourselves, if we do. The key may be in the file of the certificate.
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
