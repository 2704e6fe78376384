//! Visitors who are slow, silent, or mean harm.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What such a visitor does.
pub struct Kind {
    pub name: &'static str,
    /// Whether the page asked for is the large one.
    pub large: bool,
    /// What is sent at once.
    first: &'static str,
    /// How often that is repeated, without waiting for answers.
    times: usize,
    /// Whether a byte of a header follows each second.
    drips: bool,
    /// Whether it reads the first bytes of the answer, and then nothing.
    looks: bool,
}

const SILENT: Kind =
    Kind { name: "none", large: false, first: "", times: 0, drips: false, looks: false };

/// In the order of the table. The first is the measure for the others, and nobody comes.
pub const KINDS: &[Kind] = &[
    SILENT,
    Kind { name: "connect and say nothing", times: 1, ..SILENT },
    Kind { name: "send half a head", first: "GET / HTTP/1.1\r\nHost: x\r\n", times: 1, ..SILENT },
    Kind {
        name: "send a byte of a head a second",
        first: "GET / HTTP/1.1\r\nHost: x\r\nx: ",
        times: 1,
        drips: true,
        ..SILENT
    },
    Kind {
        name: "send half a body",
        first: "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nhalf",
        times: 1,
        ..SILENT
    },
    Kind {
        name: "take nothing of 20 MB",
        large: true,
        first: "GET /large HTTP/1.1\r\nHost: x\r\n\r\n",
        times: 1,
        looks: true,
        ..SILENT
    },
    Kind {
        name: "claim a body of 9 EB",
        first: "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000000000000000\r\n\r\n",
        times: 1,
        ..SILENT
    },
    Kind {
        name: "ask 5,000 times, take nothing",
        first: "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        times: 5000,
        ..SILENT
    },
];

/// They leave when this goes.
pub struct Visitors {
    streams: Vec<TcpStream>,
    gone: Arc<AtomicBool>,
}

impl Kind {
    /// So many of them come. What each sends is sent as far as the server takes it.
    pub fn come(&self, address: SocketAddr, many: usize) -> io::Result<Visitors> {
        let many = if self.times == 0 { 0 } else { many };
        let mut visitors = Visitors { streams: Vec::new(), gone: Arc::default() };
        let all = self.first.repeat(self.times);
        for _ in 0..many {
            let mut stream = TcpStream::connect(address)?;
            stream.set_write_timeout(Some(Duration::from_millis(100)))?;
            let _ = stream.write_all(all.as_bytes());
            if self.looks {
                stream.set_read_timeout(Some(Duration::from_secs(60)))?;
                let _ = stream.read(&mut [0; 100]);
            }
            visitors.streams.push(stream);
        }
        if self.drips {
            let streams = visitors.streams.iter().map(TcpStream::try_clone);
            let streams = Mutex::new(streams.collect::<io::Result<Vec<_>>>()?);
            let gone = visitors.gone.clone();
            thread::spawn(move || {
                while !gone.load(Ordering::Relaxed) {
                    for stream in streams.lock().expect("nobody panics with it").iter_mut() {
                        let _ = stream.write_all(b"x");
                    }
                    thread::sleep(Duration::from_secs(1));
                }
            });
        }
        Ok(visitors)
    }
}

impl Drop for Visitors {
    fn drop(&mut self) {
        self.gone.store(true, Ordering::Relaxed);
    }
}
