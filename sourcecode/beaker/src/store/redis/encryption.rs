//! [`Encryption`]: whether a url asks for TLS, and by which parameters; named as redis-py does, whose
//! urls Beaker takes.

use crate::error::{Error, Result};
use crate::store::parameters::Parameters;
#[cfg(feature = "redis-tls")]
use crate::store::tls::{Files, Tls};

/// How a connection is kept from others.
#[derive(Debug, Clone)]
pub(super) enum Encryption {
    None,
    #[cfg(feature = "redis-tls")]
    Tls(Tls),
}

impl Encryption {
    pub(super) const PARAMETERS: [&str; 4] =
        ["ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs"];

    /// Takes the parameters that are about it.
    pub(super) fn read(encrypted: bool, parameters: &mut Parameters) -> Result<Encryption> {
        if encrypted {
            return Encryption::tls(parameters);
        }
        match Encryption::PARAMETERS.into_iter().find(|name| parameters.take(name).is_some()) {
            None => Ok(Encryption::None),
            Some(name) => Err(Error::config(format!(
                "`{name}` in the url of redis is about TLS; write `rediss://` for that"
            ))),
        }
    }

    #[cfg(feature = "redis-tls")]
    fn tls(parameters: &mut Parameters) -> Result<Encryption> {
        let [authorities, certificate, key, checks] = Encryption::PARAMETERS;
        let files = Files::take(parameters, [authorities, certificate, key]);
        match parameters.take(checks).as_deref() {
            None | Some("required") => Tls::new(&files).map(Encryption::Tls),
            Some(other) => Err(Error::config(format!(
                "`{checks}={other}`: the server's certificate is always checked; name the file of \
                 the authority that signed it as `{authorities}`"
            ))),
        }
    }

    #[cfg(not(feature = "redis-tls"))]
    fn tls(_: &mut Parameters) -> Result<Encryption> {
        Err(Error::config(
            "TLS to redis is not compiled in; turn on the feature `redis-tls` of the crate `beaker`",
        ))
    }
}
