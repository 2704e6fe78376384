//! One word for one thing: the table of the terms, and pages that keep to it.

use std::collections::HashSet;
use std::fs;

use super::drawings::texts;
use super::prose::{split, words};
use super::{Workspace, real_root};
use crate::book::edition::{EDITIONS, Edition};
use crate::book::glossary::{FILE, Glossary, Term};

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

/// What is wrong with the terms themselves.
fn mistakes(glossary: &Glossary) -> Vec<String> {
    let mut found = Vec::new();
    let mut ids = HashSet::new();
    for term in &glossary.terms {
        let id = term.id();
        let plain = id.chars().all(|c| c.is_ascii_lowercase() || c == '-');
        if !plain || !ids.insert(id.clone()) {
            found.push(format!("`{id}` is there twice, or is not made of small letters"));
        }
    }
    for edition in &EDITIONS {
        let mut known = HashSet::new();
        for term in &glossary.terms {
            let word = term.word(edition);
            if !known.insert(word.to_lowercase()) {
                found.push(format!("`{word}` means two things"));
            }
            if !term.meaning(edition).ends_with('.') {
                found.push(format!("what is said of `{word}` is no sentence"));
            }
            if term.forbidden(edition).iter().any(|stem| stem.trim().is_empty()) {
                found.push(format!("`{word}` forbids nothing"));
            }
            let text = format!("{word} {}", term.meaning(edition));
            found.extend(forbidden(glossary, edition, &prose(&text)));
        }
    }
    found
}

#[test]
fn the_terms_are_sound() {
    let glossary = Glossary::read(&real_root()).unwrap();
    let mistakes = mistakes(&glossary);
    assert!(mistakes.is_empty(), "{FILE}:\n{}", mistakes.join("\n"));
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

#[test]
fn unsound_terms_are_found() {
    let term = |en: &str, ru: &str, not: &str| -> Term {
        let text = format!(
            "en = \"{en}\"\nru = \"{ru}\"\nsays_en = \"X.\"\nsays_ru = \"Y\"\nnot_ru = [\"{not}\"]"
        );
        toml::from_str(&text).unwrap()
    };
    let check = |terms, expected: &[&str]| {
        let mistakes = mistakes(&Glossary { terms });
        assert_eq!(mistakes.len(), expected.len(), "{mistakes:?}");
        for part in expected {
            assert!(mistakes.iter().any(|found| found.contains(part)), "{part}: {mistakes:?}");
        }
    };
    check(vec![term("a", "а", "б")], &["what is said of `а`"]);
    check(vec![term("a", "а", "а")], &["what is said of `а`", "the glossary calls `а`"]);
    let twice = ["`term-a` is there twice", "`a` means two", "`А` means two", "of `а`", "of `А`"];
    check(vec![term("a", "а", "б"), term("a", "А", "б")], &twice);
}

#[test]
fn the_table_is_sorted_by_the_words_of_the_edition() {
    let workspace = Workspace::new();
    let page = "# Page {#page}\n\n{{#glossary}}\n\n[a](#term-back-end)\n";
    workspace.write("book/ru/src/page.md", page);
    let english = workspace.build(page).unwrap();
    let russian = fs::read_to_string(workspace.root().join("book/ru/build/page.html")).unwrap();
    let at = |html: &str, part: &str| html.find(part).unwrap_or_else(|| panic!("no `{part}`"));
    let (store, end) = ("<span id=\"term-store\">", "<span id=\"term-back-end\">");
    assert!(at(&english, end) < at(&english, store));
    // Ё is where Е is, before Х.
    assert!(at(&russian, end) < at(&russian, store));
    at(&english, "<strong>back end</strong></span></td><td><span lang=\"ru\">ёмкость</span></td>");
    at(&russian, "<th>термин</th><th>English</th><th>что это</th>");
}

#[test]
fn terms_that_cannot_be_read_fail_the_build() {
    let workspace = Workspace::new();
    let page = "# Page {#page}\n\n{{#glossary}}\n";
    workspace.write(FILE, "[[term]]\nen = \"store\"\nrussian = \"хранилище\"\n");
    let error = workspace.build(page).unwrap_err();
    assert!(error.contains("page.md:3: `book/glossary.toml`"), "{error}");
    assert!(error.contains("unknown field `russian`"), "{error}");
    fs::remove_file(workspace.root().join(FILE)).unwrap();
    let error = workspace.build(page).unwrap_err();
    assert!(error.contains("could not read `book/glossary.toml`"), "{error}");
}
