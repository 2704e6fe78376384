//! Which English text a translated page follows: its first line is `<!-- follows: HASH -->`.
//!
//! When the English page changes, its hash does, and a test says that the translation is stale.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use data_encoding::HEXLOWER;
use programs::{Error, ErrorKind};
use sha2::{Digest, Sha256};

use super::edition::{EDITIONS, Edition};

/// What was between a translated page and the English one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It follows the English page as it is.
    Current,
    /// It follows an older one.
    Stale,
    /// It does not say what it follows.
    Unknown,
}

/// Twelve hexadecimal digits of the SHA-256 of an English page, whatever its line endings are.
pub fn hash(english: &str) -> String {
    let digest = Sha256::digest(english.replace("\r\n", "\n"));
    HEXLOWER.encode(&digest[..6])
}

/// The hash that a page names in its first line.
pub fn followed(page: &str) -> Option<&str> {
    page.lines().next()?.strip_prefix("<!-- follows: ")?.strip_suffix(" -->")
}

/// Whether a page follows this English one.
pub fn state(english: &str, page: &str) -> State {
    match followed(page) {
        Some(followed) if followed == hash(english) => State::Current,
        Some(_) => State::Stale,
        None => State::Unknown,
    }
}

/// Notes in the translations of a page that they follow the English page as it is now. Returns their
/// files, and what was before.
///
/// # Errors
///
/// There is no such page in English, or in another language.
pub fn follow(root: &Path, name: &str) -> Result<Vec<(String, State)>> {
    let english = read(root, &EDITIONS[0], name)?;
    let mut followers = Vec::new();
    for edition in &EDITIONS[1..] {
        let page = read(root, edition, name)?;
        let file = file(edition, name);
        let text = match followed(&page) {
            Some(_) => page.split_once('\n').map_or("", |(_, rest)| rest),
            None => &page,
        };
        let text = format!("<!-- follows: {} -->\n{text}", hash(&english));
        if text != page {
            fs::write(root.join(&file), text).with_context(|| format!("could not write {file}"))?;
        }
        followers.push((file, state(&english, &page)));
    }
    Ok(followers)
}

/// The names of all pages that there are in some other language than English.
pub fn translated(root: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for edition in &EDITIONS[1..] {
        let folder = edition.pages(root);
        let cannot = || format!("could not read {}", folder.display());
        for entry in folder.read_dir().with_context(cannot)? {
            let name = entry.with_context(cannot)?.file_name().to_string_lossy().into_owned();
            names.extend(
                name.strip_suffix(".md").filter(|name| *name != "SUMMARY").map(str::to_owned),
            );
        }
    }
    names.sort();
    names.dedup();
    Ok(names)
}

/// Where a page of an edition is, relative to the workspace.
pub fn file(edition: &Edition, name: &str) -> String {
    format!("book/{}/src/{name}.md", edition.code)
}

fn read(root: &Path, edition: &Edition, name: &str) -> Result<String> {
    let file = file(edition, name);
    let path = root.join(&file);
    let page = name != "SUMMARY" && !name.contains(['/', '\\', '.']);
    if !page || !path.is_file() {
        let message =
            format!("there is no page {file}; name one such as `session-file`, or `--all`");
        return Err(anyhow!(Error::new(ErrorKind::Usage, message)));
    }
    fs::read_to_string(&path).with_context(|| format!("could not read {file}"))
}
