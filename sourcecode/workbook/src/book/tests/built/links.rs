//! Every link of a finished page leads to a page, a place on it, or a file.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use super::{Built, editions, files, tags};
use crate::book::edition::EDITIONS;
use crate::book::tests::markup;

/// Where readers are led to that is not the book, beside which nothing may be.
const ELSEWHERE: [&str; 0] = [];

/// The ids of every page of every edition, by the page's file.
fn ids(editions: &[Built]) -> HashMap<PathBuf, HashSet<String>> {
    let pages = editions.iter().flat_map(|built| {
        built.pages.iter().map(|(name, page)| {
            let ids = tags(page).filter_map(|tag| tag.get("id")).map(str::to_owned).collect();
            (built.folder.join(name), ids)
        })
    });
    pages.collect()
}

/// The file and the place that a link means, on a page of this name.
fn target(built: &Built, name: &str, link: &str) -> (PathBuf, String) {
    let (path, id) = link.split_once('#').unwrap_or((link, ""));
    let path = path.split('?').next().unwrap_or_default();
    let served = path.strip_prefix("../").or(path.strip_prefix('/'));
    let other = served.and_then(|path| {
        // Served beside this edition, built in a folder of its own.
        let (code, page) = path.split_once('/').unwrap_or((path, ""));
        let other = EDITIONS.iter().find(|edition| edition.code == code)?;
        Some(built.folder.join("../..").join(other.code).join("build").join(page))
    });
    let mut file = match other {
        Some(file) => file.components().collect(),
        None if path.is_empty() => built.folder.join(name),
        None => built.folder.join(path),
    };
    if let Ok(canonical) = file.canonicalize() {
        file = canonical;
    }
    if file.is_dir() {
        file.push("index.html");
    }
    (file, id.to_owned())
}

#[track_caller]
fn check(link: &str, name: &str, built: &Built, ids: &HashMap<PathBuf, HashSet<String>>) {
    if link.starts_with("data:") {
        return;
    }
    let place = format!("{}/{name}: {link}", built.edition.code);
    if link.contains("//") || link.starts_with("mailto:") {
        assert!(ELSEWHERE.contains(&link), "{place} is not in the list of what is elsewhere");
        return;
    }
    let (file, id) = target(built, name, link);
    assert!(file.is_file(), "{place} leads to no file");
    let page = file.extension().is_some_and(|extension| extension == "html");
    if page && !id.is_empty() {
        assert!(ids[&file].contains(&id), "{place}: the page has no such place");
    }
}

#[test]
fn every_link_leads_somewhere() {
    let editions = editions();
    let ids = ids(&editions);
    for built in &editions {
        for (name, page) in &built.pages {
            let links =
                tags(page).flat_map(|tag| tag.get("href").into_iter().chain(tag.get("src")));
            links.for_each(|link| check(link, name, built, &ids));
        }
        // The contents are put on every page by a script.
        let script = &files(&built.folder, "toc.js")["toc.js"];
        let contents = markup::tags(script);
        let mut links: Vec<&str> = contents.iter().filter_map(|tag| tag.get("href")).collect();
        links.dedup();
        assert!(!links.is_empty());
        links.into_iter().for_each(|link| check(link, "toc.js", built, &ids));
    }
}

#[test]
fn every_place_is_there_once() {
    for built in editions() {
        for (name, page) in built.written() {
            let mut ids = HashSet::new();
            for id in tags(page).filter_map(|tag| tag.get("id")) {
                assert!(ids.insert(id), "{name}: the id {id} is used twice");
            }
        }
    }
}
