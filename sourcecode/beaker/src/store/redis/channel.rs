//! [`Channel`]: what commands and answers go through, a socket or TLS over one.

use std::io::{self, ErrorKind, Read, Write};

use super::address::Address;
use super::deadline::Deadline;
use super::encryption::Encryption;
use super::socket::Socket;

/// Open, and over TLS with a server that is who it should be.
pub(super) enum Channel {
    Plain(Socket),
    #[cfg(feature = "redis-tls")]
    Tls(Box<rustls::StreamOwned<rustls::ClientConnection, Socket>>),
}

impl Channel {
    pub(super) fn open(address: &Address, deadline: &Deadline) -> io::Result<Channel> {
        let socket = Socket::connect(address.place(), deadline)?;
        match &address.encryption {
            Encryption::None => Ok(Channel::Plain(socket)),
            #[cfg(feature = "redis-tls")]
            Encryption::Tls(tls) => {
                let name = address.place().0.to_owned();
                let name = name
                    .try_into()
                    .map_err(|error| io::Error::new(ErrorKind::InvalidInput, error))?;
                let client = rustls::ClientConnection::new(tls.config().clone(), name);
                let client = client.map_err(io::Error::other)?;
                let mut stream = rustls::StreamOwned::new(client, socket);
                // It gives up when something was read and then nothing more in time.
                while stream.conn.is_handshaking() {
                    stream.conn.complete_io(&mut stream.sock).map_err(no_agreement)?;
                }
                Ok(Channel::Tls(Box::new(stream)))
            }
        }
    }

    /// What comes next ends by then.
    pub(super) fn until(&mut self, deadline: &Deadline) -> &mut Channel {
        match self {
            Channel::Plain(socket) => socket.until(deadline),
            #[cfg(feature = "redis-tls")]
            Channel::Tls(stream) => stream.sock.until(deadline),
        }
        self
    }

    /// Whether the server has neither closed it nor sent anything that nobody asked for. (Over TLS it
    /// sends, after the log-in, what makes the next log-in shorter.)
    pub(super) fn is_quiet(&mut self) -> bool {
        let looked = match self {
            Channel::Plain(socket) => socket.without_waiting(|stream| stream.peek(&mut [0])),
            #[cfg(feature = "redis-tls")]
            Channel::Tls(stream) => {
                let rustls::StreamOwned { conn, sock } = &mut **stream;
                sock.without_waiting(|socket| {
                    loop {
                        // What came with the last answer may have been decrypted already.
                        let state = conn.process_new_packets().map_err(io::Error::other)?;
                        let has_spoken = state.plaintext_bytes_to_read() > 0;
                        if has_spoken || state.peer_has_closed() || conn.read_tls(socket)? == 0 {
                            return Ok(0);
                        }
                    }
                })
            }
        };
        matches!(looked, Err(error) if error.kind() == ErrorKind::WouldBlock)
    }
}

/// One that speaks no TLS may wait for more, and say nothing.
#[cfg(feature = "redis-tls")]
fn no_agreement(error: io::Error) -> io::Error {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => {
            let what = "it did not agree on TLS in time; does it speak TLS there?";
            io::Error::new(ErrorKind::TimedOut, what)
        }
        _ => error,
    }
}

impl Read for Channel {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Channel::Plain(socket) => socket.read(buffer),
            #[cfg(feature = "redis-tls")]
            Channel::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Channel {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Channel::Plain(socket) => socket.write(bytes),
            #[cfg(feature = "redis-tls")]
            Channel::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Channel::Plain(socket) => socket.flush(),
            #[cfg(feature = "redis-tls")]
            Channel::Tls(stream) => stream.flush(),
        }
    }
}
