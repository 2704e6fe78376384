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
            "not started"
        };
        let page = page(workspace, exercise, &EDITIONS[0])?;
        let bonus = if exercise.is_bonus() { ", a bonus" } else { "" };
        let line = format!("{name:width$}  {state:11}  {faint}{page}{bonus}{faint:#}");
        writeln!(output, "{line}")?;
    }
    Ok(Status::Fine)
}

/// One hint: the one that was asked for, or the next.
pub fn hint(
    workspace: &Workspace,
    exercise: &Exercise,
    asked: Option<usize>,
    edition: &Edition,
) -> Result<Status> {
    let Hints { task, hints, .. } = Hints::read(workspace, exercise, edition)?;
    let reader = Reader::open(workspace.root())?;
    let number = match asked {
        Some(number) if (1..=hints.len()).contains(&number) => {
            reader.had_hint(exercise.name(), number)?;
            number
        }
        Some(number) => {
            let why = format!("there is no hint {number}; there are hints 1 to {}", hints.len());
            return Err(Error::new(ErrorKind::Usage, why).into());
        }
        None => reader.next_hint(exercise.name(), hints.len())?,
    };
    let mut output = show::output();
    if number == 1 {
        writeln!(output, "{task}\n")?;
    }
    let faint = Style::new().dimmed();
    writeln!(output, "{faint}Hint {number} of {}{faint:#}", hints.len())?;
    writeln!(output, "{}", hints[number - 1])?;
    if number == hints.len() {
        let program = exercise.short_name();
        let next = format!(
            "That is the last; `cargo run -- exercise solution {program}` shows a solution."
        );
        writeln!(output, "\n{faint}{next}{faint:#}")?;
    }
    Ok(Status::Fine)
}

/// The program that is a solution, and the page's answer.
pub fn solution(workspace: &Workspace, exercise: &Exercise, edition: &Edition) -> Result<Status> {
    let hints = Hints::read(workspace, exercise, edition)?;
    let mut output = show::output();
    writeln!(output, "{}\n{}", exercise.text("solution.rs")?, hints.answer)?;
    Ok(Status::Fine)
}
