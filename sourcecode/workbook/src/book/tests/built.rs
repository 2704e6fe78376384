//! The finished pages of the real book.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;

use super::real_root;
use crate::book::build::build;
use crate::book::edition::EDITIONS;

/// The values of an attribute in a page, as they are written.
fn values<'a>(html: &'a str, attribute: &str) -> Vec<&'a str> {
    let start = format!(" {attribute}=\"");
    html.split(&start).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

fn pages(folder: &Path) -> HashMap<String, String> {
    let mut pages = HashMap::new();
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        // `toc.html` is a frame of mdBook's for those without scripts, `404.html` has a base.
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.ends_with(".html") && name != "toc.html" && name != "404.html" {
            pages.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
    pages
}

#[test]
fn every_link_leads_somewhere() {
    let root = real_root();
    build(&root).unwrap();
    for edition in &EDITIONS {
        let folder = edition.built(&root);
        let pages = pages(&folder);
        let ids: HashMap<&str, HashSet<&str>> = pages
            .iter()
            .map(|(name, html)| (name.as_str(), values(html, "id").into_iter().collect()))
            .collect();
        for (name, html) in &pages {
            let mut links = values(html, "href");
            links.extend(values(html, "src"));
            for link in links.into_iter().filter(|link| !link.contains(':')) {
                let (file, id) = link.split_once('#').unwrap_or((link, ""));
                let place = format!("{}/{name}: {link}", edition.code);
                if let Some(path) = file.strip_prefix("../") {
                    // The other edition: served beside this one, built in a folder of its own.
                    let (code, page) = path.split_once('/').unwrap_or((path, ""));
                    let page = if page.is_empty() { "index.html" } else { page };
                    assert!(root.join(format!("book/{code}/build/{page}")).exists(), "{place}");
                    continue;
                }
                assert!(file.is_empty() || folder.join(file).exists(), "{place}");
                let page = if file.is_empty() { name.as_str() } else { file };
                if !id.is_empty() && page.ends_with(".html") {
                    assert!(ids.get(page).is_some_and(|ids| ids.contains(id)), "{place}");
                }
            }
        }
    }
}

#[test]
fn nothing_is_fetched_from_the_network() {
    let root = real_root();
    build(&root).unwrap();
    for edition in &EDITIONS {
        let folder = edition.built(&root);
        for (name, html) in pages(&folder) {
            let mut fetched = values(&html, "src");
            // A plain `<a href>` is followed by the reader alone; a `<link>` is not.
            for link in html.split("<link").skip(1) {
                fetched.extend(values(link.split('>').next().unwrap(), "href"));
            }
            let remote = |url: &&str| !url.starts_with("data:") && url.contains("//");
            assert_eq!(fetched.into_iter().find(remote), None, "{}/{name}", edition.code);
            // mdBook's script would ask another server about blocks of this class.
            assert!(!html.contains("class=\"playground\""), "{}/{name}", edition.code);
        }
        for style in ["css/general.css", "css/chrome.css", "fonts/fonts.css", "fonts/page.css"] {
            let css = fs::read_to_string(folder.join(style)).unwrap();
            for url in css.split("url(").skip(1) {
                let url = url.split(')').next().unwrap().trim_matches(['"', '\'']);
                assert!(url.starts_with("data:") || !url.contains("//"), "{style}: {url}");
            }
        }
    }
}

#[test]
fn every_picture_has_words() {
    let root = real_root();
    build(&root).unwrap();
    for edition in &EDITIONS {
        for (name, html) in pages(&edition.built(&root)) {
            let main = html.split_once("<main>").unwrap().1.split_once("</main>").unwrap().0;
            for (start, attribute) in [("<img", "alt"), ("<svg role", "aria-label")] {
                for picture in main.split(start).skip(1) {
                    let words = values(picture.split('>').next().unwrap(), attribute);
                    assert!(words.len() == 1 && words[0].len() > 20, "{name}: {words:?}");
                }
            }
        }
    }
}
