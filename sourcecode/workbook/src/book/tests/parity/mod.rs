//! The editions say the same, and each in its own words.

mod contents;
mod shape;

use std::fs;

use self::shape::{links, shape};
use super::real_root;
use crate::book::edition::{EDITIONS, Edition};
use crate::book::follow::{State, file, state, translated};

type Parts = Vec<(usize, String)>;

/// The first part in which two pages differ.
fn difference(english: &Parts, other: &Parts) -> Option<String> {
    let nothing = (0, "nothing more".to_owned());
    let mut pairs = (0..english.len().max(other.len()))
        .map(|index| [english, other].map(|parts| parts.get(index).unwrap_or(&nothing)));
    let [(line, theirs), (own, ours)] = pairs.find(|[theirs, ours]| theirs.1 != ours.1)?;
    Some(format!("{own}: has `{ours}` where the English page, in line {line}, has `{theirs}`"))
}

/// All ways in which a page differs from the English one.
fn differences(english: &str, page: &str) -> Vec<String> {
    let shapes = difference(&shape(english), &shape(page));
    shapes.into_iter().chain(difference(&links(english), &links(page))).collect()
}

/// The translated pages, each with its edition, its name and both texts.
fn pairs() -> Vec<(&'static Edition, String, [String; 2])> {
    let mut pairs = Vec::new();
    for edition in &EDITIONS[1..] {
        for name in translated(&real_root()).unwrap() {
            let read = |edition| fs::read_to_string(real_root().join(file(edition, &name)));
            let text = read(edition).unwrap();
            let english = read(&EDITIONS[0]);
            let english = english.unwrap_or_else(|_| panic!("there is no English page {name}"));
            pairs.push((edition, name, [english, text]));
        }
    }
    pairs
}

#[test]
fn pages_have_the_same_shape_in_all_editions() {
    let mut found = Vec::new();
    for (edition, name, [english, page]) in pairs() {
        let file = file(edition, &name);
        found.extend(differences(&english, &page).iter().map(|found| format!("{file}:{found}")));
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn translations_follow_the_english_pages_as_they_are() {
    let mut stale = Vec::new();
    for (edition, name, [english, page]) in pairs() {
        if state(&english, &page) != State::Current {
            let english = file(&EDITIONS[0], &name);
            stale.push(format!(
                "{file}: `{english}` has changed since: `git log -p {english}` shows how; bring \
                 the translation up to date, then `cargo run -- follow {name}`",
                file = file(edition, &name),
            ));
        }
    }
    assert!(stale.is_empty(), "\n{}", stale.join("\n"));
}

#[track_caller]
fn check(english: &str, page: &str, expected: &[&str]) {
    let found = differences(english, page);
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (found, part) in found.iter().zip(expected) {
        assert!(found.contains(part), "`{found}` does not say `{part}`");
    }
}

#[test]
fn words_may_differ() {
    let english = "# A {#a}\n\nOne [b](b.md), two [c](c.md#d).\n\n\
                   {{#figure a.svg caption=\"x\" alt=\"y\"}}\n\n- One.\n- Two.\n";
    let page = "<!-- follows: 0 -->\n# Б {#a}\n\n[c](c.md#d) и [b](b.md)\n\n\
                {{#figure a.svg\n  alt=\"ы\" caption=\"х\"}}\n\n- Всё.\n";
    check(english, page, &[]);
}

#[test]
fn what_differs_is_found() {
    let listing =
        "{{#listing a.rs caption=\"x\" lines=\"1-2\" emphasize=\"(1)\"}}\n\n1. A.\n2. B.\n";
    check(listing, &listing.replace("1-2", "1-3"), &["1: has `listing a.rs lines=\"1-3\""]);
    check(listing, &listing.replace("(1)", "2"), &["emphasize=\"2\""]);
    check(
        listing,
        &listing.replace("2. B.\n", ""),
        &["nothing more` where the English page, in l"],
    );
    check(listing, &listing.replace("1.", "2."), &["3: has `2.`"]);
    check("{{#output a}}", "{{#output b}}", &["`output b`"]);
    check("{{#output a caption=\"x\"}}", "{{#output a}}", &["`output a`"]);
    check("# A {#a}\n\n## B {#b}\n", "# A {#a}\n\n## B {#c}\n", &["3: has `h2 {#c}`"]);
    check("# A {#a}\n\n## B {#b}\n", "# A {#a}\n\n### B {#b}\n", &["`h3 {#b}`"; 1]);
    check("[a](b.md)\n", "[a](c.md)\n", &["[\"c.md\"]"]);
    check("<details>\n<summary>A</summary>\n\n</details>\n", "A\n", &["1, has `details`"]);
    check("| a |\n|---|\n| b |\n| c |\n", "| a |\n|---|\n| b |\n", &["4, has `row 2`"]);
    check("> [!NOTE]\n> A\n", "> [!TIP]\n> A\n", &["1: has `> Some(Tip)`"]);
    check("```rust\na\n```\n", "```console\na\n```\n", &["console"]);
}
