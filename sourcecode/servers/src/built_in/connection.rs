//! One connection to a built-in server, on a thread of its own.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use super::{Fault, Progress, Protocol, Shared};

/// A connection that can be closed from outside.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    thread: JoinHandle<()>,
}

impl Connection {
    /// Starts to answer; nothing if the connection is broken already.
    pub(super) fn start<P: Protocol>(stream: TcpStream, shared: Arc<Shared<P>>) -> Option<Self> {
        let own = stream.try_clone().ok()?;
        let thread = thread::spawn(move || {
            // What goes wrong on a connection is seen by its client; the server goes on.
            let _ = converse(&stream, &shared);
            let _ = stream.shutdown(Shutdown::Both);
        });
        Some(Connection { stream: own, thread })
    }

    pub(super) fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// Closes the connection and waits for its thread.
    pub(super) fn stop(self) {
        let _ = self.stream.shutdown(Shutdown::Both);
        let _ = self.thread.join();
    }
}

fn converse<P: Protocol>(mut stream: &TcpStream, shared: &Shared<P>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut input = Vec::new();
    let mut to_skip = 0;
    let mut chunk = vec![0; 16 * 1024];
    loop {
        let read = stream.read(&mut chunk)?;
        if read == 0 {
            return Ok(());
        }
        let skipped = read.min(to_skip);
        to_skip -= skipped;
        input.extend_from_slice(&chunk[skipped..read]);

        let (used, answer, open) = answer_all(&input, shared);
        to_skip += used.saturating_sub(input.len());
        input.drain(..used.min(input.len()));
        send(stream, &answer, shared)?;
        if !open {
            return Ok(());
        }
    }
}

/// Answers every complete command: the bytes used, the answers, and whether to go on.
fn answer_all<P: Protocol>(input: &[u8], shared: &Shared<P>) -> (usize, Vec<u8>, bool) {
    let (mut used, mut answer) = (0, Vec::new());
    while used < input.len() {
        match shared.protocol.answer(&input[used..], &mut answer) {
            Progress::Incomplete => break,
            Progress::Used(bytes) => used += bytes,
            Progress::Close => return (used, answer, false),
        }
        shared.switch.count_command();
    }
    (used, answer, true)
}

fn send<P>(mut stream: &TcpStream, answer: &[u8], shared: &Shared<P>) -> io::Result<()> {
    if answer.is_empty() {
        return Ok(());
    }
    match shared.switch.fault() {
        Fault::None => {}
        Fault::Slow(time) => shared.switch.wait(time),
        Fault::Refuse => return Err(io::ErrorKind::ConnectionAborted.into()),
        Fault::Hang => {
            shared.switch.wait_while_hanging();
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Fault::CutAnswer(bytes) => {
            stream.write_all(&answer[..bytes.min(answer.len())])?;
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
    }
    stream.write_all(answer)
}
