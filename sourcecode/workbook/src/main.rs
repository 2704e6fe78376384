//! The workbook's command: serves the book, runs the programs, compares and records their outputs.

mod book;
mod cli;
mod command;
mod exercise;
mod limit;
mod progress_bar;
mod reader;
mod show;
mod status;
mod work;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match command::run(cli) {
        Ok(status) => status.into(),
        Err(error) => status::report(&error).into(),
    }
}
