//! `serve`: the book on this machine.

use anyhow::Result;
use programs::Workspace;

use crate::book;
use crate::status::Status;

pub fn serve(workspace: &Workspace, port: Option<u16>) -> Result<Status> {
    book::serve(workspace.root(), port)?;
    Ok(Status::Fine)
}
