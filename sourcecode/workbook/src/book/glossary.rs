//! `{{#glossary}}`: the terms of `book/glossary.toml`, one word for one thing, as a table.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::edition::{EDITIONS, Edition};

/// Where the terms are, relative to the workspace.
pub const FILE: &str = "book/glossary.toml";

/// All terms, in the order of the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Glossary {
    /// Each `[[term]]` of the file.
    #[serde(rename = "term")]
    pub terms: Vec<Term>,
}

/// One thing, and its word in each language.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Term {
    en: String,
    ru: String,
    says_en: String,
    says_ru: String,
    #[serde(default)]
    #[cfg_attr(not(test), expect(dead_code, reason = "tests look for these words"))]
    not_en: Vec<String>,
    #[serde(default)]
    #[cfg_attr(not(test), expect(dead_code, reason = "tests look for these words"))]
    not_ru: Vec<String>,
}

impl Glossary {
    /// Reads the terms below the workspace `root`.
    pub fn read(root: &Path) -> Result<Glossary, String> {
        let text = fs::read_to_string(root.join(FILE))
            .map_err(|error| format!("could not read `{FILE}`: {error}"))?;
        toml::from_str(&text).map_err(|error| format!("`{FILE}`: {error}"))
    }

    /// A table in Markdown, sorted by the edition's words, with a place for each term.
    pub fn table(&self, edition: &Edition) -> String {
        let mut terms: Vec<&Term> = self.terms.iter().collect();
        terms.sort_by_key(|term| order(term.word(edition)));
        let other = edition.other();
        let mut table =
            format!("| {} | {} | {} |\n|---|---|---|\n", edition.term, other.name, edition.meaning);
        for term in terms {
            let (id, word, meaning) = (term.id(), term.word(edition), term.meaning(edition));
            let (code, translation) = (other.code, term.word(other));
            table.push_str(&format!(
                "| <span id=\"{id}\">**{word}**</span> | <span lang=\"{code}\">{translation}</span> \
                 | {meaning} |\n"
            ));
        }
        table
    }
}

impl Term {
    /// Its place on the page of the glossary, the same in every edition.
    pub fn id(&self) -> String {
        format!("term-{}", self.en.replace(' ', "-"))
    }

    /// Its word in an edition.
    pub fn word(&self, edition: &Edition) -> &str {
        if edition.code == EDITIONS[0].code { &self.en } else { &self.ru }
    }

    /// What an edition says of it.
    pub fn meaning(&self, edition: &Edition) -> &str {
        if edition.code == EDITIONS[0].code { &self.says_en } else { &self.says_ru }
    }

    /// The beginnings of words that would say the same. One that ends with a space is a whole word.
    #[cfg(test)]
    pub fn forbidden(&self, edition: &Edition) -> &[String] {
        if edition.code == EDITIONS[0].code { &self.not_en } else { &self.not_ru }
    }
}

/// As in a dictionary: a verb without its "to", and ё where е is.
fn order(word: &str) -> String {
    let word = word.strip_prefix("to ").unwrap_or(word);
    word.to_lowercase().replace('ё', "е")
}
