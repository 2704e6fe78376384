//! An edition as one file for an e-book reader: EPUB 3.
//!
//! It is made of the finished pages, so it shows what they show: listings, outputs and drawings. Only the
//! markup is another: XML.

mod archive;
mod chapter;
mod package;
#[cfg(test)]
mod tests;
mod xhtml;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result};
use mdbook_driver::MDBook;

use self::archive::Archive;
use self::chapter::Chapter;
use self::package::Package;
use super::build::build;
use super::edition::{EDITIONS, Edition};

const STYLE: &str = include_str!("style.css");

/// Builds both editions below the workspace `root`, and an e-book of each; where those are.
///
/// # Errors
///
/// What [`build`] reports; a file that cannot be written.
pub fn epub(root: &Path) -> Result<Vec<PathBuf>> {
    build(root)?;
    EDITIONS.iter().map(|edition| write(root, edition)).collect()
}

fn write(root: &Path, edition: &Edition) -> Result<PathBuf> {
    let book = MDBook::load(edition.folder(root))?;
    let built = edition.built(root);
    let chapters: Vec<Chapter> =
        chapter::of(&book).map(|chapter| chapter.read(&built)).collect::<Result<_>>()?;
    let package = Package { settings: &book.config.book, edition, chapters: &chapters };

    let mut archive = Archive::new()?;
    archive.add("META-INF/container.xml", package::CONTAINER.as_bytes())?;
    archive.add("book/style.css", STYLE.as_bytes())?;
    archive.add("book/package.opf", package.description(SystemTime::now()).as_bytes())?;
    archive.add("book/contents.xhtml", package.contents().as_bytes())?;
    archive.add("book/title.xhtml", package.title().as_bytes())?;
    for chapter in &chapters {
        let page = package.page(&chapter.name, &chapter.text);
        archive.add(&format!("book/{}", chapter.file), page.as_bytes())?;
    }
    let path = built.join("book.epub");
    fs::write(&path, archive.finish()?)
        .with_context(|| format!("could not write {}", path.display()))?;
    Ok(path)
}
