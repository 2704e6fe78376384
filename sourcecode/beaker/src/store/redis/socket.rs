//! [`Socket`]: reads and writes until a deadline, however small the pieces.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use super::deadline::Deadline;

/// A connection of TCP, and when what goes on there must have ended.
pub(super) struct Socket {
    stream: TcpStream,
    deadline: Deadline,
    /// The time-outs that the stream has now, for reading and for writing.
    waits: [Duration; 2],
}

impl Socket {
    /// Tries all addresses that the host's name stands for.
    pub(super) fn connect(place: (&str, u16), deadline: &Deadline) -> io::Result<Socket> {
        let addresses: Vec<_> = place.to_socket_addrs()?.collect();
        let mut last = ErrorKind::NotFound.into();
        for (tried, address) in addresses.iter().enumerate() {
            let time = deadline.part(addresses.len() - tried)?.left()?;
            match TcpStream::connect_timeout(address, time) {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    let deadline = deadline.clone();
                    return Ok(Socket { stream, deadline, waits: [Duration::MAX; 2] });
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// What comes next ends by then.
    pub(super) fn until(&mut self, deadline: &Deadline) {
        self.deadline = deadline.clone();
    }

    /// Does what does not wait for the other side.
    pub(super) fn without_waiting<T>(
        &mut self,
        work: impl FnOnce(&mut TcpStream) -> io::Result<T>,
    ) -> io::Result<T> {
        self.stream.set_nonblocking(true)?;
        let done = work(&mut self.stream);
        self.stream.set_nonblocking(false)?;
        done
    }

    /// Sets a time-out, unless the one that is set is close to what is left: that saves a system
    /// call, and lets an operation last an eighth longer at most.
    fn allow(
        &mut self,
        which: usize,
        set: impl Fn(&TcpStream, Option<Duration>) -> io::Result<()>,
    ) -> io::Result<()> {
        let left = self.deadline.left()?;
        let set_now = self.waits[which];
        if set_now < left / 8 * 7 || set_now > left + left / 8 {
            set(&self.stream, Some(left))?;
            self.waits[which] = left;
        }
        Ok(())
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.allow(0, TcpStream::set_read_timeout)?;
        self.stream.read(buffer)
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.allow(1, TcpStream::set_write_timeout)?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
