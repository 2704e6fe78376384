//! `serve`: the book on this machine.

use std::time::Duration;

use anyhow::Result;
use programs::Workspace;

use crate::book;
use crate::status::Status;

pub fn serve(workspace: &Workspace, port: Option<u16>, limit: Duration) -> Result<Status> {
    book::serve(workspace.root(), port, limit)?;
    Ok(Status::Fine)
}
