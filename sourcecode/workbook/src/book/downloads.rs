//! Files that readers take along: those in `book/python/`, which each edition has beside its pages, and
//! which pages link to as `python/NAME`.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use anyhow::{Context, Result};

/// What their links begin with.
pub const BEGINNING: &str = "python/";

/// Their links, such as `python/read_beaker_rs.py`. What Python leaves there is not among them.
pub fn links(root: &Path) -> io::Result<BTreeSet<String>> {
    let folder = match root.join("book/python").read_dir() {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeSet::new()),
        folder => folder?,
    };
    let mut links = BTreeSet::new();
    for entry in folder {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".py") || name.ends_with(".txt") {
            links.insert(format!("{BEGINNING}{name}"));
        }
    }
    Ok(links)
}

/// Puts them beside the pages in `built`.
pub fn copy(root: &Path, built: &Path) -> Result<()> {
    let copied = links(root).and_then(|links| {
        fs::create_dir_all(built.join(BEGINNING))?;
        links
            .iter()
            .try_for_each(|link| fs::copy(root.join("book").join(link), built.join(link)).map(drop))
    });
    copied.context("could not copy the files of book/python")
}
