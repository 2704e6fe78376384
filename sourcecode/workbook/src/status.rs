//! How the command ends.

use std::io;
use std::process::ExitCode;

use anstyle::AnsiColor;
use anyhow::Error;
use programs::ErrorKind;

/// How the command ends; `--help` says it to users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// All is well.
    Fine,
    /// An output differs from the expected one.
    Differs,
    /// Something was asked for that is not there.
    Usage,
    /// A program or the book does not build.
    Build,
    /// A program did not end as programs should.
    Program,
    /// A server is not there, or a port is taken.
    Server,
    /// The system refused something.
    System,
    /// As the program that was run.
    Own(i32),
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> ExitCode {
        ExitCode::from(match status {
            Status::Fine => 0,
            Status::Differs => 1,
            Status::Usage => 2,
            Status::Build => 3,
            Status::Program => 4,
            Status::Server => 5,
            Status::System => 6,
            Status::Own(status) => u8::try_from(status).unwrap_or(u8::MAX),
        })
    }
}

/// Says what went wrong, and with which status to end.
pub fn report(error: &Error) -> Status {
    if cause(error) == Some(io::ErrorKind::BrokenPipe) {
        // The reader of our output has seen enough.
        return Status::Fine;
    }
    let red = AnsiColor::Red.on_default().bold();
    anstream::eprintln!("{red}error{red:#}: {error:#}");
    of(error)
}

/// The status that tells of this error.
pub fn of(error: &Error) -> Status {
    match error.downcast_ref::<programs::Error>().map(programs::Error::kind) {
        Some(ErrorKind::Usage) => Status::Usage,
        Some(ErrorKind::Build) => Status::Build,
        Some(ErrorKind::Program) => Status::Program,
        Some(ErrorKind::Server) => Status::Server,
        Some(_) => Status::System,
        None if cause(error) == Some(io::ErrorKind::AddrInUse) => Status::Server,
        None if cause(error).is_some() => Status::System,
        // What is left are the errors in the pages of the book.
        None => Status::Build,
    }
}

fn cause(error: &Error) -> Option<io::ErrorKind> {
    error.chain().find_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind)
}
