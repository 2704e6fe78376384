//! `searchindex.js`: how mdBook writes it, and how it is written here.

use anyhow::{Context, Result};
use serde_json::Value;

use super::words;

/// What a query needs before the index can be loaded.
const SEARCH: &str = include_str!("search.js");

const BEFORE: &str = "window.search = Object.assign(window.search, JSON.parse('";

/// The settings and the index that a script of mdBook's holds.
///
/// # Errors
///
/// A script that looks otherwise.
pub fn read(script: &str) -> Result<Value> {
    let text = script
        .strip_prefix(BEFORE)
        .and_then(|rest| rest.trim_end().strip_suffix("'));"))
        .with_context(|| format!("expected `{BEFORE}…'));`"))?;
    serde_json::from_str(&unquote(text)).context("expected JSON in it")
}

/// A script with these settings and this index, and with the words' endings.
pub fn write(settings: &Value, index: &str) -> String {
    let unsaid: Vec<&str> = words::unsaid().collect();
    let search = SEARCH.replace("UNSAID_WORDS", &quote(&unsaid.join(" ")));
    let settings = quote(&settings.to_string());
    let index = quote(index);
    format!(
        "{search}\nwindow.search = Object.assign(window.search, JSON.parse({settings}), \
         {{ index: JSON.parse({index}) }});\n"
    )
}

/// A text in single quotes: JSON is full of double ones.
fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// What was quoted, from between the quotes.
fn unquote(quoted: &str) -> String {
    let mut text = String::with_capacity(quoted.len());
    let mut characters = quoted.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => text.extend(characters.next()),
            other => text.push(other),
        }
    }
    text
}

/// The index that a script of ours holds.
#[cfg(test)]
pub fn index(script: &str) -> Value {
    let (_, rest) = script.split_once("{ index: JSON.parse('").unwrap();
    let quoted = rest.trim_end().strip_suffix("') });").unwrap();
    serde_json::from_str(&unquote(quoted)).unwrap()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_quoted_is_read_again() {
        let value = json!({ "doc_urls": ["a'b", "c\\d", "e\"f\n"] });
        let script = format!("{BEFORE}{}));", quote(&value.to_string()).split_off(1));
        assert_eq!(read(&script).unwrap(), value);
        let written = write(&value, "{}");
        assert!(written.contains(r#"["a\'b","c\\\\d","e\\"f\\n"]"#), "{written}");
        assert!(!written.contains("UNSAID_WORDS"), "{written}");
    }

    #[test]
    fn another_script_is_refused() {
        for script in ["window.search = {};", "window.search = Object.assign(window.search, 1);"] {
            assert!(read(script).is_err(), "{script}");
        }
    }
}
