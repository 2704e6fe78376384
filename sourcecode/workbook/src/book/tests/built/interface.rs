//! What mdBook itself says is said in the language of the edition.

use std::collections::BTreeSet;
use std::fs;

use super::{Built, editions, tags};
use crate::book::interface::ATTRIBUTES;
use crate::book::tests::markup::Piece;
use crate::book::tests::real_root;

/// Themes that are not shown, and names of keys.
const NOT_SAID: [&str; 5] = ["Rust", "Coal", "Ayu", "S", "Esc"];

/// What the reader sees or hears of a page around its text, and the headings of boxes in it.
fn around(page: &[Piece]) -> Vec<String> {
    let mut said = Vec::new();
    let (mut main, mut hidden, mut heading) = (false, true, false);
    for piece in page {
        match piece {
            Piece::Open(tag) => {
                main |= tag.name == "main";
                hidden |= tag.name == "script" || tag.name == "style";
                hidden &= tag.name != "body";
                heading |= tag.has_class("blockquote-tag-title");
                let values = ATTRIBUTES.iter().filter_map(|attribute| tag.get(attribute));
                said.extend(values.filter(|_| !main).map(str::to_owned));
            }
            Piece::Close(name) => {
                main &= name != "main";
                hidden &= name != "script" && name != "style";
                heading &= name != "p";
            }
            Piece::Text(text) if !hidden && (!main || heading) => said.push(text.trim().to_owned()),
            Piece::Text(_) => {}
        }
    }
    said
}

fn cyrillic(text: &str) -> bool {
    text.chars().any(|letter| ('а'..='я').contains(&letter))
}

/// Texts in quotes that begin as a sentence does.
fn sentences(script: &str) -> impl Iterator<Item = &str> {
    let quoted = script.lines().flat_map(|line| line.split(['\'', '"']).skip(1).step_by(2));
    quoted.filter(|text| {
        let mut letters = text.chars();
        letters.next().is_some_and(|first| first.is_ascii_uppercase())
            && letters.next().is_some_and(|second| second.is_ascii_lowercase())
    })
}

fn russian() -> Built {
    editions().into_iter().find(|built| built.edition.code == "ru").unwrap()
}

#[test]
fn pages_say_it_in_russian() {
    let built = russian();
    let frames = ["toc.html"];
    for (name, page) in built.pages.iter().filter(|(name, _)| !frames.contains(&name.as_str())) {
        let said = around(page);
        assert!(said.iter().any(|text| text == "Поиск по книге…"), "{name}");
        for text in said.iter().filter(|text| !NOT_SAID.contains(&text.as_str())) {
            let words = text.contains(char::is_alphabetic);
            assert!(
                !words || cyrillic(text),
                "ru/{name}: `{text}` is not in book/ru/interface.toml"
            );
        }
    }
}

#[test]
fn scripts_say_it_in_russian() {
    // Names of keys and of a header of HTTP, and a word in a comment.
    let names = [
        "ArrowDown",
        "ArrowLeft",
        "ArrowRight",
        "ArrowUp",
        "Content-Type",
        "Ctrl-Enter",
        "Default",
        "End",
        "Enter",
        "Escape",
        "Home",
    ];
    let built = russian();
    for script in ["book.js", "searcher.js"] {
        let text = fs::read_to_string(built.folder.join(script)).unwrap();
        let left: BTreeSet<&str> = sentences(&text).filter(|text| !names.contains(text)).collect();
        assert_eq!(left, BTreeSet::new(), "{script}: not in book/ru/interface.toml");
    }
}

#[test]
fn the_list_has_nothing_that_is_not_said() {
    let list = fs::read_to_string(real_root().join("book/ru/interface.toml")).unwrap();
    let list: toml::Table = list.parse().unwrap();
    let keys = |table: &str| list[table].as_table().unwrap().keys().cloned().collect::<Vec<_>>();
    let english = editions().remove(0);
    let html = |name: &str| fs::read_to_string(english.folder.join(name)).unwrap();
    let page = html("caching.html");
    let attributes: Vec<&str> = english.pages["caching.html"]
        .iter()
        .filter_map(|piece| if let Piece::Open(tag) = piece { Some(tag) } else { None })
        .flat_map(|tag| ATTRIBUTES.iter().filter_map(|attribute| tag.get(attribute)))
        .collect();
    for words in keys("attributes") {
        assert!(attributes.contains(&words.as_str()), "{words}");
    }
    for words in keys("texts") {
        assert!(page.contains(&format!(">{words}<")), "{words}");
    }
    for words in keys("missing") {
        assert!(html("404.html").contains(&format!(">{words}<")), "{words}");
    }
}

#[test]
fn what_is_not_in_the_list_is_found() {
    let page = crate::book::tests::markup::pieces(
        "<body title=\"New\"><script>let a = 'b';</script><p>Around</p><main>Text\
         <p class=\"blockquote-tag-title\"><svg></svg>Box</p><a title=\"x\"></a></main>",
    );
    assert_eq!(around(&page), ["New", "Around", "Box"]);
    assert_eq!(tags(&page).count(), 7);
    let found: Vec<&str> = sentences("a.title = 'Show it'; b('click', \"Hide\");").collect();
    assert_eq!(found, ["Show it", "Hide"]);
}
