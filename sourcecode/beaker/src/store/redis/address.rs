//! [`Address`]: the URL of a server, with its login and whether it uses TLS.

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo};

use crate::error::{Error, Result};
use crate::store::parameters::Parameters;
#[cfg(feature = "redis-tls")]
use crate::store::tls::{Files, Tls};

/// Where a server is, and how to log in there.
#[derive(Debug, Clone)]
pub(super) struct Address {
    host: String,
    port: u16,
    /// The user, the password and the database.
    pub(super) login: RedisConnectionInfo,
    pub(super) encryption: Encryption,
}

/// The servers of a store.
#[derive(Debug, Clone)]
pub(super) enum Target {
    One(Address),
    /// Some servers of a cluster, at least one.
    Cluster(Vec<Address>),
    /// Sentinels, at least one, and the master: its host is the name by which the sentinels know it.
    Sentinels(Vec<Address>, Address),
}

impl Address {
    /// Parses `redis://user:password@host:port/database`; the scheme is optional. With `rediss`, TLS is
    /// used, and parameters may follow.
    pub(super) fn parse(url: &str) -> Result<Address> {
        let url = url.trim();
        let wrong = || {
            Error::config(format!(
                "`{}` is no redis address; write `redis://user:password@host:port/database`, or \
                 `rediss://` for TLS, of which only the host is needed (a `/` in a password is `%2F`)",
                shown(url)
            ))
        };
        let (place, mut parameters) = Parameters::split(url);
        let (scheme, rest) = place.split_once("://").unwrap_or(("redis", place));
        let encrypted = match scheme.to_ascii_lowercase().as_str() {
            "redis" | "valkey" => false,
            "rediss" | "valkeys" => true,
            _ => return Err(wrong()),
        };
        let encryption = Encryption::read(encrypted, &mut parameters)?;
        if let Some(name) = parameters.left_over() {
            let known = Encryption::PARAMETERS.join("`, `");
            let what = format!("the url of redis has no parameter `{name}`; it has `{known}`");
            return Err(Error::config(what));
        }
        let plain = format!("redis://{rest}");
        let info: ConnectionInfo =
            plain.into_connection_info().map_err(|error| wrong().caused_by(error))?;
        match info.addr() {
            ConnectionAddr::Tcp(host, port) if !host.is_empty() && !rest.contains(['#', '?']) => {
                let (host, port, login) = (host.clone(), *port, info.redis_settings().clone());
                Ok(Address { host, port, login, encryption })
            }
            _ => Err(wrong()),
        }
    }

    /// Parses several URLs with `,` or `;` between them.
    pub(super) fn parse_all(urls: &str) -> Result<Vec<Address>> {
        let urls = urls.split([',', ';']).map(str::trim).filter(|url| !url.is_empty());
        let all = urls.map(Address::parse).collect::<Result<Vec<_>>>()?;
        let is_plain = |it: &&Address| matches!(it.encryption, Encryption::None);
        match all.iter().filter(is_plain).count() {
            _ if all.is_empty() => Address::parse("").map(|one| vec![one]),
            plain if plain == 0 || plain == all.len() => Ok(all),
            // The servers report one another, and are all reached in the same way.
            _ => Err(Error::config(
                "some of these redis servers are to be reached over TLS, and some are not; \
                 write `rediss://` before each",
            )),
        }
    }

    /// Parses the master behind sentinels: `redis://user:password@name/database`, where only the name is
    /// required: the one by which the sentinels know it.
    pub(super) fn parse_master(url: &str) -> Result<Address> {
        Address::parse(url).map_err(|error| {
            let what = "the master behind the sentinels is written as \
                        `redis://user:password@name/database`, of which only the name that they know \
                        it by is needed";
            Error::config(what).caused_by(error)
        })
    }

    pub(super) fn place(&self) -> (&str, u16) {
        (&self.host, self.port)
    }

    /// Returns another server with the same users.
    pub(super) fn moved_to(&self, host: &str, port: u16) -> Address {
        Address { host: host.to_owned(), port, ..self.clone() }
    }

    /// Returns `host:port`.
    pub(super) fn text(&self) -> String {
        ConnectionAddr::Tcp(self.host.clone(), self.port).to_string()
    }
}

/// Whether and how a connection is encrypted.
#[derive(Debug, Clone)]
pub(super) enum Encryption {
    None,
    #[cfg(feature = "redis-tls")]
    Tls(Tls),
}

impl Encryption {
    const PARAMETERS: [&str; 4] = ["ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs"];

    /// Takes the parameters that concern encryption.
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

/// The text before the `@` may be a password.
fn shown(url: &str) -> &str {
    url.rsplit_once('@').map_or(url, |(_, place)| place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        let address = |url: &str| Address::parse(url).unwrap().text();
        assert_eq!(address("redis://10.0.0.1:1234/"), "10.0.0.1:1234");
        assert_eq!(address("host"), "host:6379");
        assert_eq!(address(" redis://u:p@host:1/2"), "host:1");
        assert_eq!(address("valkey://host"), "host:6379");
        assert_eq!(Address::parse_all("a; b:2 ,redis://c/;").unwrap().len(), 3);
        for wrong in
            ["", "http://a/", "redis://a:port", "redis://", "unix:///tmp/s", "redis://a/#insecure"]
        {
            let message = Address::parse(wrong).unwrap_err().to_string();
            assert!(message.contains(&format!("`{wrong}`")), "{message}");
        }
        for url in ["redis://u:secret@h:x", "redis://:pa?secret@h:1/0", "redis://:a/secret@h"] {
            let message = Address::parse(url).unwrap_err();
            assert!(!format!("{message:?}").contains("secret"), "{message:?}");
        }
        assert!(Address::parse_all(";").is_err());
        assert!(
            Address::parse("redis://h?ssl_ca_certs=/a@b").is_err(),
            "what is ignored is refused"
        );
    }

    #[track_caller]
    fn refused(url: &str, wanted: &str) {
        let message = Address::parse(url).unwrap_err().to_string();
        assert!(message.contains(wanted), "{url}: {message}");
    }

    #[test]
    fn parameters_that_mean_nothing_are_refused() {
        refused("redis://a/?db=1", "no parameter `db`");
        refused("redis://a/?ssl_ca_certs=/x.pem", "`rediss://`");
    }

    #[cfg(not(feature = "redis-tls"))]
    #[test]
    fn tls_that_is_not_compiled_in_says_so() {
        refused("rediss://a", "the feature `redis-tls`");
    }

    #[cfg(feature = "redis-tls")]
    #[test]
    fn a_cluster_is_over_tls_or_is_not() {
        let mixed = Address::parse_all("redis://a,rediss://b").unwrap_err().to_string();
        // If the system has no authorities, that error comes first.
        assert!(mixed.contains("before each") || mixed.contains("ssl_ca_certs"), "{mixed}");
    }

    #[cfg(feature = "redis-tls")]
    #[test]
    fn tls_always_checks_the_certificate() {
        refused("rediss://a/?ssl_cert_reqs=none", "always checked");
        refused("rediss://a/#insecure", "no redis address");
        refused("rediss://a/?ssl_ca_certs=/none.pem", "`/none.pem`");
    }
}
