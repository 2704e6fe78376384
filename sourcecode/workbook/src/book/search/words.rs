//! What counts as a word, and what is left of it without its ending.
//!
//! `search.js` says the same once more for the words of a query. `book/browser` compares the two over
//! every word of the book.

use std::collections::HashSet;

use elasticlunr::lang::English;
use elasticlunr::{Language, Pipeline};
use rust_stemmers::{Algorithm, Stemmer};

/// Words that say nothing about what is looked for, in both languages.
const UNSAID: &str = include_str!("unsaid.txt");

/// Longer ones are no words: digests, encoded cookies.
const LONGEST: usize = 40;

/// The words of a text: runs of letters, digits and `_`.
pub fn split(text: &str) -> Vec<String> {
    text.to_lowercase()
        .split(|character: char| !character.is_alphanumeric() && character != '_')
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The words that are not looked for.
pub fn unsaid() -> impl Iterator<Item = &'static str> {
    UNSAID.split_whitespace()
}

/// Takes endings off words of both languages.
pub struct Stems {
    unsaid: HashSet<&'static str>,
    english: Pipeline,
    russian: Stemmer,
}

impl Stems {
    /// The stemmers that the page has too.
    pub fn new() -> Stems {
        let mut english = English::new().make_pipeline();
        // The step before it has another list of words, the first one an alphabet of 26 letters.
        english.queue.drain(..english.queue.len() - 1);
        let russian = Stemmer::create(Algorithm::Russian);
        Stems { unsaid: unsaid().collect(), english, russian }
    }

    /// The word without its ending; `None` for what is not looked for.
    pub fn stem(&self, word: &str) -> Option<String> {
        let word = word.replace('ё', "е");
        if !(2..=LONGEST).contains(&word.chars().count()) || self.unsaid.contains(word.as_str()) {
            return None;
        }
        if word.bytes().all(|byte| byte.is_ascii_lowercase()) {
            return self.english.run(vec![word]).pop();
        }
        if word.chars().all(|letter| ('а'..='я').contains(&letter)) {
            return Some(self.russian.stem(&word).into_owned());
        }
        Some(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let stems = Stems::new();
        let found: Vec<String> = split(text).iter().filter_map(|word| stems.stem(word)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn endings_are_taken_off() {
        check("Сессия, сессии, сессией, сессиями", &["сесс"; 4]);
        check("запросы, запросов, запросами", &["запрос"; 3]);
        check("истёкшие истекших", &["истекш"; 2]);
        check("Reverting a change reverts changes", &["revert", "chang", "revert", "chang"]);
    }

    #[test]
    fn a_word_is_letters_digits_and_underscores() {
        check("standings.get_or_create(\"Kimi\")?", &["stand", "get_or_create", "kimi"]);
        check("`Räikkönen`—0_session/кэш", &["räikkönen", "0_session", "кэш"]);
    }

    #[test]
    fn what_says_nothing_is_left_out() {
        check("как и её, her, the, x", &[]);
        check("ещё истёкшие", &["истекш"]);
    }

    #[test]
    fn the_list_has_no_word_twice_and_none_that_could_not_be_met() {
        let all: Vec<&str> = unsaid().collect();
        let mut sorted = all.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), all.len());
        for word in all {
            assert_eq!(split(&word.replace('ё', "е")), [word]);
        }
    }
}
