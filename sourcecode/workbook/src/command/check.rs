//! `check`: what programs print against their expected outputs.

use std::io::Write;
use std::time::Duration;

use anyhow::Result;
use programs::comparison::compare;
use programs::{Catalog, Recording, Workspace};

use crate::show::{self, Output};
use crate::status::{self, Status};
use crate::work;

pub fn check(workspace: &Workspace, number: Option<u32>, limit: Duration) -> Result<Status> {
    let catalog = Catalog::read(workspace)?;
    let programs = work::chosen(&catalog, number)?;
    let mut output = show::output();
    let mut status = Status::Fine;
    work::perform(workspace, &programs, limit, |program, outcome| {
        let recorded = Recording::read(workspace, program)?;
        match (outcome, recorded) {
            (Err(error), _) => {
                show::bad(&mut output, program.name(), &error.to_string())?;
                status = status::of(&error.into());
            }
            (Ok(_), None) => {
                let why =
                    format!("there is no expected output; `record {}` writes it", program.number());
                show::bad(&mut output, program.name(), &why)?;
                status = worse(status);
            }
            (Ok(recording), Some(recorded)) => {
                let comparison = compare(&recorded, &recording.to_string());
                if comparison.is_same() {
                    return Ok(show::good(&mut output, program.name())?);
                }
                let why = "its output differs from the expected output";
                show::bad(&mut output, program.name(), why)?;
                show::difference(&mut output, &comparison)?;
                status = worse(status);
            }
        }
        Ok(())
    })?;
    if number.is_none() && lost_recordings(workspace, &catalog, &mut output)? {
        status = worse(status);
    }
    output.flush()?;
    Ok(status)
}

/// A program that did not run is worse than one that differs.
fn worse(status: Status) -> Status {
    if status == Status::Fine { Status::Differs } else { status }
}

fn lost_recordings(workspace: &Workspace, catalog: &Catalog, output: &mut Output) -> Result<bool> {
    let mut lost = Recording::names(workspace)?;
    lost.retain(|name| catalog.programs().iter().all(|program| program.name() != name));
    for name in &lost {
        show::bad(output, name, "there is an expected output, but no such program")?;
    }
    Ok(!lost.is_empty())
}
