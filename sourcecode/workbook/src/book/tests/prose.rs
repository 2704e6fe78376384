//! The words of a page that are read as language: no code, no links' targets, no ids.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::markup::{Piece, pieces};

/// The words, each with its line. Captions and the words for those who do not see a picture count.
pub fn words(markdown: &str) -> Vec<(usize, String)> {
    let (text, mut words) = without_directives(markdown);
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

/// The page with blank lines for its directives, and the words of the directives' captions.
fn without_directives(markdown: &str) -> (String, Vec<(usize, String)>) {
    let (mut text, mut words, mut done) = (String::new(), Vec::new(), 0);
    for (start, _) in markdown.match_indices("{{#") {
        let end = markdown[start..].find("}}").map_or(markdown.len(), |length| start + length + 2);
        for key in ["caption=\"", "alt=\""] {
            let Some(at) = markdown[start..end].find(key) else { continue };
            let mut at = start + at + key.len();
            let value = markdown[at..end].split('"').next().unwrap_or_default();
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
        text.push_str(&markdown[done..start]);
        text.push_str(&"\n".repeat(markdown[start..end].matches('\n').count()));
        done = end;
    }
    text.push_str(&markdown[done..]);
    (text, words)
}

fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}
