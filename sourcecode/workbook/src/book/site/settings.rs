//! What `book.toml` says of an edition.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::super::edition::Edition;

/// The part of it that a site shows.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Settings {
    pub title: String,
    pub description: String,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    book: Settings,
}

impl Settings {
    /// Reads those of an edition.
    pub fn read(root: &Path, edition: &Edition) -> Result<Settings> {
        let path = edition.folder(root).join("book.toml");
        let text = fs::read_to_string(&path)
            .with_context(|| format!("could not read {}", path.display()))?;
        let file: File =
            toml::from_str(&text).with_context(|| format!("{} has an error", path.display()))?;
        Ok(file.book)
    }
}
