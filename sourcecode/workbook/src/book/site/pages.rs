//! The pages that belong to no edition: the first one, and the one for what is not there.

use std::path::Path;

use anyhow::Result;

use super::super::edition::EDITIONS;
use super::super::html::escape;
use super::{Address, Settings, card};

const START: &str = include_str!("start.html");
const MISSING: &str = include_str!("missing.html");
const STYLE: &str = include_str!("style.css");

/// The page that offers all editions.
pub fn start(root: &Path, address: Option<&Address>) -> Result<String> {
    let (first, settings) = (&EDITIONS[0], Settings::read(root, &EDITIONS[0])?);
    let card = card::of_start(first, &settings, address);
    let page = START
        .replace("LANGUAGE", first.code)
        .replace("STYLE", STYLE)
        .replace("EDITIONS", &editions(root, "")?);
    let page = page.replace("DESCRIPTION", &escape(&settings.description));
    Ok(page.replace("TITLE", &escape(&settings.title)).replace("CARD", &card))
}

/// The page for what is not there. A host shows it under any path, so its links begin at the host. Without
/// an address, a script finds where the site begins in the path that was asked for.
pub fn missing(root: &Path, address: Option<&Address>) -> Result<String> {
    let up = address.map_or("/", Address::path);
    let codes: Vec<&str> = EDITIONS.iter().map(|edition| edition.code).collect();
    let page = MISSING
        .replace("LANGUAGE", EDITIONS[0].code)
        .replace("STYLE", STYLE)
        .replace("CODES", &codes.join("|"))
        .replace("EDITIONS", &editions(root, up)?);
    Ok(page.replace("TITLE", &escape(&Settings::read(root, &EDITIONS[0])?.title)))
}

/// A way into each edition.
fn editions(root: &Path, up: &str) -> Result<String> {
    let mut html = String::new();
    for edition in &EDITIONS {
        let settings = Settings::read(root, edition)?;
        html += &format!(
            "<li lang=\"{code}\"><a hreflang=\"{code}\" href=\"{up}{code}/index.html\">{name}</a>\n\
             <p><strong>{title}</strong></p>\n<p>{description}</p></li>\n",
            code = edition.code,
            name = edition.name,
            title = escape(&settings.title),
            description = escape(&settings.description),
        );
    }
    Ok(html)
}
