//! One running program: in a folder of its own, with limits of time, memory and processes, and nothing left
//! behind.

mod end;
mod group;
mod limits;
mod output;
mod usage;

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::RecvTimeoutError;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::{Error, Result};
pub use end::{End, Finished};
pub(crate) use group::Group;
pub use limits::Limits;
use output::Output;
use usage::Usage;

/// How much a program may print.
pub const OUTPUT_LIMIT: usize = 1024 * 1024;

/// How often to look whether a program that says nothing has ended.
const GLANCE: Duration = Duration::from_millis(10);

/// How often to look how much all its processes take.
const MEASURE: Duration = Duration::from_millis(100);

/// A program that runs. It is killed, with all processes that it started, when this value goes.
#[derive(Debug)]
pub struct Process {
    limits: Limits,
    /// When to look next how much it takes.
    measure: Instant,
    /// Why it was stopped here, if it was.
    stopped: Option<End>,
    // In the order in which they must go: what still writes is killed before its folder goes.
    group: Group,
    child: Child,
    output: Output,
    _folder: TempDir,
}

/// What happened next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The program printed this, on its standard output or error.
    Printed(Vec<u8>),
    /// The program ended, and everything it printed has been given out.
    Ended(End),
    /// Neither happened in time.
    NothingYet,
}

impl Process {
    /// Starts a program in a fresh folder, with these variables added to the environment, within
    /// [`Limits::PROGRAM`]. Both its outputs go into one stream, so that they keep their order.
    pub fn start(executable: &Path, environment: &[(&str, String)]) -> Result<Process> {
        Process::start_within(executable, environment, Limits::PROGRAM)
    }

    /// As [`start`](Process::start), within these limits.
    pub fn start_within(
        executable: &Path,
        environment: &[(&str, String)],
        limits: Limits,
    ) -> Result<Process> {
        Process::try_start(executable, environment, limits)
            .map_err(Error::system(format!("could not start `{}`", executable.display())))
    }

    fn try_start(
        executable: &Path,
        environment: &[(&str, String)],
        limits: Limits,
    ) -> io::Result<Process> {
        // The shell that sets the limits could tell nobody but the reader.
        if executable.metadata()?.permissions().mode() & 0o111 == 0 {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let folder = tempfile::Builder::new().prefix("workbook-").tempdir()?;
        let group = Group::start([folder.path()])?;
        let (reader, writer) = io::pipe()?;
        let mut command = limits.command(executable);
        command
            .current_dir(folder.path())
            // A recorded output does not depend on how much of a panic somebody likes to see.
            .env("RUST_BACKTRACE", "0")
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(writer.try_clone()?)
            .stderr(writer);
        group.adopt(&mut command);
        group.mark(&mut command);
        let child = command.spawn()?;
        // The command holds our copies of the pipe's end: without them, the program's end ends it.
        drop(command);
        let (output, measure) = (Output::read(reader), Instant::now() + MEASURE);
        Ok(Process { limits, measure, stopped: None, group, child, output, _folder: folder })
    }

    /// Waits until something happens, at most until then.
    pub fn next(&mut self, deadline: Instant) -> Result<Event> {
        loop {
            self.stop_if_it_takes_too_much();
            let left = deadline.saturating_duration_since(Instant::now());
            match self.output.next(left.min(GLANCE)) {
                Ok(bytes) => return Ok(Event::Printed(bytes)),
                Err(RecvTimeoutError::Disconnected) => return self.ended_by(deadline),
                // The program may be gone while another process that it started holds the pipe.
                Err(RecvTimeoutError::Timeout) if self.has_ended()?.is_some() => self.group.end(),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if left.is_zero() {
                return Ok(Event::NothingYet);
            }
        }
    }

    /// Runs it to its end, but not longer than `limit`, and not beyond [`OUTPUT_LIMIT`]. Whatever it
    /// prints is handed to `show` at once.
    pub fn finish(mut self, limit: Duration, show: &mut dyn FnMut(&[u8])) -> Result<Finished> {
        let deadline = Instant::now().checked_add(limit).unwrap_or_else(far_away);
        let mut output = Vec::new();
        let end = loop {
            match self.next(deadline)? {
                Event::Printed(bytes) => {
                    show(&bytes);
                    output.extend_from_slice(&bytes);
                }
                Event::Ended(end) => break end,
                Event::NothingYet => break End::TookTooLong(limit),
            }
            if output.len() > OUTPUT_LIMIT {
                break End::SaidTooMuch(OUTPUT_LIMIT);
            }
        };
        Ok(Finished { output: String::from_utf8_lossy(&output).into_owned(), end })
    }

    /// Runs it until it ends by itself, however long that takes and whatever it prints.
    pub fn follow(mut self, show: &mut dyn FnMut(&[u8])) -> Result<End> {
        loop {
            match self.next(far_away())? {
                Event::Printed(bytes) => show(&bytes),
                Event::Ended(end) => return Ok(end),
                Event::NothingYet => {}
            }
        }
    }

    /// Asks it to stop, and makes it stop if it does not within `limit`. Returns what it printed and
    /// nobody has seen.
    pub fn stop(mut self, limit: Duration) -> Result<Vec<u8>> {
        let deadline = Instant::now() + limit;
        self.group.ask_to_stop();
        let mut output = Vec::new();
        while let Event::Printed(bytes) = self.next(deadline)? {
            output.extend_from_slice(&bytes);
            if output.len() > OUTPUT_LIMIT {
                break;
            }
        }
        Ok(output)
    }

    fn ended_by(&mut self, deadline: Instant) -> Result<Event> {
        loop {
            self.stop_if_it_takes_too_much();
            if let Some(end) = self.has_ended()? {
                return Ok(Event::Ended(self.stopped.unwrap_or(end)));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(Event::NothingYet);
            }
            thread::sleep(left.min(Duration::from_millis(1)));
        }
    }

    fn stop_if_it_takes_too_much(&mut self) {
        if self.stopped.is_some() || Instant::now() < self.measure {
            return;
        }
        let usage = Usage::of_group(self.group.id());
        self.measure = Instant::now() + MEASURE;
        if usage.tasks > self.limits.tasks {
            self.stopped = Some(End::StartedTooMany(self.limits.tasks));
        } else if usage.memory > self.limits.together {
            self.stopped = Some(End::TookTooMuchMemory(self.limits.together));
        }
        if self.stopped.is_some() {
            self.group.end();
        }
    }

    fn has_ended(&mut self) -> Result<Option<End>> {
        let status =
            self.child.try_wait().map_err(Error::system("could not wait for a program"))?;
        Ok(status.map(End::from))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The one that we know of is ended whatever became of the group's leader.
        let _ = self.child.kill();
        self.group.end();
        let _ = self.child.wait();
    }
}

fn far_away() -> Instant {
    Instant::now() + Duration::from_secs(365 * 24 * 60 * 60)
}
