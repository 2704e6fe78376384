//! The subcommands, a file each.

mod build;
mod check;
mod epub;
pub mod exercise;
mod follow;
mod inspect;
mod list;
mod preprocess;
mod progress;
mod record;
mod run;
mod serve;
mod sweep;
mod watch;

use std::path::Path;

use anyhow::Result;
use programs::Workspace;

use crate::cli::{Cli, Command};
use crate::limit::Limit;
use crate::status::Status;

/// Does what was asked for.
pub fn run(cli: Cli) -> Result<Status> {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let workspace = || Workspace::find_or(Path::new("."), &built);
    match cli.command.unwrap_or(Command::Serve { port: None, limit: Limit::default() }) {
        Command::Serve { port, limit } => serve::serve(&workspace()?, port, limit.into()),
        Command::List => list::list(&workspace()?),
        Command::Run { number, watch: false, limit } => {
            run::run(&workspace()?, number, limit.into())
        }
        Command::Run { number, watch: true, limit } => {
            watch::watch(&workspace()?, number, limit.into())
        }
        Command::Check { number, limit } => check::check(&workspace()?, number, limit.into()),
        Command::Record { number, all, limit } => {
            record::record(&workspace()?, number, all, limit.into())
        }
        Command::Exercise { command } => exercise::run(&workspace()?, command),
        Command::Progress => progress::progress(&workspace()?),
        Command::Sweep { backend, options } => sweep::sweep(&workspace()?, &backend, &options),
        Command::Sessions(command) => inspect::sessions(&workspace()?, &command),
        Command::Cache(command) => inspect::caches(&workspace()?, &command),
        Command::Build { address } => build::build(&workspace()?, address.as_ref()),
        Command::Epub => epub::epub(&workspace()?),
        Command::Follow { pages, all } => follow::follow(&workspace()?, &pages, all),
        Command::Preprocess { arguments } => preprocess::preprocess(&arguments),
    }
}
