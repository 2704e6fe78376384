//! How a program ended.

use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use crate::{Error, ErrorKind, Result};

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// By itself, with this status.
    Exited(i32),
    /// By this signal: it crashed, or somebody killed it.
    Signal(i32),
    /// It was stopped after so long.
    TookTooLong(Duration),
    /// It was stopped after so many bytes.
    SaidTooMuch(usize),
    /// It was stopped with more than so many processes and threads.
    StartedTooMany(u64),
    /// It was stopped when its processes took more than so many bytes of memory.
    TookTooMuchMemory(u64),
}

/// A program that has ended, and what it printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// What it printed on both outputs.
    pub output: String,
    /// How it ended.
    pub end: End,
}

impl End {
    /// The exit status of a program that ended by itself; an error about the program of this name
    /// otherwise.
    pub fn status(self, name: &str) -> Result<i32> {
        match self {
            End::Exited(status) => Ok(status),
            _ => Err(Error::new(ErrorKind::Program, format!("the program `{name}` {self}"))),
        }
    }
}

impl Finished {
    /// As [`End::status`], with the last lines that the program printed in the error.
    pub fn status(&self, name: &str) -> Result<i32> {
        self.end.status(name).map_err(|error| {
            let lines: Vec<&str> = self.output.lines().collect();
            let last = &lines[lines.len().saturating_sub(10)..];
            let said = match last {
                [] => "it printed nothing".to_owned(),
                last => format!("the last that it printed:\n{}", last.join("\n")),
            };
            Error::new(ErrorKind::Program, format!("{error}; {said}"))
        })
    }
}

impl From<ExitStatus> for End {
    fn from(status: ExitStatus) -> End {
        // One of the two is there on every process that has ended.
        let code = status.code().map(End::Exited);
        code.or(status.signal().map(End::Signal)).unwrap_or(End::Exited(1))
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            End::Exited(status) => write!(f, "ended with exit status {status}"),
            End::Signal(signal) => write!(f, "crashed: {}", signal_name(signal)),
            End::TookTooLong(limit) => {
                write!(f, "did not end within {} s and was stopped", limit.as_secs_f32())
            }
            End::SaidTooMuch(limit) => {
                write!(f, "printed more than {} KiB and was stopped", limit / 1024)
            }
            End::StartedTooMany(limit) => {
                write!(f, "had more than {limit} processes and threads and was stopped")
            }
            End::TookTooMuchMemory(limit) => {
                write!(f, "took more than {} MiB of memory and was stopped", limit >> 20)
            }
        }
    }
}

fn signal_name(signal: i32) -> String {
    let name = match signal {
        2 => "SIGINT, interrupted",
        4 => "SIGILL, illegal instruction",
        6 => "SIGABRT, aborted",
        8 => "SIGFPE, arithmetic error",
        9 => "SIGKILL, killed",
        11 => "SIGSEGV, invalid memory access",
        13 => "SIGPIPE, nobody read its output",
        15 => "SIGTERM, asked to stop",
        24 => "SIGXCPU, computed longer than it may",
        25 => "SIGXFSZ, wrote a larger file than it may",
        _ => return format!("signal {signal}"),
    };
    format!("signal {signal} ({name})")
}
