//! The finished pages of the real book.

mod access;
mod budget;
mod interface;
mod links;
mod network;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use super::markup::{Piece, Tag, pieces};
use super::real_root;
use crate::book::build::build;
use crate::book::edition::{EDITIONS, Edition};

/// A finished edition.
struct Built {
    edition: &'static Edition,
    folder: PathBuf,
    /// Every page by its file's name.
    pages: BTreeMap<String, Vec<Piece>>,
}

/// What mdBook adds to the pages that are written: all chapters once more, what is shown for a page that
/// is not there, and a frame for those without scripts.
const EXTRAS: [&str; 3] = ["print.html", "404.html", "toc.html"];

fn editions() -> Vec<Built> {
    let root = real_root();
    build(&root).unwrap();
    let edition = |edition: &'static Edition| {
        let folder = edition.built(&root);
        let pages = files(&folder, ".html").into_iter();
        let pages = pages.map(|(name, html)| (name, pieces(&html))).collect();
        Built { edition, folder, pages }
    };
    EDITIONS.iter().map(edition).collect()
}

impl Built {
    /// The pages that are written, each with a name for messages.
    fn written(&self) -> impl Iterator<Item = (String, &Vec<Piece>)> {
        let code = self.edition.code;
        let written = self.pages.iter().filter(|(name, _)| !EXTRAS.contains(&name.as_str()));
        written.map(move |(name, page)| (format!("{code}/{name}"), page))
    }
}

/// The files of a folder, by their names, which end with this.
fn files(folder: &std::path::Path, end: &str) -> BTreeMap<String, String> {
    let paths = folder.read_dir().unwrap().map(|entry| entry.unwrap().path());
    let file = |path: PathBuf| {
        let name = path.file_name()?.to_str()?.to_owned();
        name.ends_with(end).then(|| (name, fs::read_to_string(&path).unwrap()))
    };
    paths.filter_map(file).collect()
}

fn tags(page: &[Piece]) -> impl Iterator<Item = &Tag> {
    page.iter().filter_map(|piece| match piece {
        Piece::Open(tag) => Some(tag),
        Piece::Close(_) | Piece::Text(_) => None,
    })
}

/// What is between `<name>` and `</name>`.
fn inside<'a>(page: &'a [Piece], name: &str) -> &'a [Piece] {
    let start = page.iter().position(|p| matches!(p, Piece::Open(tag) if tag.name == name));
    let end = page.iter().position(|p| matches!(p, Piece::Close(closed) if closed == name));
    &page[start.unwrap()..end.unwrap()]
}

/// What is written in these pieces.
fn text(page: &[Piece]) -> String {
    let text = |piece: &Piece| match piece {
        Piece::Text(text) => text.clone(),
        Piece::Open(_) | Piece::Close(_) => String::new(),
    };
    page.iter().map(text).collect()
}
