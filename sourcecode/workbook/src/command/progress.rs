//! `progress`: what the reader has done.

use std::io::Write;

use anyhow::Result;
use programs::{Catalog, Workspace};

use crate::book::edition::EDITIONS;
use crate::exercise::{Exercise, Exercises};
use crate::reader::Reader;
use crate::show;
use crate::status::Status;

/// Prints how many pages, programs and exercises are done, and which are next.
pub fn progress(workspace: &Workspace) -> Result<Status> {
    let done = Reader::open(workspace.root())?.done();
    let pages = crate::book::contents(workspace.root(), &EDITIONS[0])?;
    let catalog = Catalog::read(workspace)?;
    let programs = catalog.programs().iter().map(|program| program.name().to_owned()).collect();
    let exercises = Exercises::read(workspace)?;
    let (bonuses, exercises): (Vec<_>, Vec<_>) =
        exercises.all().iter().partition(|exercise| exercise.is_bonus());
    let names = |some: Vec<&Exercise>| some.iter().map(|it| it.name().to_owned()).collect();
    let mut output = show::output();
    for (what, all, done) in [
        ("pages read", pages, done.pages),
        ("programs run", programs, done.programs),
        ("exercises solved", names(exercises), done.exercises.clone()),
        ("bonuses solved", names(bonuses), done.exercises),
    ] {
        let all: Vec<String> = all;
        let count = all.iter().filter(|name| done.contains(*name)).count();
        let next = all.iter().find(|name| !done.contains(*name));
        let next = next.map_or(String::new(), |next| format!("; next: {next}"));
        writeln!(output, "{count:>3} of {:>2} {what}{next}", all.len())?;
    }
    Ok(Status::Fine)
}
