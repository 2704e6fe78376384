//! What the book is made from, as one number: while it stays, a finished book is up to date.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::edition::Edition;
use super::glossary;

/// The folders and files that pages are made from, relative to the workspace.
pub fn paths(root: &Path, edition: &Edition) -> Vec<PathBuf> {
    let folder = edition.folder(root);
    vec![
        folder.join("book.toml"),
        folder.join("interface.toml"),
        folder.join("src"),
        // A page links to the same page of the other edition, if it is there.
        edition.other().pages(root),
        root.join("book/theme"),
        root.join("book/figures"),
        root.join("book/python"),
        root.join("book/costs.txt"),
        root.join(glossary::FILE),
        root.join("examples"),
        root.join("expected-output"),
        root.join("sourcecode"),
    ]
}

/// Changes when a file changes, comes or goes, and when this program was built anew.
pub fn fingerprint(root: &Path, edition: &Edition) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    for path in paths(root, edition) {
        add(&path, &mut hasher).with_context(|| format!("could not read {}", path.display()))?;
    }
    let program = std::env::current_exe().and_then(|path| path.metadata());
    if let Ok(program) = program {
        (program.len(), program.modified().ok()).hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}

fn add(path: &Path, hasher: &mut DefaultHasher) -> std::io::Result<()> {
    if path.is_dir() {
        let mut entries = Vec::new();
        for entry in path.read_dir()? {
            entries.push(entry?.path());
        }
        entries.sort();
        return entries.iter().try_for_each(|entry| add(entry, hasher));
    }
    if path.exists() {
        path.hash(hasher);
        fs::read(path)?.hash(hasher);
    }
    Ok(())
}
