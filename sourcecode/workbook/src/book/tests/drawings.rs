//! A drawing with words has a sister in each other language: the same shapes, no English.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::markup::{Piece, pieces, tags};
use super::{Workspace, real_root};
use crate::book::directive::Directive;
use crate::book::edition::{EDITIONS, Edition};
use crate::book::figure::Figure;
use crate::book::inputs::fingerprint;

/// Names that are the same in all languages, beside what is code.
const NAMES: [&str; 6] = ["memcached", "redis", "TCP", "cookie", "dogpile", "Beaker"];

/// How often each kind of shape is in a drawing, and texts of code. Other texts may need more lines in
/// one language than in another.
fn shapes(drawing: &str) -> BTreeMap<(String, bool), usize> {
    let mut shapes = BTreeMap::new();
    for tag in tags(drawing) {
        let code = tag.has_class("code");
        if code || !["text", "tspan"].contains(&tag.name.as_str()) {
            *shapes.entry((tag.name, code)).or_insert(0) += 1;
        }
    }
    shapes
}

/// What is written in a drawing and is not code.
pub fn texts(drawing: &str) -> Vec<String> {
    let (mut found, mut code) = (Vec::new(), Vec::new());
    for piece in pieces(drawing) {
        match piece {
            Piece::Open(tag) if tag.name == "text" || tag.name == "tspan" => {
                code.push(tag.has_class("code"));
            }
            Piece::Close(name) if name == "text" || name == "tspan" => {
                code.pop();
            }
            Piece::Text(text) if !code.is_empty() && !code.contains(&true) => found.push(text),
            _ => {}
        }
    }
    found
}

/// The words in Latin letters that are neither code nor a name.
fn english(drawing: &str) -> Vec<String> {
    let texts = texts(drawing).join(" ");
    let words = texts.split(|c: char| !c.is_alphanumeric());
    let latin = |word: &&str| word.contains(|c: char| c.is_ascii_alphabetic());
    words.filter(latin).filter(|word| !NAMES.contains(word)).map(str::to_owned).collect()
}

fn drawings(folder: &str) -> BTreeSet<String> {
    let Ok(entries) = real_root().join(folder).read_dir() else { return BTreeSet::new() };
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".svg")).collect()
}

#[test]
fn drawings_of_both_languages_have_the_same_shapes() {
    let read = |file: &str| fs::read_to_string(real_root().join(file)).unwrap();
    for folder in EDITIONS.iter().filter_map(|edition| edition.figures) {
        let own = drawings(folder);
        for name in drawings("book/figures") {
            let source = read(&format!("book/figures/{name}"));
            let file = format!("{folder}/{name}");
            if !own.contains(&name) {
                let wordless = !source.contains("<text");
                assert!(wordless, "`{file}` is missing: `book/figures/{name}` has words");
                continue;
            }
            let drawing = read(&file);
            assert_eq!(shapes(&drawing), shapes(&source), "`{file}`: elements, and whether code");
            assert_eq!(english(&drawing), Vec::<String>::new(), "`{file}` has English words");
        }
        let extra: Vec<_> = own.difference(&drawings("book/figures")).cloned().collect();
        assert!(extra.is_empty(), "`{folder}` has {extra:?}, and `book/figures` has not");
    }
}

#[test]
fn english_words_are_found() {
    let drawing = "<svg><text>хранилище redis</text><text class=\"code\">load</text>\
                   <text>сессия <tspan class=\"code\">put</tspan> and, 2 id</text></svg>";
    assert_eq!(english(drawing), ["and", "id"]);
    assert_ne!(shapes(drawing), shapes(&drawing.replace(" class=\"code\"", "")));
}

const WORDS: &str = "<svg viewBox=\"0 0 1 1\"><text>words</text></svg>";

fn figure(workspace: &Workspace, edition: &Edition) -> Result<Figure, String> {
    let directive = "{{#figure words.svg caption=\"Words\" alt=\"Words\"}}";
    Figure::read(workspace.root(), edition, &Directive::parse(directive).unwrap())
}

#[test]
fn an_edition_shows_the_drawing_with_its_own_words() {
    let workspace = Workspace::new();
    workspace.write("book/figures/words.svg", WORDS);
    workspace.write("book/figures/ru/words.svg", &WORDS.replace("words", "слова"));
    let shown = |edition| figure(&workspace, edition).unwrap();
    assert_eq!(shown(&EDITIONS[0]).file, "book/figures/words.svg");
    assert!(shown(&EDITIONS[0]).html(&EDITIONS[0], "1").contains(">words<"));
    assert_eq!(shown(&EDITIONS[1]).file, "book/figures/ru/words.svg");
    assert!(shown(&EDITIONS[1]).html(&EDITIONS[1], "1").contains(">слова<"));
}

#[test]
fn an_edition_needs_a_drawing_of_its_own() {
    let workspace = Workspace::new();
    workspace.write("book/figures/words.svg", WORDS);
    let error = figure(&workspace, &EDITIONS[1]).unwrap_err();
    assert!(error.contains("could not read `book/figures/ru/words.svg`"), "{error}");
    assert!(error.contains("copy it there and translate"), "{error}");
    // What has no words is the same in all languages.
    workspace.write("book/figures/words.svg", "<svg viewBox=\"0 0 1 1\"><path d=\"\"/></svg>");
    assert_eq!(figure(&workspace, &EDITIONS[1]).unwrap().file, "book/figures/words.svg");
}

#[test]
fn a_translated_drawing_makes_another_book() {
    let workspace = Workspace::new();
    let before = fingerprint(workspace.root(), &EDITIONS[1]).unwrap();
    workspace.write("book/figures/ru/words.svg", WORDS);
    assert_ne!(fingerprint(workspace.root(), &EDITIONS[1]).unwrap(), before);
}
