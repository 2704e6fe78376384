//! What other sites show of a page that somebody links to: a title, a few words, a picture.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::super::edition::Edition;
use super::super::html::escape;
use super::{Address, Settings};

/// The width and the height of the picture, in pixels.
const SIZE: (u32, u32) = (1200, 630);
/// No site shows more letters of a description.
const LONGEST: usize = 200;
/// Where the words at the beginning of a page end.
const ENDS: [&str; 5] = ["<h2", "<figure", "<details", "<pre", "</main>"];

/// Puts the picture of the edition into the site.
///
/// # Errors
///
/// A picture that is not there.
pub fn copy(root: &Path, edition: &Edition, site: &Path) -> Result<()> {
    let from = root.join(format!("book/cards/{}.png", edition.code));
    let what =
        || format!("could not copy {}; `python3 book/browser card` makes it", from.display());
    fs::copy(&from, site.join(file(edition))).map(|_| ()).with_context(what)
}

/// The picture of the edition, in the site.
fn file(edition: &Edition) -> String {
    format!("card-{}.png", edition.code)
}

/// A page of an edition with its card.
pub fn with_card(
    page: &str,
    name: &str,
    edition: &Edition,
    settings: &Settings,
    address: Option<&Address>,
) -> String {
    let title = between(page, "<h1", "</h1>").map_or_else(|| escape(&settings.title), text);
    let words = between(page, "</h1>", "</main>").map(beginning).unwrap_or_default();
    let words = if words.is_empty() { escape(&settings.description) } else { words };
    let place = format!("{}/{name}", edition.code);
    let card = card(&title, &words, &place, "../", edition, settings, address);
    page.replacen("</title>", &format!("</title>\n{card}"), 1)
}

/// The card of the start page, which is in the language of this edition.
pub fn of_start(edition: &Edition, settings: &Settings, address: Option<&Address>) -> String {
    let (title, words) = (escape(&settings.title), escape(&settings.description));
    card(&title, &words, "", "", edition, settings, address)
}

/// The elements for the head of a page; `title` and `words` are HTML already.
fn card(
    title: &str,
    words: &str,
    place: &str,
    up: &str,
    edition: &Edition,
    settings: &Settings,
    address: Option<&Address>,
) -> String {
    let picture = file(edition);
    let picture = address.map_or_else(|| format!("{up}{picture}"), |address| address.of(&picture));
    let (width, height) = (SIZE.0.to_string(), SIZE.1.to_string());
    let book = escape(&settings.title);
    let mut properties = vec![
        ("type", if place.is_empty() { "website" } else { "article" }),
        ("site_name", &book),
        ("title", title),
        ("description", words),
        ("locale", edition.locale),
        ("locale:alternate", edition.other().locale),
        ("image", &picture),
        ("image:width", &width),
        ("image:height", &height),
        ("image:alt", &book),
    ];
    let url = address.map(|address| address.of(place));
    properties.extend(url.as_deref().map(|url| ("url", url)));
    let mut html = String::from("<meta name=\"twitter:card\" content=\"summary_large_image\">\n");
    for (name, value) in properties {
        let value = value.replace('"', "&quot;");
        html += &format!("<meta property=\"og:{name}\" content=\"{value}\">\n");
    }
    if let Some(url) = url {
        html += &format!("<link rel=\"canonical\" href=\"{url}\">\n");
    }
    html
}

fn between<'a>(page: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let main = page.split_once("<main>")?.1;
    Some(main.split_once(start)?.1.split_once(end)?.0)
}

/// The words of a page before its first section, cut where no site shows more.
fn beginning(html: &str) -> String {
    let end = ENDS.iter().filter_map(|end| html.find(end)).min().unwrap_or(html.len());
    let words = text(&format!(">{}", &html[..end]));
    if words.chars().count() <= LONGEST {
        return words;
    }
    let mut short = String::new();
    for word in words.split(' ') {
        if short.chars().count() + word.chars().count() + 2 > LONGEST {
            break;
        }
        short += word;
        short.push(' ');
    }
    format!("{}…", short.trim_end_matches([' ', ',', ';', ':']))
}

/// The text of a piece of HTML that begins inside a tag.
fn text(html: &str) -> String {
    let parts = html.split('<').map(|part| part.split_once('>').map_or("", |(_, text)| text));
    parts.collect::<Vec<_>>().concat().split_whitespace().collect::<Vec<_>>().join(" ")
}
