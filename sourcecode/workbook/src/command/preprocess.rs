//! `preprocess`: what the plain `mdbook build` calls.

use anyhow::Result;

use crate::book;
use crate::status::Status;

pub fn preprocess(arguments: &[String]) -> Result<Status> {
    book::preprocess(arguments)?;
    Ok(Status::Fine)
}
