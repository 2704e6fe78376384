//! What can be typed.

use clap::{Parser, Subcommand};

use crate::book::Address;
use crate::command::exercise;
use crate::limit::Limit;

const STATUSES: &str = "\
Exit status:
  0  all is well
  1  an output differs from the expected output
  2  something was asked for that is not there
  3  a program or the book does not build, or there is no cargo
  4  a program crashed, took too long or printed too much
  5  a server is not there, or a port is taken
  6  the system refused something
`run` ends with the program's own status when the program ends by itself.";

/// A workbook on web sessions and caching: serves the book, runs the programs, and compares what they
/// print with the expected outputs.
#[derive(Debug, Parser)]
#[command(version, after_help = STATUSES)]
pub struct Cli {
    /// What to do; `serve` without a command.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Builds the book and serves it on this machine until Ctrl-C
    Serve {
        /// The port; without it 3000, or the next one that is free
        #[arg(long)]
        port: Option<u16>,
        #[command(flatten)]
        limit: Limit,
    },
    /// Lists the programs
    List,
    /// Runs a program
    Run {
        /// The program's number
        number: u32,
        /// Runs it again when its source or the library changes, until Ctrl-C
        #[arg(long)]
        watch: bool,
        #[command(flatten)]
        limit: Limit,
    },
    /// Compares what programs print with their expected outputs
    Check {
        /// The program's number; without it, all programs
        number: Option<u32>,
        #[command(flatten)]
        limit: Limit,
    },
    /// Writes the expected outputs of programs, where they have changed
    Record {
        /// The program's number; without it, all programs
        number: Option<u32>,
        /// Also writes the expected outputs that have not changed
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        limit: Limit,
    },
    /// Exercises: list, start, check, watch, hint, reset, solution
    Exercise {
        /// What to do with them
        #[command(subcommand)]
        command: exercise::Command,
    },
    /// Shows which pages were read, which programs were run and which exercises were solved
    Progress,
    /// Removes expired records from a backend, such as `sweep file data_dir=./cache`
    Sweep {
        /// The backend's type: `file`, `dbm` or `ext:database`
        backend: String,
        /// Its options, as `name=value`
        options: Vec<String>,
    },
    /// Inspects the sessions in a backend, and ends them: list, show, end, clear
    #[command(subcommand)]
    Sessions(inspect::Sessions),
    /// Inspects the caches in a backend, and invalidates them: keys, stats, invalidate
    #[command(subcommand)]
    Cache(inspect::Caches),
    /// Builds the book, and lays it out in `book/build` for any host of files
    Build {
        /// Where that will be, such as `https://example.org/book/`: for a sitemap, and for cards on other sites
        #[arg(long)]
        address: Option<Address>,
    },
    /// Builds the book, and an e-book of each edition
    Epub,
    /// Notes that the translation of a page was brought up to date with the English page
    Follow {
        /// The pages, such as `session-file`
        #[arg(required_unless_present = "all", value_name = "PAGE")]
        pages: Vec<String>,
        /// All pages that are translated
        #[arg(long, conflicts_with = "pages")]
        all: bool,
    },
    /// mdBook's preprocessor, for `mdbook build book/en`
    #[command(hide = true)]
    Preprocess {
        /// What mdBook passes to a preprocessor
        arguments: Vec<String>,
    },
}
