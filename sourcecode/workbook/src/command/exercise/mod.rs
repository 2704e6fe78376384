//! `exercise`: to try for yourself what the pages show.

mod check;
mod keys;
mod record;
mod show;
mod start;
mod watch;

use std::env;

use anyhow::Result;
use clap::{Subcommand, ValueEnum};
use programs::Workspace;

use crate::book::edition::{EDITIONS, Edition};
use crate::exercise::Exercises;
use crate::limit::Limit;
use crate::status::Status;

/// What to do with exercises.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Lists the exercises, which of them are solved, and which are a bonus
    List,
    /// Puts the start of an exercise where you can edit it
    Start {
        /// Its name, or the number of its program
        exercise: String,
    },
    /// Compiles and runs your answer, and compares what it prints
    Check {
        /// Its name, or the number of its program
        exercise: String,
        /// The language of the advice; without it, that of the system
        #[arg(long)]
        lang: Option<Language>,
        #[command(flatten)]
        limit: Limit,
    },
    /// Checks your answer whenever you save it; `h`, `n` and `q` are keys for a hint, the next exercise, the end
    Watch {
        /// Its name, or the number of its program
        exercise: String,
        /// The language of hints and advice; without it, that of the system
        #[arg(long)]
        lang: Option<Language>,
        #[command(flatten)]
        limit: Limit,
    },
    /// Gives the next hint each time
    Hint {
        /// Its name, or the number of its program
        exercise: String,
        /// Which hint; without it, the one after the last that was given
        hint: Option<usize>,
        /// The language; without it, that of the system
        #[arg(long)]
        lang: Option<Language>,
    },
    /// Throws your answer away, and puts the start there again
    Reset {
        /// Its name, or the number of its program
        exercise: String,
    },
    /// Shows a solution, and why it is one
    Solution {
        /// Its name, or the number of its program
        exercise: String,
        /// The language; without it, that of the system
        #[arg(long)]
        lang: Option<Language>,
    },
    /// Records what the solutions print
    #[command(hide = true)]
    Record {
        /// Its name, or the number of its program; without it, all
        exercise: Option<String>,
        #[command(flatten)]
        limit: Limit,
    },
}

/// A language of the book.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Language {
    /// English
    En,
    /// Russian
    Ru,
}

/// The edition in the language that was asked for, or else in that of the system.
fn edition(asked: Option<Language>) -> &'static Edition {
    let is_russian = || {
        let set = ["LC_ALL", "LC_MESSAGES", "LANG"].map(env::var);
        set.into_iter()
            .flatten()
            .find(|set| !set.is_empty())
            .is_some_and(|set| set.starts_with("ru"))
    };
    match asked {
        Some(Language::Ru) => &EDITIONS[1],
        None if is_russian() => &EDITIONS[1],
        Some(Language::En) | None => &EDITIONS[0],
    }
}

/// Does what was asked for.
pub fn run(workspace: &Workspace, command: Command) -> Result<Status> {
    let exercises = Exercises::read(workspace)?;
    match command {
        Command::List => show::list(workspace, &exercises),
        Command::Start { exercise } => start::start(workspace, exercises.find(&exercise)?),
        Command::Check { exercise, lang, limit } => {
            check::check(workspace, &exercises, &exercise, edition(lang), limit.into())
        }
        Command::Watch { exercise, lang, limit } => {
            watch::watch(workspace, &exercises, &exercise, edition(lang), limit.into())
        }
        Command::Hint { exercise, hint, lang } => {
            show::hint(workspace, exercises.find(&exercise)?, hint, edition(lang))
        }
        Command::Reset { exercise } => start::reset(workspace, exercises.find(&exercise)?),
        Command::Solution { exercise, lang } => {
            show::solution(workspace, exercises.find(&exercise)?, edition(lang))
        }
        Command::Record { exercise, limit } => {
            let chosen = match &exercise {
                Some(exercise) => std::slice::from_ref(exercises.find(exercise)?),
                None => exercises.all(),
            };
            record::record(workspace, chosen, limit.into())
        }
    }
}
