//! A program that runs for a page: what it prints is handed on.

use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use programs::process::{End, Event as Happened, OUTPUT_LIMIT, Process};

use super::event::Event;
use super::job::Job;
use super::text::Text;

/// How often to look whether the page is still there.
const GLANCE: Duration = Duration::from_millis(50);

impl Job {
    /// Hands on what it prints, until it ends or the page has gone.
    pub(super) fn follow(
        &self,
        mut process: Process,
        limit: Option<Duration>,
        mut port: Option<u16>,
    ) -> programs::Result<(String, End)> {
        let begun = Instant::now();
        let (mut output, mut text) = (String::new(), Text::without(self.folder.as_deref()));
        loop {
            if let Some(port) = port.take_if(listens) {
                self.tell(Event::Serving { port });
            }
            let end = match process.next(Instant::now() + GLANCE)? {
                Happened::Printed(bytes) => {
                    self.print(text.take(&bytes), &mut output);
                    (output.len() > OUTPUT_LIMIT).then_some(End::SaidTooMuch(OUTPUT_LIMIT))
                }
                Happened::Ended(end) => Some(end),
                Happened::NothingYet if self.is_over() => Some(End::Signal(15)),
                Happened::NothingYet => {
                    self.print(text.settle(), &mut output);
                    None
                }
            };
            let late = limit.filter(|limit| begun.elapsed() > *limit).map(End::TookTooLong);
            if let Some(end) = end.or(late) {
                self.print(text.rest(), &mut output);
                return Ok((output, end));
            }
        }
    }

    fn print(&self, text: String, output: &mut String) {
        if !text.is_empty() {
            output.push_str(&text);
            self.tell(Event::Printed { text });
        }
    }
}

fn listens(port: &mut u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, *port)).is_ok()
}
