//! Both editions as one site that any host of files can publish, under any path: `book/build`.
//!
//! Its pages link to one another by relative paths. What needs the [`Address`] of the site, such as the
//! [`sitemap`], is left out as long as nobody says what it is.

mod address;
mod card;
mod pages;
mod settings;
mod sitemap;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

pub use self::address::Address;
use self::settings::Settings;
use super::build::build;
use super::edition::EDITIONS;

/// What only our own build needs, and an error page that knows one fixed path.
const LEFT_OUT: [&str; 2] = [".stamp", "404.html"];

/// Builds both editions below the workspace `root`, and lays them out as a site.
///
/// # Errors
///
/// A page with a mistake; an edition without a picture for its card. The site that was there before stays.
pub fn site(root: &Path, address: Option<&Address>) -> Result<PathBuf> {
    build(root)?;
    let (folder, new) = (root.join("book/build"), root.join("book/.site/build"));
    let around = new.parent().unwrap_or(root);
    remove(around)?;
    lay_out(root, &new, address)?;
    remove(&folder)?;
    fs::rename(&new, &folder).with_context(|| format!("could not make {}", folder.display()))?;
    remove(around)?;
    Ok(folder)
}

fn lay_out(root: &Path, folder: &Path, address: Option<&Address>) -> Result<()> {
    for edition in &EDITIONS {
        let settings = Settings::read(root, edition)?;
        let to = folder.join(edition.code);
        copy(&edition.built(root), &to)?;
        card::copy(root, edition, folder)?;
        for name in names(&to)? {
            let path = to.join(&name);
            let page = read(&path)?;
            write(&path, card::with_card(&page, &name, edition, &settings, address))?;
        }
    }
    write(&folder.join("index.html"), pages::start(root, address)?)?;
    write(&folder.join("404.html"), pages::missing(root, address)?)?;
    if let Some(address) = address {
        write(&folder.join("sitemap.xml"), sitemap::sitemap(folder, address)?)?;
    }
    Ok(())
}

/// The pages of an edition, in order.
fn names(folder: &Path) -> Result<Vec<String>> {
    let failed = || format!("could not read {}", folder.display());
    let mut names = Vec::new();
    for entry in folder.read_dir().with_context(failed)? {
        let name = entry.with_context(failed)?.file_name().to_string_lossy().into_owned();
        // The frame of the contents is no page.
        if name.ends_with(".html") && name != "toc.html" {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let failed = || format!("could not copy {} to {}", from.display(), to.display());
    fs::create_dir_all(to).with_context(failed)?;
    for entry in from.read_dir().with_context(failed)? {
        let entry = entry.with_context(failed)?;
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target)?;
        } else if !LEFT_OUT.iter().any(|name| entry.file_name() == *name) {
            fs::copy(entry.path(), target).with_context(failed)?;
        }
    }
    Ok(())
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("could not remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("could not read {}", path.display()))
}

fn write(path: &Path, text: String) -> Result<()> {
    fs::write(path, text).with_context(|| format!("could not write {}", path.display()))
}
