//! What the index of a built edition finds.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{refresh, script, words};
use crate::book::build::build;
use crate::book::edition::EDITIONS;
use crate::book::tests::{Workspace, real_root};

/// How many parts of pages have the word in their text, whatever its ending.
fn found(root: &Path, code: &str, word: &str) -> usize {
    let path = root.join(format!("book/{code}/build/searchindex.js"));
    let index = script::index(&fs::read_to_string(path).unwrap());
    let stem = words::Stems::new().stem(word).unwrap();
    let mut node = &index["index"]["body"]["root"];
    for letter in stem.chars() {
        node = &node[letter.to_string()];
    }
    node["docs"].as_object().map_or(0, serde_json::Map::len)
}

#[test]
fn words_of_both_languages_are_found_in_both_editions() {
    let workspace = Workspace::new();
    let page =
        "# Page {#page}\n\nСессии закончились.\n\n## Two {#two}\n\nFiles: `Session::open`.\n";
    workspace.write("book/ru/src/page.md", page);
    workspace.build(page).unwrap();
    for code in ["en", "ru"] {
        for word in ["сессия", "сессиями", "закончилась", "file", "session", "open"]
        {
            assert_eq!(found(workspace.root(), code, word), 1, "{code}: {word}");
        }
        for word in ["кэш", "русский", "english"] {
            assert_eq!(found(workspace.root(), code, word), 0, "{code}: {word}");
        }
    }
}

#[test]
fn the_russian_edition_is_found_by_russian_words() {
    let root = real_root();
    build(&root).unwrap();
    for word in ["сессию", "кэшированию", "библиотек", "программ", "выводы", "rust"]
    {
        assert!(found(&root, "ru", word) > 0, "{word}");
    }
}

#[test]
fn an_index_that_is_not_understood_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let error = || format!("{:#}", refresh(folder.path(), &EDITIONS[0]).unwrap_err());
    assert!(error().contains("could not read"), "{}", error());
    let write = |text: &str| fs::write(folder.path().join("searchindex.js"), text).unwrap();
    write("window.search = {};");
    assert!(error().contains("is not what mdBook 0.5 writes"), "{}", error());
    let empty = Value::Object(serde_json::Map::new());
    write(&format!("window.search = Object.assign(window.search, JSON.parse('{empty}'));"));
    assert!(error().contains("no documents"), "{}", error());
}
