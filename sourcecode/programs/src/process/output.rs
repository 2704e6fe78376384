//! What a program prints, read by a thread so that it can be waited for with a deadline.

use std::io::{PipeReader, Read};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// So many pieces wait to be taken; then the program waits too.
const PIECES: usize = 16;

#[derive(Debug)]
pub(super) struct Output {
    pieces: Receiver<Vec<u8>>,
}

impl Output {
    pub(super) fn read(mut pipe: PipeReader) -> Output {
        let (sender, pieces) = mpsc::sync_channel(PIECES);
        // Nobody joins it: it ends with the pipe, or when nobody takes the pieces any more.
        thread::spawn(move || {
            let mut buffer = [0; 8 * 1024];
            while let Ok(read @ 1..) = pipe.read(&mut buffer) {
                if sender.send(buffer[..read].to_vec()).is_err() {
                    return;
                }
            }
        });
        Output { pieces }
    }

    /// The next piece; `Disconnected` at the end.
    pub(super) fn next(&self, limit: Duration) -> Result<Vec<u8>, RecvTimeoutError> {
        self.pieces.recv_timeout(limit)
    }
}
