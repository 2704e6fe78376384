//! One connection: commands out, answers in, within a deadline.

use std::cell::Cell;
use std::io::{self, BufReader, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use redis::{ConnectionAddr, ConnectionInfo, RedisResult, Value};

use super::command;
use super::deadline::Deadline;
use super::reply;

/// A connection to a server, logged in. The client's own type waits anew for each piece of an
/// answer, and cannot tell that the server has closed it; so this one is ours.
pub(super) struct Connection {
    stream: TcpStream,
    /// The time-outs that the socket has now, for reading and for writing.
    waits: [Cell<Duration>; 2],
}

impl Connection {
    /// Connects, says the password and chooses the database, if the URL has these.
    pub(super) fn dial(info: &ConnectionInfo, deadline: Deadline) -> RedisResult<Connection> {
        let stream = connect(info.addr(), deadline)?;
        stream.set_nodelay(true)?;
        let waits = [Cell::new(Duration::MAX), Cell::new(Duration::MAX)];
        let mut connection = Connection { stream, waits };
        let settings = info.redis_settings();
        if let Some(password) = settings.password() {
            let words = [Some("AUTH"), settings.username(), Some(password)];
            let words: Vec<&[u8]> = words.into_iter().flatten().map(str::as_bytes).collect();
            connection.set_up(&words, deadline)?;
        }
        if settings.db() != 0 {
            connection.set_up(&[b"SELECT", settings.db().to_string().as_bytes()], deadline)?;
        }
        Ok(connection)
    }

    fn set_up(&mut self, words: &[&[u8]], deadline: Deadline) -> RedisResult<()> {
        self.send(&command::pack(words), deadline)?;
        let refused =
            self.receive(1, deadline)?.into_iter().find_map(|one| one.extract_error().err());
        match refused {
            Some(error) if error.code() != Some("LOADING") => Err((
                redis::ErrorKind::AuthenticationFailed,
                "it does not take the user, the password or the database of the url",
                error.to_string(),
            )
                .into()),
            other => other.map_or(Ok(()), Err),
        }
    }

    /// Whether the server has neither closed it nor sent anything that nobody asked for.
    pub(super) fn is_idle(&self) -> bool {
        let looked = self.stream.set_nonblocking(true).and_then(|()| self.stream.peek(&mut [0]));
        let idle = matches!(looked, Err(error) if error.kind() == ErrorKind::WouldBlock);
        self.stream.set_nonblocking(false).is_ok() && idle
    }

    pub(super) fn send(&mut self, commands: &[u8], deadline: Deadline) -> io::Result<()> {
        Timed { connection: &self.stream, waits: &self.waits, deadline }.write_all(commands)
    }

    /// The next answers, refusals too. More than these is a mistake, and so is less.
    pub(super) fn receive(&mut self, count: usize, deadline: Deadline) -> RedisResult<Vec<Value>> {
        let timed = Timed { connection: &self.stream, waits: &self.waits, deadline };
        let mut reader = BufReader::new(timed);
        let answers = (0..count).map(|_| reply::read(&mut reader)).collect::<RedisResult<_>>()?;
        match reader.buffer() {
            [] => Ok(answers),
            _ => Err(io::Error::from(ErrorKind::InvalidData).into()),
        }
    }
}

/// Tries all addresses that the host's name stands for.
fn connect(address: &ConnectionAddr, deadline: Deadline) -> io::Result<TcpStream> {
    let ConnectionAddr::Tcp(host, port) = address else {
        return Err(ErrorKind::Unsupported.into());
    };
    let addresses: Vec<_> = (host.as_str(), *port).to_socket_addrs()?.collect();
    let mut last = ErrorKind::NotFound.into();
    for (tried, address) in addresses.iter().enumerate() {
        let time = deadline.part(addresses.len() - tried)?.left()?;
        match TcpStream::connect_timeout(address, time) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// A socket that reads and writes until a deadline, however small the pieces.
struct Timed<'a> {
    connection: &'a TcpStream,
    waits: &'a [Cell<Duration>; 2],
    deadline: Deadline,
}

impl Timed<'_> {
    /// Sets a time-out, unless the one that is set is close to what is left: that saves a system
    /// call, and lets an operation last an eighth longer at most.
    fn allow(
        &self,
        wait: &Cell<Duration>,
        set: impl Fn(&TcpStream, Option<Duration>) -> io::Result<()>,
    ) -> io::Result<()> {
        let left = self.deadline.left()?;
        let set_now = wait.get();
        if set_now < left / 8 * 7 || set_now > left + left / 8 {
            set(self.connection, Some(left))?;
            wait.set(left);
        }
        Ok(())
    }
}

impl Read for Timed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.allow(&self.waits[0], TcpStream::set_read_timeout)?;
        self.connection.read(buffer)
    }
}

impl Write for Timed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.allow(&self.waits[1], TcpStream::set_write_timeout)?;
        self.connection.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
