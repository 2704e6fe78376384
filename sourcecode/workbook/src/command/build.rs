//! `build`: the book as a site.

use anyhow::Result;
use programs::Workspace;

use crate::book;
use crate::status::Status;

pub fn build(workspace: &Workspace, address: Option<&book::Address>) -> Result<Status> {
    book::site(workspace.root(), address)?;
    Ok(Status::Fine)
}
