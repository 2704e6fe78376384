//! `exercise check`.

use std::fs;
use std::io::Write;
use std::time::Duration;

use anyhow::Result;
use programs::{Draft, Error, ErrorKind, Workspace};

use crate::book::edition::Edition;
use crate::exercise::{Advice, Exercises, Verdict, check as judge};
use crate::reader::Reader;
use crate::show::{self, Output};
use crate::status::Status;

/// Compiles and runs the reader's answer, and says what is wrong with it.
pub fn check(
    workspace: &Workspace,
    exercises: &Exercises,
    wanted: &str,
    edition: &Edition,
    limit: Duration,
) -> Result<Status> {
    let exercise = exercises.find(wanted)?;
    let draft = Draft::kept(workspace, exercise.name());
    let number = exercise.short_name();
    if !draft.source().exists() {
        let why =
            format!("{}: not started: `cargo run -- exercise start {number}`", exercise.name());
        return Err(Error::new(ErrorKind::Usage, why).into());
    }
    let mut output = show::output();
    if exercise.is_start(&fs::read_to_string(draft.source())?)? {
        let source = draft.source();
        let file = source.strip_prefix(workspace.root()).unwrap_or(&source);
        let why = format!("not begun: {} still holds the start, so edit it first", file.display());
        show::bad(&mut output, exercise.name(), &why)?;
        return Ok(Status::Differs);
    }
    match judge(exercise, &draft, exercise.program().features(), limit)? {
        Verdict::Solved(printed) => {
            show::good(&mut output, exercise.name())?;
            write!(output, "{}", printed.output)?;
            let reader = Reader::open(workspace.root())?;
            reader.solved(exercise.name())?;
            let done = reader.done().exercises;
            match exercises.next(exercise, |other| done.contains(other.name())) {
                Some(next) => {
                    let (name, number) = (next.name(), next.short_name());
                    let what = if next.is_bonus() {
                        "all exercises are solved; a bonus is left,"
                    } else {
                        "next is"
                    };
                    writeln!(output, "{what} {name}: `cargo run -- exercise start {number}`")?;
                }
                None => writeln!(output, "that was the last one: all exercises are solved")?,
            }
            Ok(Status::Fine)
        }
        Verdict::Differs { comparison, advice, .. } => {
            show::bad(&mut output, exercise.name(), "it prints something else than it should")?;
            show::difference(&mut output, &comparison)?;
            tell(&mut output, &advice, edition)?;
            Ok(Status::Differs)
        }
        Verdict::Refused(said, advice) => {
            show::bad(&mut output, exercise.name(), "it does not compile")?;
            writeln!(output, "{}", said.trim_end())?;
            tell(&mut output, &advice, edition)?;
            Ok(Status::Build)
        }
        Verdict::Failed(said, advice) => {
            show::bad(&mut output, exercise.name(), "it does not end as it should")?;
            writeln!(output, "{}", said.trim_end())?;
            tell(&mut output, &advice, edition)?;
            Ok(Status::Program)
        }
    }
}

fn tell(output: &mut Output, advice: &[Advice], edition: &Edition) -> Result<()> {
    for advice in advice {
        writeln!(output, "\n{}", advice.text(edition.code))?;
    }
    Ok(())
}
