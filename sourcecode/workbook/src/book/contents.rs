//! The pages of an edition in their order, as its `SUMMARY.md` has them.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::edition::Edition;

/// The names of all pages, such as `session-create`.
pub fn contents(root: &Path, edition: &Edition) -> Result<Vec<String>> {
    let file = edition.pages(root).join("SUMMARY.md");
    let text =
        fs::read_to_string(&file).with_context(|| format!("could not read {}", file.display()))?;
    let name = |line: &str| {
        let (_, link) = line.split_once("](")?;
        Some(link.split_once(".md)")?.0.to_owned())
    };
    Ok(text.lines().filter_map(name).collect())
}
