//! The index itself, in the form in which the page's `elasticlunr` loads it.

use anyhow::{Context, Result};
use elasticlunr::lang::English;
use elasticlunr::pipeline::PipelineFn;
use elasticlunr::{Index, IndexBuilder, Language, Pipeline};
use serde_json::{Map, Value};

use super::words::{self, Stems};

/// The parts of a document in which words are looked for.
const FIELDS: [&str; 3] = ["title", "body", "breadcrumbs"];

/// The index of these documents, as JSON, without the word with which the text of a page begins.
///
/// # Errors
///
/// A document without one of its parts.
pub fn of(documents: &Map<String, Value>, first: &str) -> Result<String> {
    let builder = IndexBuilder::with_language(Box::new(Book(English::new())));
    let mut index: Index = builder.add_fields(FIELDS).build();
    for (name, document) in documents {
        let mut texts = Vec::new();
        for field in FIELDS {
            let text = document[field].as_str();
            let text = text.with_context(|| format!("a text of the search has no `{field}`"))?;
            texts.push(text.strip_prefix(first).unwrap_or(text).trim_start());
        }
        index.add_doc(name, texts);
    }
    Ok(index.to_json())
}

/// Both languages at once: a Russian page is full of English names.
struct Book(English);

impl Language for Book {
    // A name that `elasticlunr` knows; it chooses nothing.
    fn name(&self) -> String {
        self.0.name()
    }

    fn code(&self) -> String {
        self.0.code()
    }

    fn tokenize(&self, text: &str) -> Vec<String> {
        words::split(text)
    }

    fn make_pipeline(&self) -> Pipeline {
        Pipeline { queue: vec![Box::new(Stemmer(Stems::new()))] }
    }
}

/// What becomes of a word, under the name that the script gives the same function.
struct Stemmer(Stems);

impl PipelineFn for Stemmer {
    fn name(&self) -> String {
        "stems".to_owned()
    }

    fn filter(&self, word: String) -> Option<String> {
        self.0.stem(&word)
    }
}
