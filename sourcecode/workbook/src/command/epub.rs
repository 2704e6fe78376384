//! `epub`: the book as files for an e-book reader.

use std::io::Write;

use anyhow::Result;
use programs::Workspace;

use crate::book;
use crate::show;
use crate::status::Status;

pub fn epub(workspace: &Workspace) -> Result<Status> {
    let mut output = show::output();
    for path in book::epub(workspace.root())? {
        let path = path.strip_prefix(workspace.root()).unwrap_or(&path);
        writeln!(output, "{}", path.display())?;
    }
    Ok(Status::Fine)
}
