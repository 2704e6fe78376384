//! `exercise record`: what the solutions print.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use programs::{Draft, Workspace};

use crate::exercise::{Exercise, Verdict, check};
use crate::show;
use crate::status::Status;

/// Records anew what differs.
pub fn record(workspace: &Workspace, exercises: &[Exercise], limit: Duration) -> Result<Status> {
    let mut output = show::output();
    for exercise in exercises {
        if !exercise.file("output.txt").exists() {
            write(exercise, "")?;
        }
        let draft = Draft::new(workspace, "record", &exercise.text("solution.rs")?)?;
        match check(exercise, &draft, exercise.program().features(), limit)? {
            Verdict::Solved(_) => show::good(&mut output, exercise.name())?,
            Verdict::Refused(said, _) | Verdict::Failed(said, _) => {
                bail!("{}: {said}", exercise.name())
            }
            Verdict::Differs { printed, .. } => {
                write(exercise, &printed.to_string())?;
                show::bad(&mut output, exercise.name(), "recorded anew")?;
            }
        }
    }
    Ok(Status::Fine)
}

fn write(exercise: &Exercise, text: &str) -> Result<()> {
    let file = exercise.file("output.txt");
    fs::write(&file, text).with_context(|| format!("could not write `{}`", file.display()))
}
