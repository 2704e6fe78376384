//! Colours for Rust, set when the book is built, so that a page needs no script for them:
//! `theme/highlight.js` does nothing, in place of mdBook's highlighter.
//!
//! It knows words, texts, comments and numbers, and nothing of grammar: enough for a listing.

use super::html::escape;

const KEYWORDS: &[&str] = &[
    "as", "async", "await", "break", "const", "continue", "crate", "dyn", "else", "enum", "extern",
    "false", "fn", "for", "if", "impl", "in", "let", "loop", "match", "mod", "move", "mut", "pub",
    "ref", "return", "self", "Self", "static", "struct", "super", "trait", "true", "type", "use",
    "where", "while",
];

/// The HTML of each line. A text or a comment that goes over several lines is coloured on each.
pub fn rust(source: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut rest = source;
    while !rest.is_empty() {
        let (length, class) = token(rest);
        let (token, after) = rest.split_at(length);
        for (index, part) in token.split('\n').enumerate() {
            if index > 0 {
                lines.push(String::new());
            }
            if let Some(line) = lines.last_mut() {
                line.push_str(&span(part, class));
            }
        }
        rest = after;
    }
    lines
}

fn span(text: &str, class: Option<&str>) -> String {
    let text = escape(text);
    match class {
        Some(class) if !text.is_empty() => format!("<span class=\"hljs-{class}\">{text}</span>"),
        _ => text,
    }
}

/// The length of the first token in bytes, and its class.
fn token(text: &str) -> (usize, Option<&'static str>) {
    let first = text.chars().next().unwrap_or(' ');
    if text.starts_with("//") {
        return (text.find('\n').unwrap_or(text.len()), Some("comment"));
    }
    if text.starts_with("/*") {
        return (text.find("*/").map_or(text.len(), |end| end + 2), Some("comment"));
    }
    if text.starts_with("#[") || text.starts_with("#![") {
        return (text.find(']').map_or(text.len(), |end| end + 1), Some("meta"));
    }
    if let Some(length) = quoted(text) {
        return (length, Some("string"));
    }
    if first == '\'' {
        return tick(text);
    }
    let length = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    if first.is_ascii_digit() {
        return (length, Some("number"));
    }
    if length == 0 {
        return (first.len_utf8(), None);
    }
    let (word, after) = text.split_at(length);
    let class = if KEYWORDS.contains(&word) {
        Some("keyword")
    } else if after.starts_with('!') && !after.starts_with("!=") {
        Some("built_in")
    } else if first.is_uppercase() {
        Some("type")
    } else if after.starts_with('(') {
        Some("title")
    } else {
        None
    };
    (length, class)
}

/// `"…"`, `b"…"` and `r#"…"#`.
fn quoted(text: &str) -> Option<usize> {
    let body = text.trim_start_matches(['b', 'c', 'r', '#']);
    let prefix = &text[..text.len() - body.len()];
    let hashes = prefix.trim_start_matches(['b', 'c', 'r']);
    if !body.starts_with('"') || prefix.len() - hashes.len() > 2 || hashes.contains(['b', 'c', 'r'])
    {
        return None;
    }
    let raw = prefix.contains('r');
    let end = format!("\"{hashes}");
    let mut at = 1;
    while at < body.len() {
        if body[at..].starts_with(&end) {
            return Some(prefix.len() + at + end.len());
        }
        let character = body[at..].chars().next()?;
        at += character.len_utf8();
        if character == '\\' && !raw {
            at += body[at..].chars().next().map_or(0, char::len_utf8);
        }
    }
    Some(text.len())
}

/// A character such as `'a'`, or a lifetime such as `'a`.
fn tick(text: &str) -> (usize, Option<&'static str>) {
    let mut characters = text.char_indices().skip(1);
    let second = characters.next();
    if let Some((_, '\\')) = second {
        // The character after the backslash may itself be a tick.
        let end = text.get(3..).and_then(|rest| rest.find('\'')).map_or(text.len(), |end| end + 4);
        return (end, Some("string"));
    }
    if let (Some(_), Some((at, '\''))) = (second, characters.next()) {
        return (at + 1, Some("string"));
    }
    let end = text[1..].find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(0);
    (end + 1, Some("symbol"))
}
