//! The words of a page that are read as language: no code, no links' targets, no ids.

use std::ops::Range;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::markup::{Piece, pieces};

/// The words, each with its line. Captions and the words for those who do not see a picture count.
pub fn words(markdown: &str) -> Vec<(usize, String)> {
    let (text, mut words) = (without_directives(markdown), captions(markdown));
    let options = Options::ENABLE_HEADING_ATTRIBUTES | Options::ENABLE_TABLES;
    let mut code = false;
    for (event, range) in Parser::new_ext(&text, options).into_offset_iter() {
        let line = line_of(&text, range.start);
        match event {
            Event::Start(Tag::CodeBlock(_)) => code = true,
            Event::End(TagEnd::CodeBlock) => code = false,
            Event::Text(text) if !code => split(line, &text, &mut words),
            Event::Html(html) | Event::InlineHtml(html) => {
                for piece in pieces(&html) {
                    match piece {
                        Piece::Open(tag) if tag.name == "code" => code = true,
                        Piece::Close(name) if name == "code" => code = false,
                        Piece::Text(text) if !code => split(line, &text, &mut words),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    words.sort_by_key(|(line, _)| *line);
    words
}

/// Takes a text apart, in lower case and without the dots of ё.
pub fn split(line: usize, text: &str, words: &mut Vec<(usize, String)>) {
    let text = text.to_lowercase().replace('ё', "е");
    let parts = text.split(|c: char| !c.is_alphanumeric() && c != '-');
    let parts = parts.map(|word| word.trim_matches('-')).filter(|word| !word.is_empty());
    words.extend(parts.map(|word| (line, word.to_owned())));
}

/// Where the directives of a page are.
pub fn directives(markdown: &str) -> Vec<Range<usize>> {
    let end = |start: usize| {
        markdown[start..].find("}}").map_or(markdown.len(), |length| start + length + 2)
    };
    markdown.match_indices("{{#").map(|(start, _)| start..end(start)).collect()
}

/// The page with blank lines for its directives.
pub fn without_directives(markdown: &str) -> String {
    let (mut text, mut done) = (String::new(), 0);
    for range in directives(markdown) {
        text.push_str(&markdown[done..range.start]);
        text.push_str(&"\n".repeat(markdown[range.clone()].matches('\n').count()));
        done = range.end;
    }
    text + &markdown[done..]
}

/// The number of the line at this place of a page.
pub fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// The words of the captions of a page, and those for who does not see a picture.
fn captions(markdown: &str) -> Vec<(usize, String)> {
    let mut words = Vec::new();
    for range in directives(markdown) {
        for key in ["caption=\"", "alt=\""] {
            let Some(at) = markdown[range.clone()].find(key) else { continue };
            let mut at = range.start + at + key.len();
            let value = markdown[at..range.end].split('"').next().unwrap_or_default();
            for (index, part) in value.split('`').enumerate() {
                for line in part.split_inclusive('\n') {
                    if index % 2 == 0 {
                        split(line_of(markdown, at), line, &mut words);
                    }
                    at += line.len();
                }
                at += 1;
            }
        }
    }
    words
}
