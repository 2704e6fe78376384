//! One word for one thing: pages and drawings keep to the terms.

mod table;
mod terms;

use std::fs;

use super::drawings::texts;
use super::prose::{split, words};
use super::{Workspace, real_root};
use crate::book::edition::{EDITIONS, Edition};
use crate::book::glossary::Glossary;

/// The places where a word is used that the glossary forbids in this edition.
fn forbidden(glossary: &Glossary, edition: &Edition, text: &[(usize, String)]) -> Vec<String> {
    let mut found = Vec::new();
    for term in &glossary.terms {
        for stem in term.forbidden(edition) {
            let whole = stem.ends_with(' ');
            let mut stems = Vec::new();
            split(0, stem, &mut stems);
            let same = |((_, word), (_, stem)): (&(usize, String), &(usize, String))| {
                if whole { word == stem } else { word.starts_with(stem.as_str()) }
            };
            let uses = text.windows(stems.len()).filter(|part| part.iter().zip(&stems).all(same));
            let (stem, instead) = (stem.trim(), term.word(edition));
            found.extend(uses.map(|part| {
                let (line, word) = &part[0];
                format!("{line}: `{word}…` is `{stem}`, which the glossary calls `{instead}`")
            }));
        }
    }
    found
}

fn prose(text: &str) -> Vec<(usize, String)> {
    let mut words = Vec::new();
    split(1, text, &mut words);
    words
}

#[test]
fn no_page_uses_a_forbidden_word() {
    let glossary = Glossary::read(&real_root()).unwrap();
    let mut found = Vec::new();
    for edition in &EDITIONS {
        for entry in edition.pages(&real_root()).read_dir().unwrap() {
            let path = entry.unwrap().path();
            let words = words(&fs::read_to_string(&path).unwrap());
            let place = path.strip_prefix(real_root()).unwrap().display().to_string();
            let uses = forbidden(&glossary, edition, &words);
            found.extend(uses.into_iter().map(|found| format!("{place}:{found}")));
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn no_drawing_uses_a_forbidden_word() {
    let glossary = Glossary::read(&real_root()).unwrap();
    for edition in &EDITIONS {
        let folder = real_root().join(edition.figures.unwrap_or("book/figures"));
        for entry in folder.read_dir().into_iter().flatten() {
            let path = entry.unwrap().path();
            let Ok(drawing) = fs::read_to_string(&path) else { continue };
            let found = forbidden(&glossary, edition, &prose(&texts(&drawing).join(" ")));
            assert!(found.is_empty(), "{}: {found:?}", path.display());
        }
    }
}

#[track_caller]
fn check_forbidden(edition: &Edition, page: &str, places: &[&str]) {
    let glossary = Glossary::read(Workspace::new().root()).unwrap();
    let found = forbidden(&glossary, edition, &words(page));
    assert_eq!(found.len(), places.len(), "{found:?}");
    for (found, place) in found.iter().zip(places) {
        assert!(found.starts_with(place), "{found} is not at {place}");
    }
}

#[test]
fn forbidden_words_are_found_where_they_are() {
    let [english, russian] = &EDITIONS;
    check_forbidden(english, "# Backend {#a}\n\nThe engine\nand Backends.", &["1:", "4:", "3:"]);
    check_forbidden(english, "`backend` [engines](backend.md)\n\n```rust\nbackend\n```\n", &[]);
    check_forbidden(
        english,
        "<details>\n<summary>A backend</summary>\n<code>engine</code>\n\n</details>",
        &["2:"],
    );
    check_forbidden(english, "| a |\n|---|\n| [a backend](b.md#engine) |\n", &["3:"]);
    let figure = "Text\n\n{{#figure backend.svg\n  caption=\"The `engine` and\n  an engine\"\n  \
                  alt=\"No\n  backend\"}}\n\nText, engine\n";
    check_forbidden(english, figure, &["7:", "5:", "9:"]);
    check_forbidden(russian, "Стор и стороны, ёмкость", &["1:"]);
    check_forbidden(russian, "У заднего\n\nЗадний\nконец **задний конец**", &["3:", "4:"]);
}
