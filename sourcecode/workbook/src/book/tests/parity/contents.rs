//! The pages, and their order in the contents.

use std::collections::BTreeSet;
use std::fs;

use super::difference;
use crate::book::edition::{EDITIONS, Edition};
use crate::book::tests::real_root;

/// The links of a table of contents and its parts, each with its line. Words are left out.
fn contents(summary: &str) -> Vec<(usize, String)> {
    let part = |(index, line): (usize, &str)| {
        let part = match line.split_once("](") {
            Some((before, target)) => {
                let level = before.len() - before.trim_start().len();
                format!("{}({target}", " ".repeat(level))
            }
            None if line.starts_with("# ") => "a part".to_owned(),
            None if line.trim().is_empty() => return None,
            None => line.to_owned(),
        };
        Some((index + 1, part))
    };
    summary.lines().enumerate().filter_map(part).collect()
}

fn pages(edition: &Edition) -> BTreeSet<String> {
    let entries = edition.pages(&real_root()).read_dir().unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn editions_have_the_same_pages() {
    let english = pages(&EDITIONS[0]);
    for edition in &EDITIONS[1..] {
        let own = pages(edition);
        let code = edition.code;
        let extra: Vec<_> = own.difference(&english).collect();
        assert!(extra.is_empty(), "book/{code} has {extra:?}, and book/en has not");
        let missing: Vec<_> = english.difference(&own).collect();
        assert!(missing.is_empty(), "book/{code} lacks {missing:?}");
    }
}

#[test]
fn editions_have_the_same_order() {
    let read = |edition: &Edition| {
        contents(&fs::read_to_string(edition.pages(&real_root()).join("SUMMARY.md")).unwrap())
    };
    for edition in &EDITIONS[1..] {
        let (english, own) = (read(&EDITIONS[0]), read(edition));
        let found = difference(&english, &own);
        assert_eq!(found, None, "book/{}/src/SUMMARY.md", edition.code);
    }
}

#[test]
fn another_order_is_found() {
    let english = contents("# Contents\n\n[A](a.md)\n\n- [B](b.md)\n  - [C](c.md)\n\n---\n");
    let same = "# Содержание\n[А](a.md)\n- [Б](b.md)\n  - [В](c.md)\n---\n";
    assert_eq!(difference(&english, &contents(same)), None);
    for (from, to) in [("(a.md", "(b.md"), ("# С", "С"), ("  - ", "- "), ("---", "")] {
        assert_ne!(difference(&english, &contents(&same.replace(from, to))), None, "{from}");
    }
}
