//! What mdBook itself says on its pages, in the language of the edition.
//!
//! mdBook has its English words in its template, its scripts and its code, and no setting for them. An
//! edition has a list of them, and the finished pages are changed after it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// From mdBook's words to those of the edition.
type Words = BTreeMap<String, String>;

/// The attributes that are shown or read out.
pub const ATTRIBUTES: [&str; 3] = ["title", "aria-label", "placeholder"];

/// The list of an edition: see `book/ru/interface.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Interface {
    attributes: Words,
    texts: Words,
    boxes: Words,
    missing: Words,
    scripts: BTreeMap<String, Words>,
}

/// Changes the finished pages and scripts in `built` after the edition's list, if it has one.
///
/// # Errors
///
/// A list with a mistake; a script that no longer says what the list takes from it.
pub fn translate(edition: &Path, built: &Path) -> Result<()> {
    let list = edition.join("interface.toml");
    if !list.exists() {
        return Ok(());
    }
    let text =
        fs::read_to_string(&list).with_context(|| format!("could not read {}", list.display()))?;
    let interface: Interface =
        toml::from_str(&text).with_context(|| format!("{} has an error", list.display()))?;
    for entry in built.read_dir().with_context(|| format!("could not read {}", built.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "html") {
            change(&path, |page| Ok(interface.page(page)))?;
        }
    }
    for (name, words) in &interface.scripts {
        change(&built.join(name), |script| in_script(name, script, words))?;
    }
    Ok(())
}

fn change(path: &Path, work: impl FnOnce(&str) -> Result<String>) -> Result<()> {
    let text =
        fs::read_to_string(path).with_context(|| format!("could not read {}", path.display()))?;
    fs::write(path, work(&text)?).with_context(|| format!("could not write {}", path.display()))
}

impl Interface {
    /// The text of a page is the author's, but for the headings of boxes and for the page of mdBook's own.
    fn page(&self, page: &str) -> String {
        let Some((before, rest)) = page.split_once("<main>") else { return page.to_owned() };
        let Some((main, after)) = rest.split_once("</main>") else { return page.to_owned() };
        let mut text = main.to_owned();
        for (from, to) in &self.boxes {
            text = text.replace(&format!("</svg>{from}</p>"), &format!("</svg>{to}</p>"));
        }
        if self.missing.keys().all(|from| main.contains(&between(from))) {
            text = replace(text, &self.missing, between);
        }
        format!("{}<main>{text}</main>{}", self.around(before), self.around(after))
    }

    fn around(&self, part: &str) -> String {
        let mut part = replace(part.to_owned(), &self.texts, between);
        for attribute in ATTRIBUTES {
            part = replace(part, &self.attributes, |words| format!(" {attribute}=\"{words}\""));
        }
        part
    }
}

fn between(words: &str) -> String {
    format!(">{words}<")
}

fn replace(mut text: String, words: &Words, place: impl Fn(&str) -> String) -> String {
    for (from, to) in words {
        text = text.replace(&place(from), &place(to));
    }
    text
}

fn in_script(name: &str, script: &str, words: &Words) -> Result<String> {
    let mut script = script.to_owned();
    for (from, to) in words {
        ensure!(script.contains(from), "mdBook's {name} does not say `{from}` any more");
        script = script.replace(from, to);
    }
    Ok(script)
}
