//! Every page on a program is built the same way, as is every page that is an exercise. All are short enough to be
//! read in one go.

use std::fs;

use super::real_root;
use crate::book::edition::EDITIONS;

const SECTIONS: [&str; 7] = ["run", "program", "why", "pitfalls", "exercise", "check", "next"];

/// Of a page that is an exercise of its own; its bonuses stand before the questions.
const EXERCISE: [&str; 4] = ["exercise", "why", "check", "next"];

/// The words of a page that are read: no code, no tables, no directives.
fn words(page: &str) -> usize {
    let mut count = 0;
    let (mut fenced, mut directive) = (false, false);
    for line in page.lines() {
        directive |= line.starts_with("{{#");
        let fence = line.starts_with("```");
        let comment = line.starts_with("<!--");
        if !(fenced || fence || directive || comment || line.starts_with('|')) {
            let word = |word: &&str| word.contains(char::is_alphanumeric) && !word.starts_with('<');
            count += line.split_whitespace().filter(word).count();
        }
        fenced ^= fence;
        directive &= !line.ends_with("}}");
    }
    count
}

#[test]
fn pages_have_the_same_sections_and_a_length() {
    for edition in &EDITIONS {
        for entry in edition.pages(&real_root()).read_dir().unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let page = fs::read_to_string(&path).unwrap();
            if ["SUMMARY.md", "glossary.md"].contains(&name.as_str()) {
                continue;
            }
            let words = words(&page);
            assert!((300..=1200).contains(&words), "{}/{name}: {words} words", edition.code);
            let ids: Vec<&str> = page
                .lines()
                .filter_map(|line| line.strip_prefix("## ")?.split_once("{#")?.1.strip_suffix('}'))
                .collect();
            let folded = |section: &str| {
                let from = page.split_once(&format!("{{#{section}}}")).unwrap().1;
                let part = from.split("\n## ").next().unwrap();
                part.matches("<details>").count()
            };
            if name.starts_with("session-") {
                assert_eq!(ids, SECTIONS, "{}/{name}", edition.code);
                assert_eq!(folded("run"), 1, "{name}: one question before reading on");
                assert_eq!(folded("exercise"), 4, "{name}: three hints and an answer");
                assert_eq!(folded("check"), 3, "{name}: three questions");
            }
            if name.starts_with("exercise-") {
                let is_bonus = |id: &&str| id.starts_with("bonus");
                let (bonuses, others): (Vec<_>, Vec<_>) = ids.into_iter().partition(is_bonus);
                assert_eq!(others, EXERCISE, "{}/{name}", edition.code);
                for id in bonuses.into_iter().chain(["exercise"]) {
                    assert_eq!(folded(id), 4, "{name}: three hints and an answer in {id}");
                }
                assert_eq!(folded("check"), 3, "{name}: three questions");
            }
        }
    }
}
