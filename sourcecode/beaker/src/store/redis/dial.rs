//! Opening a multiplexed connection. Its socket is ours to open, since the client's own way over TLS asks
//! for settings of the whole process, and reads the system's authorities each time.

use std::io;
use std::net::SocketAddr;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, RedisResult};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use super::address::Address;
use super::address::Encryption;
use super::failure;
use super::until::{part, within};

/// So many commands wait in a connection's queue before whoever comes next waits for room in it.
const QUEUE: usize = 1024;

/// Connects, says the password and chooses the database, if the URL has these. The task moves what is
/// said and answered, and ends with the connection.
pub(super) async fn dial(
    address: &Address,
    until: Instant,
) -> RedisResult<(MultiplexedConnection, JoinHandle<()>)> {
    let stream = within(until, connect(address.place(), until)).await?;
    match &address.encryption {
        Encryption::None => log_in(address, stream, until).await,
        #[cfg(feature = "redis-tls")]
        Encryption::Tls(tls) => {
            let host = address.place().0.to_owned();
            let host = host
                .try_into()
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
            let connector = tokio_rustls::TlsConnector::from(tls.config().clone());
            let agreed = timeout_at(until, connector.connect(host, stream)).await;
            // One that speaks no TLS may wait for more, and say nothing.
            let agreed = agreed.map_err(|_| {
                let what = "it did not agree on TLS in time; does it speak TLS there?";
                io::Error::new(io::ErrorKind::TimedOut, what)
            });
            log_in(address, agreed??, until).await
        }
    }
}

/// Tries all addresses that the host's name stands for.
async fn connect(place: (&str, u16), until: Instant) -> RedisResult<TcpStream> {
    let addresses: Vec<SocketAddr> = lookup_host(place).await?.collect();
    let mut last = io::ErrorKind::NotFound.into();
    for (tried, address) in addresses.iter().enumerate() {
        let time = part(until, addresses.len() - tried);
        match timeout_at(time, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(last.into())
}

async fn log_in(
    address: &Address,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    until: Instant,
) -> RedisResult<(MultiplexedConnection, JoinHandle<()>)> {
    // Each operation has a deadline of its own.
    let config = AsyncConnectionConfig::new().set_response_timeout(None);
    let config = config.set_pipeline_buffer_size(QUEUE);
    let login = match address.encryption {
        Encryption::None => address.login.clone().set_skip_set_lib_name(),
        // A server refuses our certificate after we have agreed on TLS: in place of its first answer, which
        // must be awaited here, where that is told. So something is said to it.
        #[cfg(feature = "redis-tls")]
        Encryption::Tls(_) => {
            address.login.clone().set_lib_name(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
        }
    };
    let opened = MultiplexedConnection::new_with_config(&login, stream, config);
    let (connection, driver) = within(until, opened).await.map_err(failure::of_login)?;
    Ok((connection, tokio::spawn(driver)))
}
