//! `exercise check`.

use std::io::Write;
use std::time::Duration;

use anyhow::Result;
use programs::{Draft, Error, ErrorKind, Workspace};

use crate::book::edition::Edition;
use crate::exercise::{Advice, Exercise, Verdict, check as judge};
use crate::reader::Reader;
use crate::show::{self, Output};
use crate::status::Status;

/// Compiles and runs the reader's answer, and says what is wrong with it.
pub fn check(
    workspace: &Workspace,
    exercise: &Exercise,
    edition: &Edition,
    limit: Duration,
) -> Result<Status> {
    let draft = Draft::kept(workspace, exercise.name());
    if !draft.source().exists() {
        let number = exercise.program().number();
        let why = format!(
            "there is no answer to `{}` yet; `cargo run -- exercise start {number}` begins one",
            exercise.name()
        );
        return Err(Error::new(ErrorKind::Usage, why).into());
    }
    let mut output = show::output();
    match judge(exercise, &draft, exercise.program().features(), limit)? {
        Verdict::Solved(printed) => {
            show::good(&mut output, exercise.name())?;
            write!(output, "{}", printed.output)?;
            Reader::open(workspace.root())?.solved(exercise.name())?;
            Ok(Status::Fine)
        }
        Verdict::Differs { comparison, advice, .. } => {
            show::bad(&mut output, exercise.name(), "it prints something else than it should")?;
            show::difference(&mut output, &comparison)?;
            tell(&mut output, &advice, edition)?;
            Ok(Status::Differs)
        }
        Verdict::Failed(said, advice) => {
            show::bad(
                &mut output,
                exercise.name(),
                "it does not compile, or does not end as it should",
            )?;
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
