//! Search that knows the endings of Russian and of English words.
//!
//! mdBook's own index holds no Cyrillic word, and takes `standings.get_or_create(` for one word. So
//! the index that it wrote is made anew from the same texts, with our [`words`], and the scripts that
//! a query needs go into the same file: they are there whenever the index is.

mod index;
mod script;
#[cfg(test)]
mod tests;
mod words;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::edition::Edition;

/// Makes the index of the built edition in this folder anew. The link to the other edition, with which
/// every page begins, is no text of it.
///
/// # Errors
///
/// An index that is not there, or that is not written as mdBook 0.5 writes it.
pub fn refresh(built: &Path, edition: &Edition) -> Result<()> {
    let path = built.join("searchindex.js");
    let script =
        fs::read_to_string(&path).with_context(|| format!("could not read {}", path.display()))?;
    let mut settings = script::read(&script)
        .with_context(|| format!("{} is not what mdBook 0.5 writes", path.display()))?;
    let documents = settings["index"]["documentStore"]["docs"].take();
    let documents = documents.as_object().context("the search index of mdBook has no documents")?;
    ensure!(!documents.is_empty(), "the search index of mdBook has no documents");
    let index = index::of(documents, edition.other().name)?;
    settings.as_object_mut().map(|settings| settings.remove("index"));
    fs::write(&path, script::write(&settings, &index))
        .with_context(|| format!("could not write {}", path.display()))
}
