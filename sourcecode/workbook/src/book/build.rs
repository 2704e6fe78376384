//! Both editions, from Markdown to finished pages.

use std::fs::{self, File};
use std::path::Path;
use std::thread;

use anyhow::{Context, Result, anyhow, bail};
use mdbook_driver::MDBook;

use super::downloads;
use super::edition::{EDITIONS, Edition};
use super::inputs::fingerprint;
use super::interface;
use super::pages::Pages;
use super::search;
use super::slim;
use super::warnings;

/// Builds both editions below the workspace `root`, unless they are up to date.
///
/// # Errors
///
/// A page with a mistake, with its file and line; all of them are reported at once. The pages
/// that were built before stay.
pub fn build(root: &Path) -> Result<()> {
    build_and_name(root).map(|_| ())
}

/// Builds, and returns a name for this state of the book.
pub fn build_and_name(root: &Path) -> Result<String> {
    let _lock = lock(root)?;
    let works = thread::scope(|scope| {
        let works = EDITIONS.each_ref().map(|edition| scope.spawn(|| refresh(root, edition)));
        works.map(std::thread::ScopedJoinHandle::join)
    });
    let (mut names, mut errors) = (Vec::new(), Vec::new());
    for work in works {
        match work {
            Ok(Ok(name)) => names.push(name),
            Ok(Err(error)) => errors.push(format!("{error:#}")),
            Err(_) => errors.push("mdBook stopped in the middle of its work".to_owned()),
        }
    }
    if errors.is_empty() { Ok(names.join("-")) } else { bail!("{}", errors.join("\n")) }
}

// Two processes that write one folder would trip over each other.
fn lock(root: &Path) -> Result<File> {
    let folder = root.join("target");
    let path = folder.join("book.lock");
    fs::create_dir_all(&folder)
        .and_then(|()| File::create(&path))
        .and_then(|file| file.lock().map(|()| file))
        .with_context(|| format!("could not lock {}", path.display()))
}

fn refresh(root: &Path, edition: &Edition) -> Result<String> {
    let stamp = edition.built(root).join(".stamp");
    // Taken before the pages are read: what changes meanwhile is found the next time.
    let current = fingerprint(root, edition)?;
    if fs::read_to_string(&stamp).is_ok_and(|built| built == current) {
        return Ok(current);
    }
    let (result, warnings) = warnings::collect(|| render(root, edition));
    let cannot = format!("book/{} cannot be built", edition.code);
    result.map_err(|error| anyhow!("{cannot}:\n{error:#}"))?;
    if !warnings.is_empty() {
        bail!("{cannot}:\n{}", warnings.join("\n"));
    }
    fs::write(&stamp, &current).with_context(|| format!("could not write {}", stamp.display()))?;
    Ok(current)
}

fn render(root: &Path, edition: &Edition) -> Result<()> {
    let mut book = MDBook::load(edition.folder(root))?;
    // Takes the place of the command that `book.toml` gives under the same name.
    book.with_preprocessor(Pages);
    book.build()?;
    let built = edition.built(root);
    downloads::copy(root, &built)?;
    search::refresh(&built, edition)?;
    interface::translate(&edition.folder(root), &built)?;
    slim::slim(&built)
}
