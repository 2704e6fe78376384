//! `record`: keeps what programs print.

use std::io::Write;
use std::time::Duration;

use anyhow::Result;
use programs::comparison::compare;
use programs::{Catalog, Recording, Workspace};

use crate::show;
use crate::status::{self, Status};
use crate::work;

pub fn record(
    workspace: &Workspace,
    number: Option<u32>,
    all: bool,
    limit: Duration,
) -> Result<Status> {
    let catalog = Catalog::read(workspace)?;
    let programs = work::chosen(&catalog, number)?;
    let mut output = show::output();
    let mut status = Status::Fine;
    work::perform(workspace, &programs, limit, |program, outcome| {
        let name = program.name();
        let recording = match outcome {
            Ok(recording) => recording,
            Err(error) => {
                show::bad(&mut output, name, &format!("not recorded: {error}"))?;
                status = status::of(&error.into());
                return Ok(());
            }
        };
        let Some(recorded) = Recording::read(workspace, program)? else {
            recording.write(workspace, program)?;
            return Ok(show::good(
                &mut output,
                &format!("{name}: expected output written for the first time"),
            )?);
        };
        let comparison = compare(&recorded, &recording.to_string());
        if comparison.is_same() && !all {
            return Ok(show::good(&mut output, &format!("{name}: as expected"))?);
        }
        recording.write(workspace, program)?;
        show::good(&mut output, &format!("{name}: expected output written again"))?;
        Ok(show::difference(&mut output, &comparison)?)
    })?;
    output.flush()?;
    Ok(status)
}
