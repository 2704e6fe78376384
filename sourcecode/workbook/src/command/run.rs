//! `run`: one program, its output as it comes.

use std::io::{self, Write};
use std::time::Duration;

use anyhow::Result;
use programs::{Catalog, Performance, Workspace};

use crate::status::Status;
use crate::work;

pub fn run(workspace: &Workspace, number: u32, limit: Duration) -> Result<Status> {
    let catalog = Catalog::read(workspace)?;
    let program = catalog.find(number)?;
    let built = work::build(workspace, &[program])?;
    let performance = Performance::new(program, &built)?;
    work::tell_of_stand_in(&performance);
    let process = performance.start(&[])?;
    let end = if program.is_served() {
        process.follow(&mut show)?
    } else {
        process.finish(limit, &mut show)?.end
    };
    end.status(program.name()).map(Status::Own).map_err(Into::into)
}

/// Hands on what a program printed.
pub fn show(bytes: &[u8]) {
    let mut stdout = io::stdout().lock();
    // If nobody reads it any more, the program still runs to its end, and its status counts.
    let _ = stdout.write_all(bytes).and_then(|()| stdout.flush());
}
