//! [`Server`]: the PostgreSQL server of a URL, with the login and whether it uses TLS.

use tokio::task::JoinHandle;
use tokio_postgres::config::{Host, SslMode, SslNegotiation};
use tokio_postgres::{Client, Config, Error as ClientError, NoTls};

use crate::error::{Error, Result};
use crate::store::parameters::Parameters;

/// Names of files for TLS: authorities, client certificate, its key.
const FILES: [&str; 3] = ["sslrootcert", "sslcert", "sslkey"];

/// Everything that a connection needs.
pub(in crate::store::database) struct Server {
    config: Config,
    #[cfg(feature = "postgres-tls")]
    tls: Option<tokio_postgres_rustls::MakeRustlsConnect>,
}

impl Server {
    /// Parses `postgres://user:password@host:port/database` and parameters, which have the same names as in
    /// PostgreSQL's own client. A URL may contain a password, so it is never part of a message.
    pub(in crate::store::database) fn parse(url: &str) -> Result<Server> {
        let (place, mut parameters) = Parameters::split(url);
        let mode = parameters.take("sslmode");
        let encrypted = match mode.as_deref() {
            // An attacker in between could turn `prefer` into no encryption.
            None | Some("disable" | "allow" | "prefer") => false,
            Some("require" | "verify-ca" | "verify-full") => true,
            Some(other) => {
                let what = format!("`sslmode={other}` in the url of PostgreSQL");
                let known = "there are `disable` and `verify-full`, which `require` is here too";
                return Err(Error::config(format!("{what}: {known}")));
            }
        };
        let files = FILES.map(|name| (name, parameters.has(name)));
        if let (None, Some((name, _))) = (&mode, files.into_iter().find(|(_, given)| *given)) {
            let what = format!("`{name}` in the url of PostgreSQL is about TLS");
            return Err(Error::config(what + "; write `sslmode=verify-full` for that"));
        }
        #[cfg(feature = "postgres-tls")]
        let tls = tls::read(encrypted, &mut parameters)?;
        #[cfg(not(feature = "postgres-tls"))]
        if encrypted {
            return Err(Error::config(
                "TLS to PostgreSQL is not compiled in; turn on the feature `postgres-tls` of the \
                 crate `beaker`",
            ));
        }
        let config = parameters.append_to(place).parse::<Config>();
        let mut config = config.map_err(|error| {
            let wanted = "`postgres://user:password@host:port/database`";
            let what = format!("this is no address of PostgreSQL; write {wanted}");
            Error::config(what).caused_by(error)
        })?;
        if !encrypted && config.get_ssl_negotiation() == SslNegotiation::Direct {
            let what = "`sslnegotiation=direct` in the url of PostgreSQL is about TLS";
            return Err(Error::config(format!("{what}; write `sslmode=verify-full` for that")));
        }
        config.ssl_mode(if encrypted { SslMode::Require } else { SslMode::Disable });
        if config.get_hosts().is_empty() {
            return Err(Error::config("the url of PostgreSQL names no host"));
        }
        Ok(Server {
            config,
            #[cfg(feature = "postgres-tls")]
            tls,
        })
    }

    /// Returns `host:port`, for messages.
    pub(in crate::store::database) fn place(&self) -> String {
        let port = self.config.get_ports().first().copied().unwrap_or(5432);
        match self.config.get_hosts().first() {
            Some(Host::Tcp(name)) => format!("{name}:{port}"),
            #[cfg(unix)]
            Some(Host::Unix(path)) => format!("{}:{port}", path.display()),
            None => String::new(),
        }
    }

    /// Connects. The returned task reads and writes the socket, on the current runtime.
    pub(in crate::store::database) async fn connect(
        &self,
    ) -> Result<(Client, JoinHandle<()>), ClientError> {
        #[cfg(feature = "postgres-tls")]
        if let Some(tls) = &self.tls {
            let (client, connection) = self.config.connect(tls.clone()).await?;
            return Ok((client, drive(connection)));
        }
        let (client, connection) = self.config.connect(NoTls).await?;
        Ok((client, drive(connection)))
    }
}

/// Waiting callers receive the reason why the task ended.
fn drive(
    connection: impl Future<Output = Result<(), ClientError>> + Send + 'static,
) -> JoinHandle<()> {
    tokio::spawn(async move { drop(connection.await) })
}

#[cfg(feature = "postgres-tls")]
mod tls {
    use tokio_postgres_rustls::MakeRustlsConnect;

    use super::{FILES, Parameters};
    use crate::error::Result;
    use crate::store::tls::{Files, Tls};

    pub(super) fn read(
        encrypted: bool,
        parameters: &mut Parameters,
    ) -> Result<Option<MakeRustlsConnect>> {
        let files = Files::take(parameters, FILES);
        if !encrypted {
            return Ok(None);
        }
        let mut config = Tls::new(&files)?.config().as_ref().clone();
        // Required if TLS begins with the first byte.
        config.alpn_protocols = vec![b"postgresql".to_vec()];
        Ok(Some(MakeRustlsConnect::new(config)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(url: &str, wanted: &str) {
        let message = Server::parse(url).err().unwrap().to_string();
        assert!(message.contains(wanted), "{url}: {message}");
        assert!(!message.contains("secret"), "{message}");
    }

    #[test]
    fn urls() {
        let place = |url: &str| Server::parse(url).ok().unwrap().place();
        assert_eq!(place("postgres://u:p@h/d"), "h:5432");
        assert_eq!(place("postgres://h:1/d?sslmode=disable&application_name=a"), "h:1");
        assert_eq!(place("postgres://one:1,two:2/d?target_session_attrs=read-write"), "one:1");
        refused("postgres://u:secret@h:x/d", "no address of PostgreSQL");
        refused("postgres:///d", "names no host");
        refused("postgres://u:secret@h/d?sslmode=always", "`sslmode=always`");
        refused("postgres://u:secret@h/d?no_such=1", "no address of PostgreSQL");
        refused("postgres://u:secret@h/d?sslrootcert=system", "`sslmode=verify-full`");
        refused("postgres://u:secret@h/d?sslnegotiation=direct", "`sslmode=verify-full`");
    }

    #[cfg(not(feature = "postgres-tls"))]
    #[test]
    fn tls_that_is_not_compiled_in_says_so() {
        refused("postgres://h/d?sslmode=require", "the feature `postgres-tls`");
    }

    #[cfg(feature = "postgres-tls")]
    #[test]
    fn files_are_read_when_it_is_opened() {
        refused("postgres://h/d?sslmode=verify-full&sslrootcert=/none.pem", "`/none.pem`");
        refused("postgres://h/d?sslmode=require&sslkey=/none.pem", "no `sslcert`");
    }
}
