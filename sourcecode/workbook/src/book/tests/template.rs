//! Every page on a program is built the same way, and short enough to be read in one go.

use std::fs;

use super::real_root;
use crate::book::edition::EDITIONS;

const SECTIONS: [&str; 7] = ["run", "program", "why", "pitfalls", "exercise", "check", "next"];

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
            if !name.starts_with("session-") {
                continue;
            }
            let ids: Vec<&str> = page
                .lines()
                .filter_map(|line| line.strip_prefix("## ")?.split_once("{#")?.1.strip_suffix('}'))
                .collect();
            assert_eq!(ids, SECTIONS, "{}/{name}", edition.code);
            let folded = |section: &str| {
                let from = page.split_once(&format!("{{#{section}}}")).unwrap().1;
                let part = from.split("\n## ").next().unwrap();
                part.matches("<details>").count()
            };
            assert_eq!(folded("run"), 1, "{name}: one question before reading on");
            assert_eq!(folded("exercise"), 4, "{name}: three hints and an answer");
            assert_eq!(folded("check"), 3, "{name}: three questions");
        }
    }
}
