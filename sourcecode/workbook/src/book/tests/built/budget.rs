//! What a page weighs with all that it loads, and that it can be read before a script has run.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::{Built, editions, inside, tags, text};
use crate::book::tests::markup::{Piece, Tag};

/// A page with its styles, scripts and fonts, as they are on the disk: 300 KB.
const PAGE: u64 = 300_000;
/// What is searched of more than forty pages, which is loaded when a reader searches: 2 MB.
const SEARCH: u64 = 2_000_000;

/// The files that a browser loads for a page, relative to the edition's folder. Pictures are in the page.
fn loaded(folder: &Path, page: &[Piece]) -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    for tag in tags(page) {
        let file = match (tag.name.as_str(), tag.get("rel")) {
            ("script" | "img", _) => tag.get("src"),
            ("link", Some("stylesheet" | "icon")) => tag.get("href"),
            _ => continue,
        };
        files.extend(file.filter(|file| !file.starts_with("data:")).map(str::to_owned));
    }
    let mut fonts = BTreeSet::new();
    for sheet in files.iter().filter(|file| file.ends_with(".css")) {
        let css = fs::read_to_string(folder.join(sheet)).unwrap();
        for url in css.split("url(").skip(1).filter_map(|rest| rest.split(')').next()) {
            let url = url.trim_matches(['"', '\'']);
            if !url.starts_with("data:") {
                let parent = Path::new(sheet).parent().unwrap();
                fonts.insert(parent.join(url).to_string_lossy().into_owned());
            }
        }
    }
    files.extend(fonts);
    files
}

fn size(built: &Built, file: &str) -> u64 {
    fs::metadata(built.folder.join(file)).unwrap_or_else(|_| panic!("{file} is missing")).len()
}

#[test]
fn a_page_with_all_it_loads_is_light() {
    for built in editions() {
        for (name, page) in built.written() {
            let file = name.split_once('/').unwrap().1;
            let files = loaded(&built.folder, page);
            assert!(files.iter().any(|file| file.ends_with(".woff2")), "{name}: {files:?}");
            let parts: Vec<(u64, &str)> = files
                .iter()
                .map(String::as_str)
                .chain([file])
                .map(|file| (size(&built, file), file))
                .collect();
            let total: u64 = parts.iter().map(|(size, _)| size).sum();
            assert!(total < PAGE, "{name}: {total} bytes, at most {PAGE}: {parts:?}");
        }
        assert!(size(&built, "searchindex.js") < SEARCH, "book/{}", built.edition.code);
    }
}

#[test]
fn no_script_keeps_a_reader_waiting() {
    // The contents, which mdBook wants early: the same for all pages, so a browser has it in store.
    const EARLY: &str = "toc.js";
    for built in editions() {
        assert!(size(&built, EARLY) < 50_000);
        for (name, page) in built.written() {
            let end = page.iter().position(|p| matches!(p, Piece::Close(tag) if tag == "main"));
            let waits = |tag: &&Tag| {
                let later = tag.get("defer").or(tag.get("async")).is_some();
                tag.name == "script" && !later && tag.get("src").is_some_and(|src| src != EARLY)
            };
            let waits: Vec<&Tag> = tags(&page[..end.unwrap()]).filter(waits).collect();
            assert!(waits.is_empty(), "{name}: {waits:?} come before the text");
            let words = text(inside(page, "main")).split_whitespace().count();
            assert!(words > 100, "{name}: {words} words are there without a script");
        }
    }
}
