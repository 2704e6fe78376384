//! `exercise list`, `exercise hint` and `exercise solution`.

use std::io::Write;

use anstyle::Style;
use anyhow::Result;
use programs::{Draft, Error, ErrorKind, Workspace};

use crate::book::edition::{EDITIONS, Edition};
use crate::exercise::{Exercise, Exercises, Hints, page};
use crate::reader::Reader;
use crate::show;
use crate::status::Status;

/// All exercises, with their pages, and how far the reader is.
pub fn list(workspace: &Workspace, exercises: &Exercises) -> Result<Status> {
    let done = Reader::open(workspace.root())?.done();
    let width = exercises.all().iter().map(|exercise| exercise.name().len()).max().unwrap_or(0);
    let mut output = show::output();
    let faint = Style::new().dimmed();
    for exercise in exercises.all() {
        let name = exercise.name();
        let state = if done.exercises.contains(name) {
            "solved"
        } else if Draft::kept(workspace, name).source().exists() {
            "begun"
        } else {
            ""
        };
        let page = page(workspace, exercise, &EDITIONS[0])?;
        let line = format!("{name:width$}  {state:6}  {faint}{page}{faint:#}");
        writeln!(output, "{line}")?;
    }
    Ok(Status::Fine)
}

/// One hint.
pub fn hint(
    workspace: &Workspace,
    exercise: &Exercise,
    number: usize,
    edition: &Edition,
) -> Result<Status> {
    let hints = Hints::read(workspace, exercise, edition)?;
    let hint = number.checked_sub(1).and_then(|index| hints.hints.get(index));
    let hint = hint.ok_or_else(|| {
        let why = format!("there is no hint {number}; there are hints 1 to {}", hints.hints.len());
        Error::new(ErrorKind::Usage, why)
    })?;
    let mut output = show::output();
    if number == 1 {
        writeln!(output, "{}\n", hints.task)?;
    }
    writeln!(output, "{hint}")?;
    Ok(Status::Fine)
}

/// The program that is a solution, and the page's answer.
pub fn solution(workspace: &Workspace, exercise: &Exercise, edition: &Edition) -> Result<Status> {
    let hints = Hints::read(workspace, exercise, edition)?;
    let mut output = show::output();
    writeln!(output, "{}\n{}", exercise.text("solution.rs")?, hints.answer)?;
    Ok(Status::Fine)
}
