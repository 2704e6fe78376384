//! Whether an answer is right.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use programs::comparison::Comparison;
use programs::{Built, Draft, ErrorKind, Performance, Recording, Wait};

use super::{Advice, Exercise};

/// What became of an answer.
#[derive(Debug)]
pub enum Verdict {
    /// It prints what it should.
    Solved(Recording),
    /// It prints something else.
    Differs { printed: Recording, comparison: Comparison, advice: Vec<Advice> },
    /// It was not compiled: this was said.
    Refused(String, Vec<Advice>),
    /// It did not end as programs should: this was said.
    Failed(String, Vec<Advice>),
}

/// Compiles an answer with these features, its program's among them, runs it, and compares.
pub fn check(
    exercise: &Exercise,
    draft: &Draft,
    features: &[String],
    limit: Duration,
) -> Result<Verdict> {
    let executable = match draft.build(features, Wait::until(&|| false)) {
        Ok(executable) => executable,
        Err(error) if error.kind() == ErrorKind::Build => {
            let said = error.to_string();
            let advice = exercise.advice_on_refusal(&said)?;
            return Ok(Verdict::Refused(said, advice));
        }
        Err(error) => return Err(error.into()),
    };
    match run(exercise, executable, exercise.walk()?, limit) {
        Ok(printed) => {
            let comparison = exercise.compare(&printed)?;
            if comparison.is_same() {
                return Ok(Verdict::Solved(printed));
            }
            let advice = exercise.advice(&printed.to_string())?;
            Ok(Verdict::Differs { printed, comparison, advice })
        }
        Err(error) if error.kind() == ErrorKind::Program => {
            let said = error.to_string();
            let advice = exercise.advice(&said)?;
            Ok(Verdict::Failed(said, advice))
        }
        Err(error) => Err(error.into()),
    }
}

fn run(
    exercise: &Exercise,
    executable: PathBuf,
    walk: Option<String>,
    limit: Duration,
) -> programs::Result<Recording> {
    let program = exercise.program();
    let built = Built::from_iter([(program.name().to_owned(), executable)]);
    let printed = Performance::new(program, &built)?.limit(limit).walk(walk).perform()?;
    Ok(exercise.recording(printed.output, printed.status))
}
