//! Seeing that `tiny_http` still accepts connections. When there are no file descriptors left, its
//! accepting thread may panic and tell nobody; so now and then somebody knocks.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::Stop;
use crate::clock::{Clock, SystemClock};

/// Between two knocks, and how long an answer may take.
const INTERVAL: Duration = Duration::from_secs(2);

/// How often what is waited for is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// Knocks, and hears whether somebody opened.
pub(super) struct Watch {
    /// A path that nobody else asks for.
    path: String,
    heard: AtomicU64,
    /// Workers that are answering a request, and so hear nothing.
    pub(super) busy: AtomicU64,
}

impl Watch {
    pub(super) fn new() -> Watch {
        let path = format!("/{}", uuid::Uuid::new_v4().simple());
        Watch { path, heard: AtomicU64::new(0), busy: AtomicU64::new(0) }
    }

    /// Is this request a knock? Then it has been heard.
    pub(super) fn hears(&self, request: &tiny_http::Request) -> bool {
        let knock = request.url() == self.path;
        self.heard.fetch_add(u64::from(knock), Ordering::Relaxed);
        knock
    }

    /// Returns when a knock was not heard, or when the server is to stop.
    pub(super) fn watch(&self, address: SocketAddr, stop: &Stop) {
        loop {
            let heard = self.heard.load(Ordering::Relaxed);
            if wait(|| stop.is_asked_for()) {
                return;
            }
            // The answer is of no interest, but who hangs up too early may not be heard.
            let _connection = self.knock(address);
            let opened = wait(|| {
                let busy = self.busy.load(Ordering::Relaxed) > 0;
                self.heard.load(Ordering::Relaxed) > heard || busy || stop.is_asked_for()
            });
            if !opened {
                return;
            }
        }
    }

    fn knock(&self, address: SocketAddr) -> std::io::Result<TcpStream> {
        let mut stream = TcpStream::connect_timeout(&address, INTERVAL)?;
        stream.write_all(format!("GET {} HTTP/1.0\r\n\r\n", self.path).as_bytes())?;
        Ok(stream)
    }
}

/// Waits until it is so, but not longer than the interval; tells whether it is.
fn wait(is_so: impl Fn() -> bool) -> bool {
    let looks = INTERVAL.as_millis() / LOOK.as_millis();
    (0..looks).any(|_| {
        let so = is_so();
        if !so {
            SystemClock.sleep(LOOK);
        }
        so
    })
}
