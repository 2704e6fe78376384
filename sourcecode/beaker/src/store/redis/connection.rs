//! One connection: commands out, answers in, within a deadline.

use std::io::{self, BufReader, ErrorKind, Write};

use redis::{RedisResult, Value};

use super::address::Address;
use super::channel::Channel;
use super::deadline::Deadline;
use super::failure;
use super::reply;

/// A connection to a server, logged in. The client's own type waits anew for each piece of an
/// answer, and cannot tell that the server has closed it; so this one is ours.
pub(super) struct Connection {
    channel: Channel,
}

impl Connection {
    /// Connects, says the password and chooses the database, if the URL has these.
    pub(super) fn dial(address: &Address, deadline: &Deadline) -> RedisResult<Connection> {
        let mut connection = Connection { channel: Channel::open(address, deadline)? };
        let login = &address.login;
        if let Some(password) = login.password() {
            let words = [Some("AUTH"), login.username(), Some(password)];
            connection.set_up(words.into_iter().flatten(), deadline)?;
        }
        if login.db() != 0 {
            connection.set_up(["SELECT", &login.db().to_string()].into_iter(), deadline)?;
        }
        Ok(connection)
    }

    fn set_up<'a>(
        &mut self,
        words: impl Iterator<Item = &'a str>,
        deadline: &Deadline,
    ) -> RedisResult<()> {
        let mut command = redis::Cmd::new();
        for word in words {
            command.arg(word);
        }
        self.send(&command.get_packed_command(), deadline)?;
        let refused =
            self.receive(1, deadline)?.into_iter().find_map(|one| one.extract_error().err());
        match refused {
            Some(error) => Err(failure::of_login(error)),
            None => Ok(()),
        }
    }

    /// This one, unless the server has closed it, or sent what nobody asked for.
    pub(super) fn if_idle(mut self) -> Option<Connection> {
        self.channel.is_quiet().then_some(self)
    }

    pub(super) fn send(&mut self, commands: &[u8], deadline: &Deadline) -> io::Result<()> {
        let channel = self.channel.until(deadline);
        channel.write_all(commands)?;
        channel.flush()
    }

    /// The next answers, refusals too. More than these is a mistake, and so is less.
    pub(super) fn receive(&mut self, count: usize, deadline: &Deadline) -> RedisResult<Vec<Value>> {
        let mut reader = BufReader::new(self.channel.until(deadline));
        let answers = (0..count).map(|_| reply::read(&mut reader)).collect::<RedisResult<_>>()?;
        match reader.buffer() {
            [] => Ok(answers),
            _ => Err(io::Error::from(ErrorKind::InvalidData).into()),
        }
    }
}
