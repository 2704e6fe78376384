//! The terms themselves: no word means two things, and none is forbidden by another.

use std::collections::HashSet;

use super::{forbidden, prose};
use crate::book::edition::EDITIONS;
use crate::book::glossary::{FILE, Glossary, Term};
use crate::book::tests::real_root;

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
