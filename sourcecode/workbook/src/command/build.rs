//! `build`: the book as pages.

use anyhow::Result;
use programs::Workspace;

use crate::book;
use crate::status::Status;

pub fn build(workspace: &Workspace) -> Result<Status> {
    book::build(workspace.root())?;
    Ok(Status::Fine)
}
