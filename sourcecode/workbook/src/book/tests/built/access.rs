//! Pages for all readers: those who hear them, and those who read another language.

use super::{Built, EXTRAS, editions, inside, tags, text};
use crate::book::tests::markup::{Piece, Tag};

/// The elements of this name, each with what is in it.
fn elements<'a>(page: &'a [Piece], name: &'a str) -> impl Iterator<Item = (&'a Tag, &'a [Piece])> {
    page.iter().enumerate().filter_map(move |(index, piece)| match piece {
        Piece::Open(tag) if tag.name == name => {
            let rest = &page[index..];
            let end = rest.iter().position(|p| matches!(p, Piece::Close(closed) if closed == name));
            Some((tag, &rest[..end.unwrap_or(rest.len())]))
        }
        _ => None,
    })
}

#[test]
fn a_page_says_its_language() {
    for built in editions() {
        for (name, page) in &built.pages {
            let html = tags(page).find(|tag| tag.name == "html").unwrap();
            assert_eq!(html.get("lang"), Some(built.edition.code), "{name}");
        }
    }
}

#[test]
fn every_picture_has_words() {
    for built in editions() {
        for (name, page) in built.written() {
            let mut before = None;
            for tag in tags(inside(page, "main")) {
                // mdBook puts a sign before the word "Warning".
                let title = |tag: &Tag| tag.has_class("blockquote-tag-title");
                let sign = before.replace(tag).is_some_and(title);
                let words = match tag.name.as_str() {
                    "img" => tag.get("alt"),
                    "svg" if tag.get("role") == Some("img") => tag.get("aria-label"),
                    "svg" if sign => continue,
                    "svg" => panic!("{name}: a drawing without `role=\"img\"`"),
                    _ => continue,
                };
                assert!(words.is_some_and(|words| words.len() > 20), "{name}: {words:?}");
            }
        }
    }
}

#[test]
fn headings_go_down_step_by_step() {
    for built in editions() {
        for (name, page) in built.written() {
            let level = |tag: &Tag| tag.name.strip_prefix('h')?.parse::<u32>().ok();
            let levels: Vec<u32> = tags(inside(page, "main")).filter_map(level).collect();
            assert_eq!(levels.first(), Some(&1), "{name}");
            assert_eq!(levels.iter().filter(|level| **level == 1).count(), 1, "{name}: one title");
            assert!(levels.windows(2).all(|two| two[1] <= two[0] + 1), "{name}: {levels:?}");
        }
    }
}

#[test]
fn tables_say_what_is_in_their_columns() {
    for built in editions() {
        for (name, page) in built.written() {
            for (_, table) in elements(inside(page, "main"), "table") {
                let heads: Vec<String> =
                    elements(table, "th").map(|(_, head)| text(head).trim().to_owned()).collect();
                // The corner of a table whose rows have names is empty.
                let fine = heads.len() > 1 && heads.iter().skip(1).all(|head| !head.is_empty());
                assert!(fine, "{name}: {heads:?}");
            }
        }
    }
}

/// Links and buttons without a name, which who hears a page could not tell from one another.
fn nameless(built: &Built) -> Vec<String> {
    let mut found = Vec::new();
    for (name, page) in built.pages.iter().filter(|(name, _)| !EXTRAS.contains(&name.as_str())) {
        for kind in ["a", "button"] {
            for (tag, content) in elements(page, kind) {
                let named = tag.get("aria-label").or(tag.get("title")).is_some();
                if !named && text(content).trim().is_empty() {
                    found.push(format!("{}/{name}: {tag:?}", built.edition.code));
                }
            }
        }
    }
    found
}

#[test]
fn links_and_buttons_have_names() {
    for built in editions() {
        assert_eq!(nameless(&built), Vec::<String>::new());
    }
}
