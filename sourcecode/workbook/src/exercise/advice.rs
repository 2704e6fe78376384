//! What to say about a mistake that readers make.

use anyhow::{Result, bail};
use serde::Deserialize;

/// Advice, and when to give it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Advice {
    /// Part of what such an answer prints, or of what the compiler says of it.
    when: String,
    en: String,
    ru: String,
}

impl Advice {
    /// Whether it is about this.
    pub fn fits(&self, said: &str) -> bool {
        said.contains(&self.when)
    }

    /// The text, in the language of an edition.
    pub fn text(&self, code: &str) -> &str {
        if code == "ru" { &self.ru } else { &self.en }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    advice: Vec<Advice>,
}

/// All advice of a file.
pub fn read(text: &str) -> Result<Vec<Advice>> {
    let file: File = toml::from_str(text)?;
    for advice in &file.advice {
        if [&advice.when, &advice.en, &advice.ru].iter().any(|text| text.trim().is_empty()) {
            bail!("advice has `when`, `en` and `ru`, and says something in each");
        }
    }
    Ok(file.advice)
}
