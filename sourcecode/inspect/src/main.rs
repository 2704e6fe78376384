//! Looks at the sessions and caches in a backend: `inspect sessions list type=file data_dir=./sessions`.

mod caches;
mod place;
mod sessions;

use std::process::ExitCode;

use beaker::{Error, ErrorKind};
use clap::{Parser, Subcommand};
use inspect::{Caches, Sessions};

#[derive(Parser)]
#[command(about = "Looks at the sessions and caches in a backend")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Looks at sessions, and ends them
    #[command(subcommand)]
    Sessions(Sessions),
    /// Looks at caches, and invalidates what is in them
    #[command(subcommand)]
    Cache(Caches),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Sessions(command) => sessions::run(command),
        Command::Cache(command) => caches::run(command),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:?}");
            ExitCode::from(status(&error))
        }
    }
}

/// The workbook's command says to users what they mean.
fn status(error: &Error) -> u8 {
    match error.kind() {
        ErrorKind::Config | ErrorKind::UnknownSession => 2,
        ErrorKind::Unavailable => 5,
        _ => 6,
    }
}

/// What is done only if it is meant.
fn confirmed(yes: &inspect::Yes, what: &str) -> beaker::Result<()> {
    if yes.yes {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Config, format!("this would {what}; say `--yes` if that is meant")))
}

/// How long ago something was, in words.
fn ago(at: beaker::Timestamp, now: beaker::Timestamp) -> String {
    let seconds = now.since(at).as_secs();
    match seconds {
        0..=119 => format!("{seconds} s ago"),
        120..=7199 => format!("{} min ago", seconds / 60),
        7200..=172_799 => format!("{} h ago", seconds / 3600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

/// Bytes of a key or a text as one line that moves no cursor.
fn plain(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars()
        .map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() })
        .collect()
}
