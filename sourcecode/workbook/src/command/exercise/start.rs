//! `exercise start` and `exercise reset`.

use std::io::Write;

use anyhow::Result;
use programs::{Draft, Workspace};

use crate::exercise::Exercise;
use crate::reader::Reader;
use crate::show;
use crate::status::Status;

/// Puts the start where the reader edits it, unless there is an answer already.
pub fn start(workspace: &Workspace, exercise: &Exercise) -> Result<Status> {
    let draft = Draft::kept(workspace, exercise.name());
    let is_there = draft.source().exists();
    if !is_there {
        draft.write(workspace, &exercise.text("start.rs")?)?;
    }
    tell(workspace, exercise, &draft, if is_there { "Your answer is in" } else { "Edit" })
}

/// Puts the start there again; the next hint is the first.
pub fn reset(workspace: &Workspace, exercise: &Exercise) -> Result<Status> {
    let draft = Draft::kept(workspace, exercise.name());
    draft.write(workspace, &exercise.text("start.rs")?)?;
    Reader::open(workspace.root())?.forget_hints(exercise.name())?;
    tell(workspace, exercise, &draft, "The start is again in")
}

fn tell(workspace: &Workspace, exercise: &Exercise, draft: &Draft, what: &str) -> Result<Status> {
    let source = draft.source();
    let file = source.strip_prefix(workspace.root()).unwrap_or(&source);
    let number = exercise.short_name();
    let mut output = show::output();
    writeln!(output, "{what} {}", file.display())?;
    writeln!(output, "then `cargo run -- exercise check {number}` tells whether it is right,")?;
    writeln!(output, "`cargo run -- exercise watch {number}` does so whenever you save it,")?;
    writeln!(output, "and `cargo run -- exercise hint {number}` tells how to go on.")?;
    Ok(Status::Fine)
}
